"""What is counted at a deployment's door: who was turned away, and what became of copies."""

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum

__all__ = ["DoorCounts", "Fate", "Turned"]


class Turned(StrEnum):
    """Why somebody was turned away."""

    ANONYMOUS = "no key or token"
    UNKNOWN = "unknown key or invalid token"
    PATH = "the key is not for this path"
    RATE = "too many requests"
    ORIGIN = "another origin"
    NOWHERE = "no deployment takes this host and path"


class Fate(StrEnum):
    """What became of a copy."""

    ANSWERED = "answered"
    FAILED = "failed"
    DOWN = "down"
    FULL = "full"
    LARGE = "large"


class DoorCounts:
    """Counters that only grow, by plain names, so that processes can tell one another of them.

    Attributes:
        counts: By ``turned <why>`` and ``copy <fate> <backend>``.
    """

    def __init__(self) -> None:
        self.counts = Counter[str]()

    def turn_away(self, why: Turned) -> None:
        """Count one that was turned away."""
        self.counts[f"turned {why.name.lower()}"] += 1

    def count_copy(self, key: str, fate: Fate) -> None:
        """Count what became of a copy for a backend."""
        self.counts[f"copy {fate} {key}"] += 1

    def list_turned(self) -> Mapping[Turned, int]:
        """Return how many were turned away, and why."""
        found = {why: self.counts[f"turned {why.name.lower()}"] for why in Turned}
        return {why: count for why, count in found.items() if count}

    def list_copies(self) -> Mapping[str, Mapping[Fate, int]]:
        """Return what became of copies, by backend."""
        found: dict[str, dict[Fate, int]] = {}
        for name, count in self.counts.items():
            kind, _, rest = name.partition(" ")
            if kind == "copy":
                fate, _, key = rest.partition(" ")
                found.setdefault(key, {})[Fate(fate)] = count
        return found
