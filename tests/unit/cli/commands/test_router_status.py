import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deployer.cli.app import app
from deployer.providers.local.clock import SystemClock

Serve = Callable[..., str]
DEPLOYER = str(Path(sys.executable).parent / "deployer")
DEAD = "http://127.0.0.1:1"


class Ready(BaseHTTPRequestHandler):
    """Answers every probe."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


@pytest.fixture(scope="module")
def good() -> Iterator[str]:
    """Return the URL of a backend that is well."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Ready) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a router in front of the backends named, and return its URL."""
    with ExitStack() as stack:

        def serve(**backends: str) -> str:
            words = [f"--backend={name}={url}" for name, url in backends.items()]
            process = subprocess.Popen(
                [DEPLOYER, "router", "serve", "--listen=127.0.0.1:0", "--fast", *words],
                stderr=subprocess.PIPE,
                text=True,
            )
            stack.callback(process.communicate)
            stack.callback(process.kill)
            assert process.stderr is not None
            lines = (re.search(r"listening on (http\S+)", line) for line in process.stderr)
            return next(found[1] for found in lines if found)

        yield serve


def status(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["router", "status", *arguments], env={"COLUMNS": "100"})
    return result.exit_code, result.output


def until(*arguments: str, code: int, said: str) -> str:
    """Ask until the exit code is ``code`` and ``said`` is said, 20 s at most; return it all."""
    last = (-1, "")
    for _ in range(200):
        last = status(*arguments)
        if last[0] == code and said in last[1]:
            return last[1]
        SystemClock().sleep(0.1)
    raise AssertionError(f"not {code} with {said!r}, but: {last}")


def test_it_shows_what_the_router_sees(serve: Serve, good: str) -> None:
    said = until("--url", serve(aws=good, gcp=good), code=0, said="2 of 2 backends healthy")
    assert said.startswith("static: 2 of 2 backends healthy, routes confirmed ")
    assert re.search(r"^aws +0 +healthy .* \d\d% ", said, re.MULTILINE)


def test_a_backend_that_is_down_is_named_with_its_reason(serve: Serve, good: str) -> None:
    url = serve(aws=good, gcp=DEAD)
    said = until("--url", url, code=3, said="gcp: down: ")
    assert re.search(r"^gcp: down: \d probes failed in a row: ", said, re.MULTILINE)
    code, document = status("--url", url, "-o", "json")
    assert code == 3
    assert [b["target"] for b in json.loads(document)["backends"]] == ["aws", "gcp"]


def test_a_router_that_does_not_answer_is_down() -> None:
    code, said = status("--url", DEAD)
    assert code == 3
    assert f"{DEAD}/-/status did not answer: connect failed" in said


def test_what_is_no_router_is_said_to_be_none(good: str) -> None:
    code, said = status("--url", good)
    assert code == 1
    assert "is no page of this router's" in said
