"""Which backend takes the next request. Pure: time and chance are arguments.

Weight 0 means no traffic, even when all others are down: it is how a target is taken out, and a
surprise during an outage helps nobody. When no backend of positive weight is usable, the one whose
last failure is longest ago is tried all the same, and the choice says that it was panic.
"""

import random
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from deployer.routing.health import Health, State, is_usable

__all__ = ["Candidate", "Choice", "choose", "effective_shares", "has_alternative"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A backend as the policy sees it."""

    key: str
    weight: int
    health: Health


class Choice(NamedTuple):
    """The backend chosen, whether it is on trial, and whether nothing usable was there."""

    key: str
    trial: bool = False
    panic: bool = False


def choose(
    candidates: Sequence[Candidate],
    *,
    now: float,
    rng: random.Random,
    tried: Collection[str] = (),
) -> Choice | None:
    """Return the backend for the next attempt, or None when none has a weight.

    Among usable backends of the best standing (proven before unknown) the choice is by weight, so
    the weights of all others are shared by these in proportion. One in ``tried`` is chosen again
    only when no other is usable.
    """
    usable = _usable(candidates, now)
    group = (
        _best([candidate for candidate in usable if candidate.key not in tried])
        if tried
        else _best(usable)
    )
    group = group or _best(usable)
    if group:
        picked = _draw(group, rng)
        return Choice(picked.key, trial=picked.health.ejected_until is not None)
    return _panic(candidates, tried)


def has_alternative(candidates: Iterable[Candidate], *, now: float, tried: Collection[str]) -> bool:
    """Tell whether a usable backend is left that was not tried."""
    return any(candidate.key not in tried for candidate in _usable(candidates, now))


def effective_shares(candidates: Sequence[Candidate], *, now: float) -> dict[str, float]:
    """Return the share of new requests each backend gets now; they add up to 1, or to 0."""
    group = _best(_usable(candidates, now))
    total = sum(candidate.weight for candidate in group)
    chosen = {candidate.key: candidate.weight / total for candidate in group}
    return {candidate.key: chosen.get(candidate.key, 0.0) for candidate in candidates}


def _usable(candidates: Iterable[Candidate], now: float) -> list[Candidate]:
    return [c for c in candidates if c.weight > 0 and is_usable(c.health, now)]


def _best(usable: list[Candidate]) -> list[Candidate]:
    proven = [c for c in usable if c.health.state is not State.UNKNOWN]
    return proven or usable


def _draw(group: list[Candidate], rng: random.Random) -> Candidate:
    if len(group) == 1:
        return group[0]
    point = rng.random() * sum([candidate.weight for candidate in group])
    for candidate in group:
        point -= candidate.weight
        if point < 0.0:
            return candidate
    return group[-1]  # pragma: no cover - random() < 1, so only rounding could come here


def _panic(candidates: Sequence[Candidate], tried: Collection[str]) -> Choice | None:
    weighted = [candidate for candidate in candidates if candidate.weight > 0]
    left = [candidate for candidate in weighted if candidate.key not in tried] or weighted
    if not left:
        return None
    oldest = min(left, key=lambda candidate: candidate.health.last_failure or 0.0)
    return Choice(oldest.key, panic=True)
