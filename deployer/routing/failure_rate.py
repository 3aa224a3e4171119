"""The share of requests that failed lately: what failures in a row can't show under load."""

import math
from collections import deque

__all__ = ["FailureRate"]

_WINDOW_SECONDS = 10.0
_ENOUGH = 20
_HIGH = 0.5


class FailureRate:
    """Counts by the second over the last ten; high is half of at least twenty.

    One good answer between bad ones resets a count of failures in a row, so a backend that fails
    every other request would stay in use for ever.
    """

    __slots__ = ("_failed", "_seconds", "_slot", "_total", "_until")

    def __init__(self) -> None:
        self._seconds: deque[list[float]] = deque()  # [second, requests, failures]
        self._slot = [0.0, 0.0, 0.0]
        self._until = -math.inf
        self._total = 0.0
        self._failed = 0.0

    def add(self, now: float, *, failed: bool, count: int = 1) -> None:
        """Count requests that went alike."""
        slot = self._slot
        if now >= self._until:
            slot = self._open(now)
        slot[1] += count
        self._total += count
        if failed:
            slot[2] += count
            self._failed += count

    def is_high(self, now: float) -> bool:
        """Tell whether too many failed."""
        self._forget(now)
        return self._total >= _ENOUGH and self._failed >= self._total * _HIGH

    def clear(self) -> None:
        """Begin anew: after an ejection the past has been paid for."""
        self._seconds.clear()
        self._until = -math.inf
        self._total = self._failed = 0.0

    def _open(self, now: float) -> list[float]:
        self._forget(now)
        self._slot, self._until = [now, 0.0, 0.0], now + 1.0
        self._seconds.append(self._slot)
        return self._slot

    def _forget(self, now: float) -> None:
        while self._seconds and now - self._seconds[0][0] >= _WINDOW_SECONDS:
            _, total, failed = self._seconds.popleft()
            self._total -= total
            self._failed -= failed
