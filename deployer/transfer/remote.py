"""An object of another store as a source: its bytes pass through memory, never through a disk."""

import hashlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial

from deployer.errors import IntegrityError
from deployer.ports import Chunk, ObjectStore
from deployer.transfer.chunk import HeldChunk, Holding
from deployer.transfer.download import Wanted
from deployer.transfer.lanes import Lanes
from deployer.transfer.limits import Limits

__all__ = ["RemoteSource"]


class RemoteSource:
    """See `Source`. Ranges are read side by side, all of one version, and hashed in order.

    ``read_bytes`` counts what was read: what has left the other store, again for another try.
    """

    def __init__(
        self, store: ObjectStore, wanted: Wanted, version: str, *, limits: Limits, lanes: Lanes
    ) -> None:
        self._store = store
        self._wanted = wanted
        self._version = version
        self._limits = limits
        self._lanes = lanes
        self._sha256 = hashlib.sha256()
        self.read_bytes = 0

    @property
    def name(self) -> str:
        """See `Source.name`."""
        return f"{self._store.url}/{self._wanted.key}"

    @property
    def size(self) -> int:
        """See `Source.size`."""
        return self._wanted.size

    def chunks(self, length: int) -> Iterator[Chunk]:
        """See `Source.chunks`."""
        self._sha256 = hashlib.sha256()
        count = max(1, -(-self.size // length))
        waiting: deque[_Pending] = deque()
        try:
            for number in range(1, count + 1):
                self._read_ahead(waiting, number, count, length)
                yield self._chunk(waiting, number, length)
        finally:
            for pending in waiting:
                pending.future.exception()
                self._limits.budget.release(pending.size)

    def finish(self) -> None:
        """See `Source.finish`."""
        found = self._sha256.hexdigest()
        if found != self._wanted.sha256:
            raise IntegrityError(
                f"{self.name} is not what was promised: its sha256 is {found} instead of "
                f"{self._wanted.sha256}",
                hint="Look at the whole artifact: deployer verify URI --deep",
            )

    def _read_ahead(self, waiting: "deque[_Pending]", number: int, count: int, length: int) -> None:
        """Begin the next read, and more of them as far as there is memory.

        Only a file that holds nothing waits for memory: files that hold some would wait for one
        another.
        """
        while len(waiting) < min(self._limits.workers, count - number + 1):
            offset = (number + len(waiting) - 1) * length
            size = min(length, self.size - offset)
            timeout = 0.0 if waiting else None
            if not self._limits.budget.acquire(size, timeout_seconds=timeout):
                return
            future = self._lanes.start(partial(self._read, offset, size))
            waiting.append(_Pending(size, future))

    def _read(self, offset: int, size: int) -> bytes:
        if not size:
            return b""
        return b"".join(
            self._store.read_range(
                self._wanted.key,
                at,
                min(self._limits.range_bytes, offset + size - at),
                if_version=self._version,
            ).body
            for at in range(offset, offset + size, self._limits.range_bytes)
        )

    def _chunk(self, waiting: "deque[_Pending]", number: int, length: int) -> Chunk:
        body = waiting[0].future.result()
        waiting.popleft()
        self.read_bytes += len(body)
        self._sha256.update(body)
        return HeldChunk(number, (number - 1) * length, body, Holding(self._limits.budget))


@dataclass(frozen=True, slots=True)
class _Pending:
    """A part on its way here, and what it holds of the budget."""

    size: int
    future: "Future[bytes]"
