"""What has to be installed, logged in to or created: exit code 5, and the command that helps."""

import http.server
import threading
from collections.abc import Iterator
from typing import Any

import pytest

CLOUDS = ("s3", "gs", "az")
BLOCK = """\
import importlib.abc
import sys


class Nothing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name in {"boto3", "botocore", "google.cloud", "google.cloud.storage", "azure.storage"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None


sys.meta_path.insert(0, Nothing())
"""
LOGINS = {
    "s3": "aws configure",
    "gs": "gcloud auth application-default login",
    "az": "AZURE_STORAGE_CONNECTION_STRING",
}
EXTRAS = {"s3": "deployer[aws]", "gs": "deployer[gcp]", "az": "deployer[azure]"}
BUCKETS = {
    "s3": "aws s3 mb s3://nowhere",
    "gs": "gcloud storage buckets create gs://nowhere",
    "az": "az storage container create --name nowhere",
}


@pytest.fixture
def model(shell: Any) -> str:
    (shell.folder / "model.json").write_text("{}")
    return "model.json"


@pytest.mark.parametrize("scheme", CLOUDS)
def test_a_missing_login_says_how_to_log_in(shell: Any, model: str, scheme: str) -> None:
    shell.environment |= {"HOME": str(shell.folder), "GCE_METADATA_HOST": "127.0.0.1:9"}
    shell.environment |= {"NO_GCE_CHECK": "true"}
    done = shell.run("push", model, f"{scheme}://nowhere", expect=5)
    assert LOGINS[scheme] in done.err


@pytest.mark.parametrize("scheme", CLOUDS)
def test_a_missing_package_says_what_to_install(shell: Any, model: str, scheme: str) -> None:
    (shell.folder / "sitecustomize.py").write_text(BLOCK)
    shell.environment |= {"PYTHONPATH": str(shell.folder), "AZURE_STORAGE_ACCOUNT": "acme"}
    done = shell.run("push", model, f"{scheme}://nowhere", expect=5)
    assert f"pip install '{EXTRAS[scheme]}'" in done.err


@pytest.mark.parametrize("scheme", CLOUDS)
def test_a_model_goes_there_and_back_with_the_vendors_own_settings(
    shell: Any, model: str, sandbox: Any, scheme: str
) -> None:
    shell.environment = dict(sandbox.environment)
    missing = shell.run("push", model, f"{scheme}://nowhere", expect=5)
    assert BUCKETS[scheme] in missing.err
    pushed = shell.run("push", model, f"{scheme}://deployer-sandbox/a/b", "-o", "json").json
    assert pushed["schema"] == "deployer/push/v1"
    assert pushed["uri"].startswith(f"{scheme}://deployer-sandbox/a/b/artifacts/sha256/")
    verified = shell.run("verify", "--deep", pushed["uri"], "-o", "json").json
    assert (verified["schema"], verified["good"]) == ("deployer/verify/v1", True)
    pulled = shell.run("pull", pushed["uri"], "--to", "copy", "-o", "json").json
    assert pulled["schema"] == "deployer/pull/v1"
    assert (shell.folder / "copy" / "model.json").read_text() == "{}"


class Forbidding(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._refuse()

    def do_HEAD(self) -> None:
        self._refuse()

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        self._refuse()

    def _refuse(self) -> None:
        body = b"<Error><Code>AccessDenied</Code><Message>not you</Message></Error>"
        self.send_response(403)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else body)

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


@pytest.fixture
def forbidding() -> Iterator[str]:
    """Return the address of a server that knows who you are and will not have it."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Forbidding) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_what_is_forbidden_is_never_missing(shell: Any, model: str, forbidding: str) -> None:
    shell.environment |= {"AWS_ACCESS_KEY_ID": "me", "AWS_SECRET_ACCESS_KEY": "s3cr3t"}
    shell.environment |= {"AWS_DEFAULT_REGION": "us-east-1", "NO_PROXY": "127.0.0.1"}
    done = shell.run("push", model, "s3://acme", "--endpoint", forbidding, expect=5)
    assert "AccessDenied" in done.err or "403" in done.err
    assert "mb" not in done.err
    assert "s3cr3t" not in done.err


def test_warnings_of_libraries_are_for_who_asks_for_them(shell: Any) -> None:
    late = "import atexit, warnings\natexit.register(warnings.warn, 'of a library')\n"
    (shell.folder / "sitecustomize.py").write_text(late)
    shell.environment["PYTHONPATH"] = str(shell.folder)
    assert not shell.run("schema").err
    shell.environment["PYTHONWARNINGS"] = "default"
    assert "UserWarning: of a library" in shell.start("schema").finish().err
