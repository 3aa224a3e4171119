"""Others' servers: ``python -m tests.conformance.programs`` installs them all.

Once, by version, under the user's cache folder.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from deployer.sandbox.blob.account import DEVELOPMENT_ACCOUNT
from deployer.sandbox.s3.account import ACCESS_KEY, SECRET_KEY

__all__ = ["PROGRAMS", "InstallError", "Program", "install_program"]

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "deployer" / "peers"


class InstallError(Exception):
    """A program cannot be had on this machine."""


@dataclass(frozen=True)
class Program:
    """Somebody else's server: how it is installed into a folder, and started from it."""

    version: str
    needs: str
    install: Callable[[Path], Sequence[Sequence[str]]]
    start: Callable[[Path, int], Sequence[str]]
    settings: Callable[[int], dict[str, str]] = lambda _port: {}
    path: str = ""


PROGRAMS = {
    "ministack": Program(
        version="1.5.33",
        needs=sys.executable,
        install=lambda to: (
            (sys.executable, "-m", "venv", str(to)),
            (f"{to}/bin/python", "-m", "pip", "install", "-q", "ministack==1.5.33"),
        ),
        start=lambda home, _port: (f"{home}/bin/python", "-m", "ministack"),
        settings=lambda port: {
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,  # the one whose signatures it can check
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        },
    ),
    "azurite": Program(
        version="3.37.0",
        needs="npm",
        install=lambda to: (
            (
                *("npm", "install", "--silent", "--no-audit", "--no-fund"),
                *("--prefix", str(to), "azurite@3.37.0"),
            ),
        ),
        start=lambda home, port: (
            *("node", f"{home}/node_modules/azurite/dist/src/blob/main.js"),
            *("--inMemoryPersistence", "--blobHost", "127.0.0.1", "--blobPort", str(port)),
            *("--disableTelemetry", "--skipApiVersionCheck", "--silent"),
        ),
        path=f"/{DEVELOPMENT_ACCOUNT}",
    ),
    "fake-gcs-server": Program(
        version="1.56.1",
        needs="go",
        install=lambda _to: (("go", "install", "github.com/fsouza/fake-gcs-server@v1.56.1"),),
        start=lambda home, port: (
            *(f"{home}/fake-gcs-server", "-scheme", "http", "-host", "127.0.0.1"),
            *("-port", str(port), "-backend", "memory", "-log-level", "error"),
            *("-external-url", f"http://127.0.0.1:{port}", "-public-host", f"127.0.0.1:{port}"),
        ),
    ),
}


def install_program(name: str) -> Path:
    """Return the folder of one of `PROGRAMS`, made once; other runs that want it too wait.

    Raises:
        InstallError: What it is made with is missing, or failed; the message says which.
    """
    program = PROGRAMS[name]
    CACHE.mkdir(parents=True, exist_ok=True)
    home = CACHE / f"{name}-{program.version}"
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (home / ".done").exists():
            return home
        if shutil.which(program.needs) is None:
            raise InstallError(f"it is made with {program.needs}, which is not on this machine")
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir()
        for command in program.install(home):
            _run(command, home)
        (home / ".done").touch()
    return home


def _run(command: Sequence[str], home: Path) -> None:
    environment = {**os.environ, "GOBIN": str(home)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InstallError(f"{command[0]} failed: {done.stderr.strip()[-300:]}")


def main() -> int:
    """Install all; the exit code is 1 where one could not be, and nothing may be wanting."""
    missing = 0
    for name in PROGRAMS:
        try:
            sys.stderr.write(f"{name} is in {install_program(name)}\n")
        except InstallError as error:
            missing += 1
            sys.stderr.write(f"no {name}: {error}\n")
    return int(missing > 0 and os.environ.get("DEPLOYER_TEST_REQUIRE_ALL") == "1")


if __name__ == "__main__":
    raise SystemExit(main())
