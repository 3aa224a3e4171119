"""Bytes in memory that several senders share, and that count against a budget while they do."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from deployer.checksums import Buffer, checksum_of
from deployer.transfer.budget import Budget
from deployer.transfer.buffers import Buffers

__all__ = ["Body", "HeldChunk", "Holding"]


@dataclass(frozen=True, slots=True)
class Holding:
    """Whose memory a chunk is in: what it counts against, and where its buffer goes back to."""

    budget: Budget
    buffers: Buffers = field(default_factory=Buffers)


class HeldChunk:
    """See `Chunk`. Made with one holder; ``body`` is gone when the last one has released it."""

    def __init__(
        self,
        number: int,
        offset: int,
        body: Buffer,
        holding: Holding,
        checksums: Mapping[str, str] | None = None,
    ) -> None:
        """Hold ``body``, of which some ``checksums`` are known already."""
        self.number = number
        self.offset = offset
        self.body: Buffer = body
        self._holding = holding
        self._size = len(body)
        self._holders = 1
        self._checksums = dict(checksums or {})
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
            body, self.body = self.body, b""
        if isinstance(body, memoryview):
            self._holding.buffers.give(body)
        self._holding.budget.release(self._size)


class Body:
    """A `Chunk` that is somebody else's to hold: all of something small."""

    number, offset = 1, 0

    def __init__(self, body: bytes) -> None:
        self.body: Buffer = body

    def checksum(self, algorithm: str) -> str:
        """See `Chunk.checksum`."""
        return checksum_of(algorithm, self.body)

    def release(self) -> None:
        """See `Chunk.release`."""
