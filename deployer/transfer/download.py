"""Fetching one object into a file: ranges side by side, one version, proven before it is handed on.

What a killed fetch left is gone on with: beside the half-done file lies a journal of the ranges
that are in it, each with its CRC-64, so that a range which did not reach the disk whole (a power
cut, a hole full of zeros) is found and fetched again.
"""

import hashlib
import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from pathlib import Path

from deployer.checksums import checksum_of
from deployer.errors import IntegrityError, PreconditionError, TransientError
from deployer.ports import ObjectStore
from deployer.transfer.journal import RangeJournal, discard_staged
from deployer.transfer.lanes import Lanes
from deployer.transfer.limits import Limits

__all__ = ["Wanted", "fetch_file"]

_ATTEMPTS = 3
_MODE = 0o644
_AHEAD = 1


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is fetched, and what it must be: bytes, and sha256 in hex."""

    key: str
    size: int
    sha256: str


def fetch_file(
    store: ObjectStore,
    wanted: Wanted,
    staged: Path,
    *,
    limits: Limits,
    lanes: Lanes,
    progress: Callable[[int], None],
    durable: bool = True,
) -> None:
    """Write the object to ``staged``, going on with what is there.

    With ``durable`` it is on the disk at the end; else the caller sees to that, for many at once.

    Raises:
        IntegrityError: It is not what was promised; nothing of it is kept.
        OSError: The file can't be written.
    """
    for _ in range(_ATTEMPTS):
        resumed = _Fetch(store, wanted, staged, limits, lanes, progress, durable)
        try:
            found = resumed.run()
        except PreconditionError:
            discard_staged(staged)
            continue
        if found == wanted.sha256:
            return
        discard_staged(staged)
        if not resumed.went_on:
            raise _not_promised(store, wanted, found)
    raise TransientError(
        f"{store.url}/{wanted.key} changes faster than it can be read",
        operation="read",
        resource=f"{store.url}/{wanted.key}",
    )


def _not_promised(store: ObjectStore, wanted: Wanted, found: str) -> IntegrityError:
    return IntegrityError(
        f"{store.url}/{wanted.key} is not what was promised: its sha256 is {found} instead of "
        f"{wanted.sha256}",
        hint="Look at the whole artifact: deployer verify URI --deep",
    )


@dataclass(slots=True)
class _Fetch:
    """One way through an object, in ranges, hashed in order."""

    store: ObjectStore
    wanted: Wanted
    staged: Path
    limits: Limits
    lanes: Lanes
    progress: Callable[[int], None]
    durable: bool
    file: int = -1
    waiting: "deque[_Pending]" = field(default_factory=deque)
    went_on: bool = False

    def run(self) -> str:
        """Return the sha256 in hex of all that is now on the disk."""
        self.file = os.open(self.staged, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE)
        try:
            os.fchmod(self.file, _MODE)
            found = (
                self._fetch_whole()
                if self.wanted.size <= self.limits.range_bytes
                else self._fetch_all()
            )
            if self.durable:
                os.fsync(self.file)
        finally:
            os.close(self.file)
        return found

    def _fetch_whole(self) -> str:
        body = self._read(0, self.wanted.size) if self.wanted.size else b""
        os.ftruncate(self.file, 0)
        _write(self.file, body, 0)
        self.progress(len(body))
        return hashlib.sha256(body).hexdigest()

    def _fetch_all(self) -> str:
        with RangeJournal.open(self.staged, self.wanted.size, self.limits.range_bytes) as journal:
            self.went_on = bool(journal.done)
            if not journal.version:
                journal.pin(self._find_version())
            try:
                return self._hash_ranges(journal)
            finally:
                self._let_go()

    def _hash_ranges(self, journal: RangeJournal) -> str:
        sha256 = hashlib.sha256()
        count = -(-self.wanted.size // self.limits.range_bytes)
        for number in range(count):
            self._read_ahead(journal, number, count)
            sha256.update(body := self._take(journal, number))
            self.progress(len(body))
        return sha256.hexdigest()

    def _read_ahead(self, journal: RangeJournal, number: int, count: int) -> None:
        """Begin the next range, and more of them as far as there is memory.

        Only a file that holds nothing waits for memory: files that hold some would wait for one
        another.
        """
        while len(self.waiting) < min(_AHEAD + self.limits.workers, count - number):
            pending = self._start(journal, number + len(self.waiting))
            if pending is None:
                return
            self.waiting.append(pending)

    def _start(self, journal: RangeJournal, number: int) -> "_Pending | None":
        if number in journal.done:
            return _Pending(0, None)
        size = self._size_of(number)
        holding = any(pending.size for pending in self.waiting)
        timeout = 0.0 if holding else None
        if not self.limits.budget.acquire(size, timeout_seconds=timeout):
            return None
        return _Pending(size, self.lanes.start(lambda: self._fetch(journal, number)))

    def _take(self, journal: RangeJournal, number: int) -> bytes:
        """Return a range that was fetched; or read one that was there, and fetch it if damaged."""
        pending = self.waiting[0]
        if pending.future is None:
            self.waiting.popleft()
            return self._reread(journal, number)
        body = pending.future.result()
        self.waiting.popleft()
        self.limits.budget.release(pending.size)
        return body

    def _reread(self, journal: RangeJournal, number: int) -> bytes:
        body = os.pread(self.file, self._size_of(number), number * self.limits.range_bytes)
        if checksum_of("crc64nvme", body) == journal.done[number]:
            return body
        return self._fetch(journal, number)

    def _fetch(self, journal: RangeJournal, number: int) -> bytes:
        offset = number * self.limits.range_bytes
        body = self._read(offset, self._size_of(number), journal.version)
        _write(self.file, body, offset)
        journal.add(number, checksum_of("crc64nvme", body))
        return body

    def _read(self, offset: int, length: int, version: str | None = None) -> bytes:
        found = self.store.read_range(self.wanted.key, offset, length, if_version=version)
        if found.size != self.wanted.size:
            raise IntegrityError(
                f"{self.store.url}/{self.wanted.key} is not what was promised: {found.size} "
                f"bytes instead of {self.wanted.size}"
            )
        return found.body

    def _find_version(self) -> str:
        return self.store.read_range(self.wanted.key, 0, 1).version

    def _size_of(self, number: int) -> int:
        return min(self.limits.range_bytes, self.wanted.size - number * self.limits.range_bytes)

    def _let_go(self) -> None:
        """After a failure: wait for what is under way, and give its memory back."""
        for pending in self.waiting:
            if pending.future is not None:
                wait([pending.future])
                self.limits.budget.release(pending.size)


@dataclass(frozen=True, slots=True)
class _Pending:
    """A range on its way, and what it holds of the budget; no future: it is on the disk."""

    size: int
    future: "Future[bytes] | None"


def _write(file: int, body: bytes, offset: int) -> None:
    """Write all of ``body``: a disk that is nearly full takes a part."""
    view = memoryview(body)
    while view:
        written = os.pwrite(file, view, offset)
        view, offset = view[written:], offset + written
