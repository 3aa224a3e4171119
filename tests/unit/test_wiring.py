import subprocess
import sys
from pathlib import Path

import pytest

from deployer.errors import SetupError
from deployer.wiring import open_store


@pytest.mark.parametrize("url", ["s3://acme/p", "gs://acme", "az://models/p", "file:///srv/x"])
def test_a_store_is_opened_by_its_scheme_without_io(url: str) -> None:
    assert open_store(url).url == url


@pytest.mark.parametrize("url", ["ftp://acme", "acme", "", "s3:acme"])
def test_an_unknown_scheme_is_a_matter_of_setup(url: str) -> None:
    with pytest.raises(SetupError, match="not the address of a store"):
        open_store(url)


def loaded_after(program: str) -> set[str]:
    listing = "\nimport sys; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", program + listing], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


SDKS = {"boto3", "botocore", "google", "azure", "kubernetes"}


def test_opening_stores_loads_no_sdk() -> None:
    program = "from deployer.wiring import open_store; [open_store(u) for u in ({})]".format(
        "'s3://a', 'gs://a', 'az://a', 'file:///a'"
    )
    assert not loaded_after(program) & SDKS


def test_a_pull_loads_no_sdk_but_its_own_and_nothing_of_the_rest(tmp_path: Path) -> None:
    program = f"""
from pathlib import Path
from deployer.artifact import pull_artifact, push_artifact, scan_artifact
from deployer.wiring import open_store
root = Path({str(tmp_path)!r})
(root / "store").mkdir()
(root / "model").write_bytes(b"x")
store = open_store((root / "store").as_uri())
pull_artifact(store, push_artifact(scan_artifact(root / "model"), store).digest, root / "to")
"""
    loaded = loaded_after(program)
    assert not loaded & {*SDKS, "pydantic", "ruamel", "urllib3"}
    assert (tmp_path / "to" / "model").read_bytes() == b"x"


@pytest.mark.parametrize(
    ("url", "sdk", "extra"),
    [("s3://a", "boto3", "aws"), ("gs://a", "google.cloud", "gcp"), ("az://a", "azure", "azure")],
)
def test_an_sdk_that_is_not_installed_says_what_to_install(url: str, sdk: str, extra: str) -> None:
    program = f"""
import sys
sys.modules[{sdk!r}] = None  # what the import system does for a module that is not there
from deployer.errors import SetupError
from deployer.wiring import open_store
try:
    open_store({url!r}).head("a")
except SetupError as error:
    print(error.hint)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == f"pip install 'deployer[{extra}]'"
