"""The real clock and one that tests drive; no other module asks the machine for the time."""

import threading
import time
from datetime import UTC, datetime, timedelta

__all__ = ["ManualClock", "SystemClock"]


class SystemClock:
    """See `Clock`."""

    def now(self) -> datetime:
        """See `Clock.now`."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """See `Clock.monotonic`."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """See `Clock.sleep`."""
        time.sleep(max(0.0, seconds))


class ManualClock:
    """A clock that moves only by `sleep` and `advance`: ten minutes of waiting cost nothing."""

    def __init__(self, start: datetime | None = None) -> None:
        self._now = start or datetime(2026, 1, 1, tzinfo=UTC)
        self._seconds = 0.0
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """See `Clock.now`."""
        with self._lock:
            return self._now

    def monotonic(self) -> float:
        """See `Clock.monotonic`."""
        with self._lock:
            return self._seconds

    def sleep(self, seconds: float) -> None:
        """Advance by ``seconds`` at once; yields so that other threads may run."""
        self.advance(seconds)
        time.sleep(0)

    def advance(self, seconds: float) -> None:
        """Move both clocks on."""
        with self._lock:
            self._seconds += max(0.0, seconds)
            self._now += timedelta(seconds=max(0.0, seconds))
