"""The last minute of a backend, second by second."""

from collections import deque
from itertools import pairwise

__all__ = ["HISTORY_SECONDS", "History"]

HISTORY_SECONDS = 60


class History:
    """Differences of counters that somebody reads once a second: a request pays nothing for it."""

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        self._seen: deque[tuple[int, int]] = deque([(0, 0)], maxlen=HISTORY_SECONDS + 1)

    def sample(self, requests: int, failures: int) -> None:
        """Take in how many requests had ended by now, and how many of them had failed."""
        self._seen.append((requests, failures))

    def series(self) -> tuple[list[int], list[int]]:
        """Return the requests and the failures of each second, the oldest first."""
        seen = list(self._seen)
        steps = list(pairwise(seen))
        return [b[0] - a[0] for a, b in steps], [b[1] - a[1] for a, b in steps]

    def error_rate(self) -> float | None:
        """Return the share that failed; None when nothing ended, as no news is not good news."""
        (requests, failures), (last_requests, last_failures) = self._seen[0], self._seen[-1]
        ended = last_requests - requests
        return (last_failures - failures) / ended if ended else None
