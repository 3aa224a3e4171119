"""The last good routes on disk, so that a router can start while the state can't be read."""

import os
import tempfile
from pathlib import Path

from deployer.errors import StateError
from deployer.release.records import Routes, decode_record, encode_record

__all__ = ["load_routes", "save_routes"]


def load_routes(path: Path) -> Routes:
    """Read routes from a file.

    Raises:
        StateError: There is none, or it is damaged or of a newer version.
    """
    try:
        body = path.read_bytes()
    except OSError as error:
        raise StateError(f"{path} can't be read: {error.strerror}") from error
    return decode_record(Routes, body, where=str(path))


def save_routes(path: Path, routes: Routes) -> None:
    """Write routes to a file, whole or not at all.

    Raises:
        StateError: It can't be written; an older file stays as it was.
    """
    try:
        _replace(path, encode_record(routes))
    except OSError as error:
        raise StateError(f"{path} can't be written: {error.strerror}") from error


def _replace(path: Path, body: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
