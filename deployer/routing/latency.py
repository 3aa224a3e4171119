"""Quantiles of what was measured lately."""

from collections import deque
from collections.abc import Sequence
from itertools import takewhile

__all__ = ["LatencyWindow"]


class LatencyWindow:
    """The last measurements, at most ``size`` and not older than ``seconds``."""

    def __init__(self, *, seconds: float = 60.0, size: int = 1024) -> None:
        self._seconds = seconds
        self._seen: deque[tuple[float, float]] = deque(maxlen=size)

    def add(self, now: float, seconds: float) -> None:
        """Take in one measurement."""
        self._seen.append((now, seconds))

    def list_since(self, at: float) -> list[tuple[float, float]]:
        """Return when and what was measured after ``at``, the oldest first."""
        newer = takewhile(lambda measured: measured[0] > at, reversed(self._seen))
        return list(newer)[::-1]

    def quantiles(self, now: float, shares: Sequence[float]) -> list[float | None]:
        """Return the quantiles (nearest rank), each None when nothing was measured lately."""
        recent = sorted(value for at, value in self._seen if now - at <= self._seconds)
        if not recent:
            return [None for _ in shares]
        return [recent[min(len(recent) - 1, int(share * len(recent)))] for share in shares]
