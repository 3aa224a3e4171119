"""Waiting for an engine to do what it was told."""

from collections.abc import Callable

from deployer.ports import Clock

__all__ = ["wait_until"]

_STEP_SECONDS = 0.02


def wait_until(done: Callable[[], bool], seconds: float, clock: Clock) -> bool:
    """Ask until it is done or the time is over; asks at least once."""
    deadline = clock.monotonic() + seconds
    while not done():
        if clock.monotonic() >= deadline:
            return False
        clock.sleep(_STEP_SECONDS)
    return True
