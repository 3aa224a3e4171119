"""What a user installs: everything the program needs is in the package, none of it in the tree."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

SPEC = """\
name: iris
model: {path: ./model, format: sklearn}
targets:
  - {name: here, provider: local, store: "file:///srv/models", cluster: {local: ./cluster}}
"""


@pytest.fixture(scope="module")
def installed(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel and return the folder it is unpacked in."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=root, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def run(installed: Path, folder: Path, program: str, *arguments: str) -> str:
    """Run a program that imports the unpacked package, and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(installed), "PATH": "", "PYTHONDONTWRITEBYTECODE": "1"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_everything_that_is_no_source_is_in_the_wheel(root: Path, installed: Path) -> None:
    manifests = {path.relative_to(root) for path in (root / "manifests").rglob("*.yaml")}
    assert manifests
    assert all((installed / "deployer" / path).is_file() for path in manifests)
    page, dashboard = "routing/status_page.html", "manifests/monitoring/dashboard.json"
    for name in ("py.typed", "providers/book/book.csv", page, dashboard):
        assert (installed / "deployer" / name).is_file()


def test_only_the_package_is_in_the_wheel(installed: Path) -> None:
    names = {path.name for path in installed.iterdir()}
    assert {name for name in names if not name.endswith(".dist-info")} == {"deployer"}
    assert not list(installed.rglob("__pycache__"))


def test_the_command_line_renders_from_the_wheels_own_manifests(
    installed: Path, tmp_path: Path
) -> None:
    (tmp_path / "deployer.yaml").write_text(SPEC)
    program = "from deployer.cli.app import main; main()"
    text = run(installed, tmp_path, program, "render", "--digest", "0" * 64)
    assert "kind: Deployment" in text
    where = "from deployer.spec.library import manifests_folder; print(manifests_folder())"
    assert run(installed, tmp_path, where).strip() == str(installed / "deployer" / "manifests")
    assert "deployer 0." in run(installed, tmp_path, program, "--version")
