"""Where an engine runs: what it listens on, and the folder that holds its files and sockets."""

import os
import socket
import stat
from dataclasses import dataclass
from pathlib import Path

from deployer.errors import SetupError

__all__ = [
    "Place",
    "default_folder",
    "engine_environment",
    "free_port",
    "prepare_folder",
    "replace_file",
]

_SOCKET_PATH_LIMIT = 100  # unix(7) has 108 bytes; engines add a suffix while they bind


@dataclass(frozen=True, slots=True)
class Place:
    """One engine's place.

    Attributes:
        folder: None for a configuration that is only printed: without sockets and pages of ours.
        threads: 0 leaves it to the engine: as many as there are processors.
        drain_seconds: How long requests under way may take once the engine is replaced.
        ca_file: The certificate authorities that https backends are checked with.
    """

    host: str
    port: int
    folder: Path | None = None
    threads: int = 0
    drain_seconds: float = 300.0
    ca_file: str = ""

    @property
    def url(self) -> str:
        """The address for clients."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def control(self) -> Path | None:
        """The socket of the process that controls the engine."""
        return None if self.folder is None else self.folder / "control.sock"


def default_folder(engine: str, host: str, port: int) -> Path:
    """Return the folder that a second start with the same words finds again."""
    return Path.home() / ".local" / "state" / "deployer" / f"{engine}-{host}-{port}"


def prepare_folder(folder: Path) -> None:
    """Make the folder, for its owner only.

    Raises:
        SetupError: It can't be made, somebody else could write there, or its path is too long for
            a socket.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        about = folder.stat()
    except OSError as error:
        raise SetupError(
            f"{folder} can't be made: {error.strerror}", hint="Choose another with --run-dir."
        ) from error
    if about.st_uid != os.getuid() or about.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise SetupError(
            f"{folder} can be written by others than its owner, who could then steer the router",
            hint="chmod 700 it, or choose another with --run-dir.",
        )
    if len(os.fsencode(folder)) + len("/control.sock") > _SOCKET_PATH_LIMIT:
        raise SetupError(f"{folder} is too long for sockets", hint="Choose a shorter --run-dir.")


def replace_file(path: Path, text: str) -> None:
    """Write a file whole or not at all.

    Raises:
        SetupError: It can't be written; the old one stays.
    """
    fresh = path.with_name(f".{path.name}.new")
    try:
        with fresh.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise SetupError(f"{path} can't be written: {error.strerror}") from error


def engine_environment() -> dict[str, str]:
    """Return what an engine needs of our environment: credentials are not among it."""
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin")}


def free_port(host: str) -> int:
    """Return a port that nothing listens on now.

    Raises:
        SetupError: The host is none of this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.bind((host, 0))
            return int(probe.getsockname()[1])
    except OSError as error:
        raise SetupError(f"{host} can't be listened on: {error.strerror}") from error
