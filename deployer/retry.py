"""Backoff: tries again what is marked transient, and nothing else."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from deployer.errors import TransientError
from deployer.ports import Clock

__all__ = ["Backoff", "retry_transient"]

T = TypeVar("T")

_JITTER = random.SystemRandom()
"""Made once: seeding one for each call would cost more than the rest of it."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Full-jitter exponential backoff: wait ``uniform(0, min(cap, base * 2**n))`` seconds.

    The form is the one measured best in "Exponential Backoff And Jitter" (AWS Architecture Blog,
    2015): full jitter does the least work for the same completion time.

    Attributes:
        budget_seconds: Counted from the first try; no wait that would end after it is begun.
    """

    base_seconds: float = 0.2
    cap_seconds: float = 10.0
    budget_seconds: float = 60.0

    def wait_seconds(self, attempt: int, rng: random.Random | None = None) -> float:
        """Return how long to wait after failed try number ``attempt`` (from 0)."""
        longest = min(self.cap_seconds, self.base_seconds * 2.0**attempt)
        return (rng or _JITTER).uniform(0.0, longest)


def retry_transient(
    call: Callable[[], T], *, clock: Clock, backoff: Backoff, rng: random.Random | None = None
) -> T:
    """Return ``call()``, trying again on `TransientError` until the budget is spent.

    The provider's own ``retry_after_seconds`` is honoured when it is longer than our wait. The last
    error is raised as it came.
    """
    deadline = clock.monotonic() + backoff.budget_seconds
    attempt = 0
    while True:
        try:
            return call()
        except TransientError as error:
            wait = max(backoff.wait_seconds(attempt, rng), error.retry_after_seconds or 0.0)
            if clock.monotonic() + wait > deadline:
                raise
            clock.sleep(wait)
            attempt += 1
