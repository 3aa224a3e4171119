"""Files on their way to several stores: read from the disk once, in step, digested as they go.

Each reader goes through a file at its own speed; a chunk stays in memory until all have had it. A
reader that is too far behind is not waited for beyond a stall: it reads for itself what it missed,
so that a store which hangs slows no other one down.
"""

import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from deployer.errors import DeployerError
from deployer.ports import Chunk
from deployer.transfer.budget import Budget
from deployer.transfer.chunk import HeldChunk, Holding
from deployer.transfer.limits import Limits
from deployer.transfer.marks import Marks
from deployer.transfer.scanned_file import ScannedFile
from deployer.transfer.shared_file import SharedFile

__all__ = ["FileSource", "Reader", "SharedReads", "StoppedTransferError", "open_source"]


class StoppedTransferError(DeployerError):
    """Another file failed, or the user interrupted: this one is not to blame."""


class SharedReads:
    """The files that ``readers`` stores are sent, each read once.

    Every reader is expected: it opens each file, or leaves. Readers are numbered from 0. One that
    never came is no longer expected once memory runs short.
    """

    def __init__(
        self, readers: int, *, budget: Budget | None = None, stall_seconds: float = 10.0
    ) -> None:
        self._expected = frozenset(range(readers))
        self._holding = Holding(budget or Limits().budget)
        self._stall_seconds = stall_seconds
        self._files: dict[Path, SharedFile] = {}
        self._gone: set[int] = set()
        self._seen: set[int] = set()
        self._done: set[Path] = set()
        self._lock = threading.Lock()

    def reader(self, number: int) -> "Reader":
        """Return the way of reader ``number`` to the files."""
        return Reader(self, number)

    def open_file(self, path: Path, number: int, sha256: str, marks: Marks | None) -> "_Opened":
        """Return the file at ``path`` as reader ``number`` sees it."""
        if len(self._expected) == 1 and marks is not None and ScannedFile.fits(marks):
            return ScannedFile(path, marks, self._holding)
        return _Turn(self, path, number, self._share_file(path, number, sha256, marks))

    def close_file(self, path: Path, number: int) -> None:
        """Note that a reader is through with a file; the last one closes it."""
        with self._lock:
            self._leave_file(path, number)

    def leave(self, number: int) -> None:
        """Note that a reader will open nothing more."""
        with self._lock:
            self._gone.add(number)
            for path in list(self._files):
                self._leave_file(path, number)

    def let_go(self) -> None:
        """Stop keeping chunks for readers that are behind: the memory is needed."""
        with self._lock:
            self._gone |= self._expected - self._seen
            files = list(self._files.values())
        for file in files:
            file.let_go()

    def _share_file(self, path: Path, number: int, sha256: str, marks: Marks | None) -> SharedFile:
        """Return the file that all readers share, made by whoever comes first."""
        with self._lock:
            self._seen.add(number)
            if path not in self._files:
                others = frozenset() if path in self._done else self._expected - self._gone
                self._files[path] = SharedFile(
                    path,
                    sha256=sha256,
                    marks=marks,
                    readers=others | {number},
                    holding=self._holding,
                    stall_seconds=self._stall_seconds,
                    relieve=self.let_go,
                )
            return self._files[path]

    def _leave_file(self, path: Path, number: int) -> None:
        file = self._files.get(path)
        if file is not None and file.leave(number):
            del self._files[path]
            self._done.add(path)
            file.close()


class Reader:
    """One store's way through the files; leave it when the store needs nothing more."""

    def __init__(self, reads: SharedReads, number: int) -> None:
        self._reads = reads
        self._number = number
        self.stopped = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._reads.leave(self._number)

    def stop(self) -> None:
        """End what this reader has open: every next chunk is a `StoppedTransferError`."""
        self.stopped.set()

    def open(self, path: Path, *, sha256: str = "", marks: Marks | None = None) -> "FileSource":
        """Return the file at ``path``.

        Open and close a file that need not be sent, too: the others wait for it otherwise.

        Args:
            path: Where it is.
            sha256: What it must be, in hex, if that is known.
            marks: Made when its sha256 was computed; they spare computing it again.

        Raises:
            SourceError: It can't be read.
        """
        file = self._reads.open_file(path, self._number, sha256, marks)
        return FileSource(path, file, self.stopped)


class _Opened(Protocol):
    """A file as one reader sees it; `SharedFile` says what is promised."""

    @property
    def size(self) -> int: ...

    def take(self, number: int, length: int) -> HeldChunk: ...

    def finish(self) -> None: ...

    def close(self) -> None: ...


class _Turn:
    """One reader's way through a file that others may read, too."""

    def __init__(self, reads: SharedReads, path: Path, number: int, file: SharedFile) -> None:
        self._reads = reads
        self._path = path
        self._number = number
        self._file = file
        self.size = file.size

    def take(self, number: int, length: int) -> HeldChunk:
        return self._file.take(self._number, number, length)

    def finish(self) -> None:
        self._file.finish()

    def close(self) -> None:
        self._reads.close_file(self._path, self._number)


class FileSource:
    """See `Source`: a file, as one reader sees it. Close it when done."""

    def __init__(self, path: Path, file: _Opened, stopped: threading.Event) -> None:
        self._path = path
        self._file = file
        self._stopped = stopped

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    @property
    def name(self) -> str:
        """See `Source.name`."""
        return str(self._path)

    @property
    def size(self) -> int:
        """See `Source.size`."""
        return self._file.size

    def chunks(self, length: int) -> Iterator[Chunk]:
        """See `Source.chunks`."""
        count = max(1, -(-self.size // length))
        for number in range(1, count + 1):
            if self._stopped.is_set():
                raise StoppedTransferError(f"the upload of {self.name} was stopped")
            yield self._file.take(number, length)

    def finish(self) -> None:
        """See `Source.finish`."""
        self._file.finish()


def open_source(path: Path, budget: Budget) -> FileSource:
    """Return the file at ``path`` for one reader.

    Raises:
        SourceError: It can't be read.
    """
    return SharedReads(1, budget=budget).reader(0).open(path)
