"""When a failed attempt may be tried again, and how often altogether. Pure."""

import math
import random
from collections import deque

__all__ = ["MAX_RETRIES", "REPLAY_LIMIT", "RetryBudget", "backoff_seconds", "is_repeatable"]

MAX_RETRIES = 2
REPLAY_LIMIT = 1 << 20
"""Bytes of a request's body that are kept for another attempt once they were sent."""

_SAFE_METHODS = frozenset({b"GET", b"HEAD"})


def is_repeatable(method: bytes, *, idempotent: bool) -> bool:
    """Tell whether a request may be executed twice; before it is sent, that doesn't matter."""
    return idempotent or method in _SAFE_METHODS


def backoff_seconds(retry: int, rng: random.Random) -> float:
    """Return the wait before retry number ``retry`` (from 0) on an endpoint that just failed.

    Full jitter from 25 ms, at most 250 ms: Envoy's defaults.
    """
    return rng.uniform(0.0, min(0.25, 0.025 * 2.0**retry))


class RetryBudget:
    """Retries of what was sent are at most a share of the last seconds' requests, and a few more.

    A budget instead of a count per request keeps an outage from doubling the load on those that are
    left (the retry budgets of Envoy and Finagle: 20 %, and 3 so that a quiet router may retry).
    """

    def __init__(self, *, share: float = 0.2, spare: int = 3, window_seconds: float = 10.0) -> None:
        self._share = share
        self._spare = spare
        self._window = window_seconds
        self._seconds: deque[list[float]] = deque()  # [second, requests, retries]
        self._slot = [0.0, 0.0, 0.0]
        self._until = -math.inf
        self._requests = 0.0
        self._retries = 0.0

    def count_request(self, now: float) -> None:
        """Count a request: it earns a share of a retry."""
        slot = self._slot
        if now >= self._until:
            slot = self._open(now)
        slot[1] += 1
        self._requests += 1

    def spend(self, now: float) -> bool:
        """Take one retry from the budget; False when it is used up."""
        self._forget(now)
        slot = self._slot if now < self._until else self._open(now)
        if self._retries + 1 > self._requests * self._share + self._spare:
            return False
        slot[2] += 1
        self._retries += 1
        return True

    def count_left(self, now: float) -> float:
        """Return how many retries it would pay for now; below 1 it pays for none."""
        self._forget(now)
        return self._requests * self._share + self._spare - self._retries

    def _open(self, now: float) -> list[float]:
        self._forget(now)
        self._slot, self._until = [now, 0.0, 0.0], now + 1.0
        self._seconds.append(self._slot)
        return self._slot

    def _forget(self, now: float) -> None:
        while self._seconds and now - self._seconds[0][0] >= self._window:
            _, requests, retries = self._seconds.popleft()
            self._requests -= requests
            self._retries -= retries
