"""How often somebody may ask: a token bucket each. Pure: time is an argument.

A bucket holds ``burst`` tokens and gains ``per_second`` a second; a request takes one. So in any
``t`` seconds nobody gets more than ``burst + per_second * t`` requests, and who waits is let in
again (RFC 2697 and its like meter in the same way).

Several processes that hear of one another's takings hold together to the same: what was taken
elsewhere is owed here. Only before they have heard of it can each of them give ``burst``.
"""

import math
from collections import Counter, OrderedDict
from collections.abc import Sequence

from deployer.release.steering import RateRecord

__all__ = ["MOST_BUCKETS", "Buckets"]

MOST_BUCKETS = 10_000
"""Callers remembered at once; those that asked longest ago are forgotten, and begin anew."""


class Buckets:
    """A bucket per caller, full at first.

    Attributes:
        shared: Whether what is taken is to be told to others.
    """

    shared = False

    def __init__(self) -> None:
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._taken = Counter[tuple[str, float, int]]()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, caller: str, rate: RateRecord, now: float) -> float:
        """Take a token and return 0, or return after how many seconds there will be one."""
        tokens = self._fill(caller, rate, now)
        enough = tokens >= 1.0
        self._keep(caller, tokens - enough, now)
        if enough and self.shared:
            self._taken[caller, rate.per_second, rate.burst] += 1
        return 0.0 if enough else max(math.ulp(0.0), (1.0 - tokens) / rate.per_second)

    def collect(self) -> list[tuple[str, float, int, int]]:
        """Return what was taken since the last call, for `owe`: a row per caller and rate."""
        taken, self._taken = self._taken, Counter()
        return [(*whose, count) for whose, count in taken.items()]

    def owe(self, taken: Sequence[tuple[str, float, int, int]], now: float) -> None:
        """Take in what was taken elsewhere; a bucket may hold less than nothing for a while."""
        for caller, per_second, burst, count in taken:
            rate = RateRecord(per_second=per_second, burst=burst)
            self._keep(caller, self._fill(caller, rate, now) - count, now)

    def _fill(self, caller: str, rate: RateRecord, now: float) -> float:
        tokens, since = self._buckets.pop(caller, (float(rate.burst), now))
        return min(float(rate.burst), tokens + max(0.0, now - since) * rate.per_second)

    def _keep(self, caller: str, tokens: float, now: float) -> None:
        self._buckets[caller] = (tokens, now)
        if len(self._buckets) > MOST_BUCKETS:
            self._buckets.popitem(last=False)
