"""A local cluster's folder: where everything lies, how it is written, who may write.

Whole files replace whole files, so readers need no lock; writers of objects hold one. Object
files belong to the adapter, ``status`` and ``pods`` to the supervisor.
"""

import fcntl
import json
import os
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deployer.errors import TransientError
from deployer.ports import Clock

__all__ = ["ClusterFolder", "read_json", "write_json"]

_LOCK_SECONDS = 10.0
_FLOCK = "hhqqi4x"  # struct flock of 64-bit Linux: type, whence, start, length, pid


class ClusterFolder:
    """The paths of one cluster. Making one touches nothing."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.namespaces = self.path / "namespaces"
        self.stopped_mark = self.path / "stopped"
        self.supervisor_lock = self.path / "supervisor.lock"
        self.supervisor_file = self.path / "supervisor.json"
        self.supervisor_log = self.path / "supervisor.log"
        self.changes = self.path / "changes"
        self.images = self.path / "images.json"

    @property
    def name(self) -> str:
        """The name people know it by."""
        return self.path.name

    def objects(self, namespace: str, kind: str = "") -> Path:
        """Return the folder of a namespace's objects, or of one kind of them."""
        return self.namespaces / namespace / "objects" / kind

    def status_file(self, namespace: str, kind: str, name: str) -> Path:
        """Return where the supervisor writes an object's status."""
        return self.namespaces / namespace / "status" / kind / f"{name}.json"

    def pods(self, namespace: str) -> Path:
        """Return the folder of a namespace's pods: ``<pod>/pod.json``, logs and volumes."""
        return self.namespaces / namespace / "pods"

    def list_namespaces(self) -> list[str]:
        """Return the namespaces that exist, in order."""
        if not self.namespaces.is_dir():
            return []
        return sorted(entry.name for entry in self.namespaces.iterdir() if entry.is_dir())

    def supervisor_pid(self) -> int | None:
        """Return the pid of the running supervisor; None when there is none.

        The kernel answers, from the lock that the supervisor holds while it lives: no stale pid
        file can lie.
        """
        try:
            with self.supervisor_lock.open("r+b") as lock:
                answer = fcntl.fcntl(
                    lock, fcntl.F_GETLK, struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
                )
        except FileNotFoundError:
            return None
        kind, _, _, _, pid = struct.unpack(_FLOCK, answer)
        return None if kind == fcntl.F_UNLCK else int(pid)

    @contextmanager
    def writing(self, clock: Clock) -> Iterator[None]:
        """Hold the right to write objects.

        Raises:
            TransientError: Somebody else held it for ten seconds.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / "lock").open("ab") as lock:
            deadline = clock.monotonic() + _LOCK_SECONDS
            while not _try_lock(lock.fileno()):
                if clock.monotonic() > deadline:
                    raise TransientError(
                        f"the local cluster {self.name} is locked by another process",
                        operation="lock",
                        resource=str(self.path),
                    )
                clock.sleep(0.01)
            yield

    def next_version(self) -> int:
        """Reserve a resource version, larger than all before; only while `writing`."""
        counter = self.path / "version.json"
        version = int(read_json(counter) or 0) + 1
        write_json(counter, version, durable=True)
        return version

    def tell_change(self) -> None:
        """Wake the supervisor up."""
        self.changes.touch()


def read_json(path: Path) -> Any:
    """Return the document, or None when there is no such file."""
    try:
        return json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None


def write_json(path: Path, document: Any, *, durable: bool = False) -> None:
    """Replace the file: readers see the old document or the new; ``durable`` survives a crash."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(handle, "w") as file:
            json.dump(document, file, indent=1)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
