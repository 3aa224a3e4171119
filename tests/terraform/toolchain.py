"""Put what the checks of terraform/ need into the user's cache: python toolchain.py [WHAT …].

schemas   the providers' schemas, derived from their packages on npm (needs npm)
tofu      OpenTofu, built from its Go module (needs Go)
checkov   the policies, in an environment of their own (needs uv)

What is there already is left alone; a second process waits for the first.
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

__all__ = ["CHECKOV", "PROVIDERS", "TOOLS", "cache_folder", "prepare_tool"]

HERE = Path(__file__).parent
PROVIDERS: Mapping[str, tuple[str, str, str]] = {
    "aws": ("6.25.0", "@cdktf/provider-aws", "21.22.1"),
    "google": ("6.50.0", "@cdktf/provider-google", "16.12.1"),
    "azurerm": ("4.55.0", "@cdktf/provider-azurerm", "14.23.1"),
}
"""By provider: its version, and the package that carries that version's schema."""
CHECKOV = "3.3.30"
_TOFU = "github.com/opentofu/opentofu@v1.12.6"


def cache_folder() -> Path:
    """Return where all of it is kept."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base, "deployer-terraform")


def prepare_tool(name: str) -> None:
    """Make one of `TOOLS` ready.

    Raises:
        SystemExit: What it is made with is missing, or failed; the message says which.
    """
    with _alone(name):
        TOOLS[name]()


@contextmanager
def _alone(name: str) -> Iterator[None]:
    cache_folder().mkdir(parents=True, exist_ok=True)
    with (cache_folder() / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _schemas() -> None:
    folder = cache_folder() / "schemas"
    folder.mkdir(exist_ok=True)
    for provider, (version, package, release) in PROVIDERS.items():
        kept = folder / f"{provider}-{version}.json"
        if not kept.exists():
            with tempfile.TemporaryDirectory(dir=folder) as scratch:
                _derive(f"{package}@{release}", Path(scratch), kept)


def _derive(package: str, scratch: Path, kept: Path) -> None:
    told = _run("npm", "pack", "--silent", package, folder=scratch)
    fresh = scratch / "schema.json"
    _run(
        sys.executable, str(HERE / "derive_schema.py"), told.split()[-1], str(fresh), folder=scratch
    )
    fresh.replace(kept)


def _tofu() -> None:
    binary = _binary("tofu")
    if not binary.exists():
        # Its go.mod replaces modules, so `go install` refuses it; a build in its folder is fine.
        found = json.loads(_run("go", "mod", "download", "-json", _TOFU, folder=cache_folder()))
        build = ("go", "build", "-mod=readonly", "-trimpath", "-o", str(binary), "./cmd/tofu")
        _run(*build, folder=Path(found["Dir"]), GOFLAGS="-buildvcs=false")


def _checkov() -> None:
    folder = cache_folder() / "checkov"
    if not (folder / "bin" / "checkov").exists():
        python = folder / "bin" / "python"
        _run("uv", "venv", "--quiet", "--allow-existing", str(folder), folder=cache_folder())
        wanted = f"checkov=={CHECKOV}"
        install = ("uv", "pip", "install", "--quiet", "--python", str(python), wanted)
        _run(*install, folder=cache_folder())


def _binary(name: str) -> Path:
    folder = cache_folder() / "bin"
    folder.mkdir(exist_ok=True)
    return folder / name


def _run(program: str, *words: str, folder: Path, **settings: str) -> str:
    """Run a program to its end and return what it printed."""
    beside = str(Path(sys.executable).parent)
    found = shutil.which(program) or shutil.which(program, path=beside)
    if found is None:
        raise SystemExit(f"{program} is not installed")
    done = subprocess.run(
        [found, *words],
        cwd=folder,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{program} {words[0]} failed: {done.stderr[-500:]}")
    return done.stdout


TOOLS: Mapping[str, Callable[[], None]] = {
    "schemas": _schemas,
    "tofu": _tofu,
    "checkov": _checkov,
}


if __name__ == "__main__":
    for wanted in sys.argv[1:] or TOOLS:
        prepare_tool(wanted)
        sys.stderr.write(f"{wanted} is ready in {cache_folder()}\n")
