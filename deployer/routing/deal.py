"""Points in [0, 1) that split any thousand requests exactly, whatever the weights are.

A thousand slots are gone through in steps of 633, which has no factor in common with 1000: so each
slot comes once in any thousand requests in a row, and backends whose shares are whole thousandths
get exactly those, others within one request. Shorter rows are evenly spread, too: that takes a step
whose fraction of 1000 has small partial quotients only (Niederreiter, 1978, on lattice points), and
633/1000 has none above 3; 619, nearer to the golden section, has one of 47.
"""

import random

__all__ = ["SLOTS", "Deal"]

SLOTS = 1000
_STEP = 633


class Deal:
    """Hands out points; where it starts is chance, or routers would go in step."""

    __slots__ = ("_slot",)

    def __init__(self, rng: random.Random) -> None:
        self._slot = rng.randrange(SLOTS)

    def next_point(self) -> float:
        """Return the next point: the middle of a slot, so no share's end falls on it."""
        self._slot = (self._slot + _STEP) % SLOTS
        return (self._slot + 0.5) / SLOTS
