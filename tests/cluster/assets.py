"""The control plane's programs: found, or built from source once.

Where they come from, first match wins: ``KUBEBUILDER_ASSETS`` (a folder with ``etcd`` and
``kube-apiserver``, as setup-envtest makes one), what was built before, a build by ``go``. The
build's key is the content it is made from, so a change of version or flags builds anew.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Assets", "AssetsError", "build_assets", "find_assets"]

PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
VERSION = "v1.36.3"

_SOURCE = Path(__file__).with_name("controlplane")
_INPUTS = ("go.mod", "go.sum", "main.go")
_VARIABLES = {
    "k8s.io/component-base/version.gitVersion": VERSION,
    "k8s.io/component-base/version.gitMajor": VERSION.split(".", maxsplit=1)[0].removeprefix("v"),
    "k8s.io/component-base/version.gitMinor": VERSION.split(".")[1],
    "k8s.io/client-go/pkg/version.gitVersion": VERSION,
}
_FLAGS = (
    "-trimpath",
    "-ldflags",
    " ".join(["-s -w", *(f"-X {name}={value}" for name, value in _VARIABLES.items())]),
)
_WAY = (
    "install Go 1.26 or newer (https://go.dev/dl) and run `make controlplane`, or set "
    "KUBEBUILDER_ASSETS to a folder with etcd and kube-apiserver (setup-envtest makes one), or "
    "DEPLOYER_TEST_KUBECONFIG to the kubeconfig of any cluster"
)


class AssetsError(Exception):
    """There is no control plane here; the message says the way to get one."""


@dataclass(frozen=True, slots=True)
class Assets:
    """A folder of programs. Without ``controllers`` nothing acts on objects."""

    folder: Path

    @property
    def controllers(self) -> bool:
        """Whether the controller manager and the scheduler are there too."""
        return all((self.folder / name).exists() for name in PROGRAMS)

    def program(self, name: str) -> Path:
        """Return the path of a program."""
        return self.folder / name


def find_assets() -> Assets | None:
    """Return the programs that are there already, or None."""
    named = os.environ.get("KUBEBUILDER_ASSETS")
    if named:
        return Assets(Path(named))
    folder = _cache() / _key()
    return Assets(folder) if all((folder / name).exists() for name in PROGRAMS) else None


def build_assets(tell: Callable[[str], None]) -> Assets:
    """Return the programs, built when they are not there; one build at a time on a machine.

    Raises:
        AssetsError: They are not there and cannot be built; the message says what to do.
    """
    with _locked(_cache()):
        found = find_assets()
        if found is None:
            _build(_cache() / _key(), tell)
            found = Assets(_cache() / _key())
        return found


def _build(folder: Path, tell: Callable[[str], None]) -> None:
    go = shutil.which("go")
    if go is None:
        raise AssetsError(f"there is no Kubernetes control plane to test with: {_WAY}")
    tell(f"building Kubernetes {VERSION} for the tests: about 7 minutes on two cores, once")
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        _run_go(go, Path(scratch))
        _install(Path(scratch) / "controlplane", folder)


def _run_go(go: str, scratch: Path) -> None:
    for name in _INPUTS:
        shutil.copy(_SOURCE / name, scratch)
    command = [go, "build", *_FLAGS, "-o", "controlplane", "."]
    settings = {"CGO_ENABLED": "0", "GOFLAGS": "", "GOWORK": "off", "GOTOOLCHAIN": "auto"}
    environment = os.environ | settings
    done = subprocess.run(
        command, cwd=scratch, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise AssetsError(
            f"go could not build the control plane (exit code {done.returncode}): "
            f"{done.stderr.strip()[-2000:]}"
        )


def _install(binary: Path, folder: Path) -> None:
    """Put one binary under four names; the folder appears whole or not at all."""
    place = binary.parent / "assets"
    place.mkdir()
    binary.rename(place / "controlplane")
    for name in PROGRAMS:
        (place / name).symlink_to("controlplane")
    place.rename(folder)


def _key() -> str:
    digest = hashlib.sha256("\0".join(_FLAGS).encode())
    for name in _INPUTS:
        digest.update((_SOURCE / name).read_bytes())
    return digest.hexdigest()[:16]


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "deployer" / "controlplane"


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
