"""One open file, read in order once, its chunks kept until all readers have had them."""

import hashlib
import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from deployer.checksums import Buffer
from deployer.transfer.chunk import HeldChunk, Holding
from deployer.transfer.errors import changed, unreadable
from deployer.transfer.marks import SLICE, Marks

__all__ = ["SharedFile"]

_WINDOW = 4
"""Chunks kept for readers that are behind; the first one waits when it is further ahead."""

_Identity = tuple[int, int, int]


class SharedFile:
    """A file that readers, known by number, take chunks from. Safe to use from many threads.

    The chunk at the frontier is read by whoever wants it first. One that was let go of is read
    again for the reader that missed it. The file is open only while it is read: a folder has more
    files than a process may open.
    """

    def __init__(
        self,
        path: Path,
        *,
        sha256: str,
        marks: Marks | None,
        readers: Iterable[int],
        holding: Holding,
        stall_seconds: float,
        relieve: Callable[[], None],
    ) -> None:
        self._path = path
        self._wanted = sha256
        self._marks = marks
        self._holding = holding
        self._stall_seconds = stall_seconds
        self._relieve = relieve
        self._identity = self._look()
        if marks is not None and marks.size != self.size:
            raise changed(self._path, "after it was scanned")
        self._length = 0
        self._sha256 = hashlib.sha256()
        self._frontier = 0
        self._kept: dict[int, HeldChunk] = {}
        self._passed = dict.fromkeys(readers, 0)
        self._waiting_for = set(self._passed)
        self._reading = False
        self._condition = threading.Condition()

    @property
    def size(self) -> int:
        """In bytes, when it was opened."""
        return self._identity[0]

    def take(self, reader: int, number: int, length: int) -> HeldChunk:
        """Return chunk ``number`` (from 1), held once more, for ``reader``.

        Raises:
            SourceError: The file changed or vanished.
        """
        kept = self._find_or_claim(reader, number, length)
        if kept is not None:
            return kept
        if number <= self._frontier:
            return self._load(number, length, first=False)
        return self._advance(reader, self._load(number, length, first=True))

    def finish(self) -> None:
        """Make sure that all was read and that the file is what it was, and what it is to be.

        Raises:
            SourceError: It is not.
        """
        if self._look() != self._identity:
            raise changed(self._path, "while it was read")
        if self._wanted and not self._marked and self._sha256.hexdigest() != self._wanted:
            raise changed(self._path, "after it was scanned")

    @property
    def _marked(self) -> Marks | None:
        """The marks, when they can be told of chunks of the length that is asked for."""
        return self._marks if self._marks and self._marks.fit(self._length) else None

    def leave(self, reader: int) -> bool:
        """Wait for ``reader`` no more; True when nobody is left."""
        with self._condition:
            self._waiting_for.discard(reader)
            self._passed.pop(reader, None)
            self._drop_passed()
            return not self._passed

    def let_go(self) -> None:
        """Keep nothing for readers that are behind."""
        with self._condition:
            up = {who for who in self._waiting_for if self._at(who) >= self._frontier}
            self._waiting_for = up
            self._drop_passed()

    def close(self) -> None:
        """Keep nothing more; what readers hold is theirs to release."""
        with self._condition:
            for chunk in self._kept.values():
                chunk.release()
            self._kept.clear()

    def _find_or_claim(self, reader: int, number: int, length: int) -> HeldChunk | None:
        """Return the chunk if it is kept; None when the caller is to read it."""
        with self._condition:
            self._length = self._length or length
            if length != self._length:
                raise ValueError(f"chunks of {length} bytes beside {self._length}")
            while True:
                if number in self._kept:
                    chunk = self._kept[number].hold()
                    self._pass(reader, number)
                    return chunk
                if number <= self._frontier:
                    return None
                if not self._reading and len(self._kept) < _WINDOW:
                    self._reading = True
                    return None
                if not self._condition.wait(self._stall_seconds):
                    self._stop_waiting()

    def _stop_waiting(self) -> None:
        if not self._reading:
            self.let_go()

    def _load(self, number: int, length: int, *, first: bool) -> HeldChunk:
        offset = (number - 1) * length
        count = min(length, self.size - offset)
        while not self._holding.budget.acquire(count, timeout_seconds=self._stall_seconds):
            self._relieve()
        try:
            body = self._read(offset, count, length)
            known = self._marked.of_part(offset, count) if self._marked else {}
            if first and not known:
                self._sha256.update(body)
        except BaseException:
            self._holding.budget.release(count)
            if first:
                self._end_reading()
            raise
        return HeldChunk(number, offset, body, self._holding, known)

    def _read(self, offset: int, count: int, length: int) -> Buffer:
        try:
            with self._path.open("rb", buffering=0) as file:
                whole = _identity(os.fstat(file.fileno())) == self._identity
                if length >= self.size:
                    body: Buffer = os.pread(file.fileno(), count, offset)
                    self._prove(offset, body)
                else:
                    body = self._holding.buffers.take(count, length)
                    self._fill(file.fileno(), offset, body)
        except OSError as error:
            raise unreadable(self._path, error) from error
        if not whole or len(body) != count:
            raise changed(self._path, "while it was read")
        return body

    def _fill(self, file: int, offset: int, view: memoryview) -> None:
        """Read a slice at a time, and prove it while it is in the processor's cache."""
        for at in range(0, len(view), SLICE):
            piece = view[at : at + SLICE]
            if os.preadv(file, [piece], offset + at) != len(piece):
                raise changed(self._path, "while it was read")
            self._prove(offset + at, piece)

    def _prove(self, offset: int, body: Buffer) -> None:
        if self._marked is None:
            return
        for at in range(0, len(body), SLICE):
            if not self._marked.prove(offset + at, body[at : at + SLICE]):
                raise changed(self._path, "after it was scanned")

    def _look(self) -> _Identity:
        try:
            return _identity(self._path.stat())
        except OSError as error:
            raise unreadable(self._path, error) from error

    def _advance(self, reader: int, chunk: HeldChunk) -> HeldChunk:
        with self._condition:
            self._frontier += 1
            self._kept[chunk.number] = chunk.hold()
            self._pass(reader, chunk.number)
        self._end_reading()
        return chunk

    def _end_reading(self) -> None:
        with self._condition:
            self._reading = False
            self._condition.notify_all()

    def _pass(self, reader: int, number: int) -> None:
        if reader in self._passed:
            self._passed[reader] = max(self._passed[reader], number)
        self._drop_passed()

    def _drop_passed(self) -> None:
        behind = min((self._at(who) for who in self._waiting_for), default=self._frontier)
        for number in [number for number in self._kept if number <= behind]:
            self._kept.pop(number).release()
        self._condition.notify_all()

    def _at(self, reader: int) -> int:
        return self._passed.get(reader, 0)


def _identity(status: os.stat_result) -> _Identity:
    return status.st_size, status.st_mtime_ns, status.st_ino
