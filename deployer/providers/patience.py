"""How long one call to a cloud may take, retries and timeouts together.

The SDKs' own retries are switched off: three policies with three sets of defaults (one gives up
after 0.1 s, one after 84 s) cannot be bounded together. One policy of ours runs around every call.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from deployer.errors import IntegrityError
from deployer.ports import Clock
from deployer.retry import Backoff, retry_transient

__all__ = ["Lazy", "Patience", "call_patiently"]

T = TypeVar("T")

_CORRUPT_TRIES = 3


@dataclass(frozen=True, slots=True)
class Patience:
    """A total in seconds, and how it is shared out over attempts.

    A third of it, at most 20 s, is kept for the last attempt, so an attempt that hangs still ends
    within the total.
    """

    seconds: float

    @property
    def attempt_seconds(self) -> float:
        """How long one attempt may wait for bytes."""
        return min(20.0, self.seconds / 3)

    @property
    def connect_seconds(self) -> float:
        """How long one attempt may wait for a connection."""
        return min(10.0, self.attempt_seconds)

    @property
    def backoff(self) -> Backoff:
        """The waits between attempts."""
        return Backoff(budget_seconds=self.seconds - self.attempt_seconds)


def call_patiently(call: Callable[[], T], *, clock: Clock, patience: Patience) -> T:
    """Return ``call()``, tried again while transient; bytes damaged on the way are sent thrice.

    Raises:
        IntegrityError: Three attempts in a row were damaged; never treated as success.
    """
    for _ in range(_CORRUPT_TRIES - 1):
        try:
            return retry_transient(call, clock=clock, backoff=patience.backoff)
        except IntegrityError:
            continue
    return retry_transient(call, clock=clock, backoff=patience.backoff)


class Lazy(Generic[T]):
    """Makes a thing at its first use, once, for all threads; a failure is not remembered."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._made: list[T] = []

    def __call__(self) -> T:
        """Return the thing."""
        with self._lock:
            if not self._made:
                self._made.append(self._make())
            return self._made[0]

    def forget(self, made: T) -> None:
        """Make a new one at the next use; nothing when that has happened since ``made``."""
        with self._lock:
            if self._made and self._made[0] is made:
                self._made.clear()
