"""Time, as the core sees it."""

from datetime import datetime
from typing import Protocol

__all__ = ["Clock"]


class Clock(Protocol):
    """The wall clock, a monotonic clock, and waiting: everything a test wants to control."""

    def now(self) -> datetime:
        """Return the wall-clock time in UTC, with its zone. Never used to measure durations."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait; returns early for nothing but an exception (a signal handler's, say)."""
        ...
