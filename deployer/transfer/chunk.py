"""Bytes in memory that several senders share, and that count against a budget while they do."""

import threading

from deployer.checksums import checksum_of
from deployer.transfer.budget import Budget

__all__ = ["Body", "HeldChunk"]


class HeldChunk:
    """See `Chunk`. Made with one holder; ``body`` is gone when the last one has released it."""

    def __init__(self, number: int, offset: int, body: bytes, budget: Budget) -> None:
        self.number = number
        self.offset = offset
        self.body = body
        self._size = len(body)
        self._budget = budget
        self._holders = 1
        self._checksums: dict[str, str] = {}
        self._lock = threading.Lock()
        self._computing = threading.Lock()

    def checksum(self, algorithm: str) -> str:
        """See `Chunk.checksum`."""
        with self._computing:
            if algorithm not in self._checksums:
                self._checksums[algorithm] = checksum_of(algorithm, self.body)
            return self._checksums[algorithm]

    def hold(self) -> "HeldChunk":
        """Return it to one more holder."""
        with self._lock:
            self._holders += 1
        return self

    def release(self) -> None:
        """See `Chunk.release`."""
        with self._lock:
            self._holders -= 1
            if self._holders:
                return
            self.body = b""
        self._budget.release(self._size)


class Body:
    """A `Chunk` that is somebody else's to hold: all of something small."""

    number, offset = 1, 0

    def __init__(self, body: bytes) -> None:
        self.body = body

    def checksum(self, algorithm: str) -> str:
        """See `Chunk.checksum`."""
        return checksum_of(algorithm, self.body)

    def release(self) -> None:
        """See `Chunk.release`."""
