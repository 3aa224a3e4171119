"""The same backend for the same bytes: weighted rendezvous hashing. Pure, and without a state.

Each backend draws a number for each key, and the smallest one, by weight, takes the key (Thaler and
Ravishankar, 1998; the logarithm that makes weights exact is Schindelhauer and Schomaker's, 2005).
When a backend goes, only its own keys move; when it comes back, they return; and routers that know
nothing of one another agree.
"""

import math
from collections.abc import Sequence
from hashlib import blake2b

__all__ = ["stick", "to_point"]

_BITS = 52
"""One less than a float holds, so that half of the last one still counts."""


def stick(names: Sequence[str], pulls: Sequence[float], key: bytes) -> int:
    """Return the place of the one that takes a key: each its share of keys, by its pull."""
    costs = [
        -math.log(to_point(b"%b\0%b" % (name.encode(), key))) / pull
        for name, pull in zip(names, pulls, strict=True)
    ]
    return costs.index(min(costs))


def to_point(key: bytes) -> float:
    """Return a number above 0 and below 1 that only depends on the bytes."""
    number = int.from_bytes(blake2b(key, digest_size=8).digest(), "big") >> (64 - _BITS)
    return (number + 0.5) / 2.0**_BITS
