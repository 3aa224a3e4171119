"""Where requests wait while no backend can take them: briefly, in order, and not without end."""

from collections.abc import Callable
from typing import Protocol

__all__ = ["LULL_LENGTH", "QUEUE_LENGTH", "QUEUE_SECONDS", "Admission", "Waiting"]

QUEUE_LENGTH = 128
QUEUE_SECONDS = 1.0
"""A longer wait would outlast the caller's patience and keep the backends busy for nobody."""

LULL_LENGTH = 1024
"""Requests that wait for any backend to be reached again: what one of them may have in flight."""


class Waiting(Protocol):
    """A request that waits for a free slot."""

    def admit(self) -> None:
        """Try again: a slot may be free."""
        ...


class Admission:
    """The queue. One is let in for each slot that becomes free, first come, first served.

    Args:
        later: Runs a call from the event loop, not from within the one that frees a slot.
        length: How many may wait.
    """

    def __init__(
        self, later: Callable[[Callable[[], None]], object], *, length: int = QUEUE_LENGTH
    ) -> None:
        self._later = later
        self._length = length
        self._waiting: dict[Waiting, None] = {}  # a set that keeps its order

    def __len__(self) -> int:
        return len(self._waiting)

    def join(self, request: Waiting) -> bool:
        """Wait in the queue; False when it is full."""
        if len(self._waiting) >= self._length:
            return False
        self._waiting[request] = None
        return True

    def leave(self, request: Waiting) -> bool:
        """Wait no longer; False when it did not."""
        waited = request in self._waiting
        self._waiting.pop(request, None)
        return waited

    def admit_next(self) -> None:
        """Let the first one try."""
        if self._waiting:
            first = next(iter(self._waiting))
            del self._waiting[first]
            self._later(first.admit)

    def admit_all(self) -> None:
        """Let everybody try."""
        while self._waiting:
            self.admit_next()
