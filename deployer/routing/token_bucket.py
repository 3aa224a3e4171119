"""How often somebody may ask: a token bucket each. Pure: time is an argument.

A bucket holds ``burst`` tokens and gains ``per_second`` a second; a request takes one. So in any
``t`` seconds nobody gets more than ``burst + per_second * t`` requests, and who waits is let in
again (RFC 2697 and its like meter in the same way).
"""

import math
from collections import OrderedDict

from deployer.release.steering import RateRecord

__all__ = ["MOST_BUCKETS", "Buckets"]

MOST_BUCKETS = 10_000
"""Callers remembered at once; those that asked longest ago are forgotten, and begin anew."""


class Buckets:
    """A bucket per caller, full at first."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, caller: str, rate: RateRecord, now: float) -> float:
        """Take a token and return 0, or return after how many seconds there will be one."""
        tokens, since = self._buckets.pop(caller, (float(rate.burst), now))
        tokens = min(float(rate.burst), tokens + max(0.0, now - since) * rate.per_second)
        enough = tokens >= 1.0
        self._buckets[caller] = (tokens - 1.0 if enough else tokens, now)
        if len(self._buckets) > MOST_BUCKETS:
            self._buckets.popitem(last=False)
        return 0.0 if enough else max(math.ulp(0.0), (1.0 - tokens) / rate.per_second)
