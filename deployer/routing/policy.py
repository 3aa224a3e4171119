"""Which backend takes the next request. Pure: time and chance are arguments.

Weight 0 means no traffic, even when all others are down: it is how a target is taken out, and a
surprise during an outage helps nobody. When no backend of positive weight is usable, the one whose
last failure is longest ago is tried all the same, and the choice says that it was panic.

From the whole to the one: those that are usable and not full; of the best standing; of a tier; and
there by weight, or by weight and load.
"""

import random
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from deployer.routing.health import Health, State, is_usable
from deployer.routing.load import Load

__all__ = ["SPILL_BELOW", "Candidate", "Choice", "choose", "effective_shares", "has_alternative"]

SPILL_BELOW = 0.7
"""A tier keeps all of its traffic while this share of its weight is usable (Envoy's is 1 / 1.4)."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A backend as the policy sees it.

    Attributes:
        tier: Lower ones are used first.
        load: As it is at the moment of the choice.
    """

    key: str
    weight: int
    health: Health
    tier: int = 0
    load: Load = field(default_factory=Load)

    def pull(self, now: float) -> float:
        """Return its weight, less while it starts slowly."""
        return self.weight * self.health.warmth(now)


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
    by_load: bool = False,
) -> Choice | None:
    """Return the backend for the next attempt.

    None when none has a weight, or when all that are usable are full: then panic would only add to
    it. Among those of the best standing (proven before unknown) of a tier the choice is by weight,
    so the weights of all others are shared by these in proportion. One in ``tried`` is chosen again
    only when no other is usable.

    Args:
        by_load: Prefer the less loaded of two drawn by chance (Mitzenmacher's power of two choices,
            which keeps many routers from rushing to the same backend).
    """
    usable = _usable(candidates, now)
    free = [candidate for candidate in usable if not candidate.load.is_full]
    group = (
        _best([candidate for candidate in free if candidate.key not in tried])
        if tried
        else _best(free)
    )
    group = _draw_tier(candidates, group or _best(free), rng)
    if group:
        picked = _draw_lighter(group, now, rng) if by_load else _draw(group, now, rng)
        return Choice(picked.key, trial=picked.health.ejected_until is not None)
    return None if usable else _panic(candidates, tried)


def has_alternative(candidates: Iterable[Candidate], *, now: float, tried: Collection[str]) -> bool:
    """Tell whether a usable backend is left that was not tried."""
    return any(candidate.key not in tried for candidate in _usable(candidates, now))


def effective_shares(
    candidates: Sequence[Candidate], *, now: float, by_load: bool = False
) -> dict[str, float]:
    """Return the share of new requests each backend gets now; they add up to 1, or to 0.

    By load it is an estimate: what the loads of this moment would lead to.
    """
    group = _best([c for c in _usable(candidates, now) if not c.load.is_full])
    shares = dict.fromkeys([candidate.key for candidate in candidates], 0.0)
    for tier, share in _tier_shares(candidates, group).items():
        members = [candidate for candidate in group if candidate.tier == tier]
        pulls = [c.pull(now) / (c.load.score(now) if by_load else 1.0) for c in members]
        for candidate, pull in zip(members, pulls, strict=True):
            shares[candidate.key] = share * pull / sum(pulls)
    return shares


def _usable(candidates: Iterable[Candidate], now: float) -> list[Candidate]:
    return [c for c in candidates if c.weight > 0 and is_usable(c.health, now)]


def _best(usable: list[Candidate]) -> list[Candidate]:
    proven = [c for c in usable if c.health.state is not State.UNKNOWN]
    return proven or usable


def _draw_tier(
    candidates: Sequence[Candidate], group: list[Candidate], rng: random.Random
) -> list[Candidate]:
    if len({candidate.tier for candidate in group}) <= 1:
        return group
    shares = _tier_shares(candidates, group)
    (tier,) = rng.choices(list(shares), list(shares.values()))
    return [candidate for candidate in group if candidate.tier == tier]


def _tier_shares(candidates: Sequence[Candidate], group: list[Candidate]) -> dict[int, float]:
    """Return each tier's share of requests: the first takes all that its usable weight can bear."""
    left, shares = 1.0, dict[int, float]()
    for tier in sorted({candidate.tier for candidate in group}):
        whole = sum(candidate.weight for candidate in candidates if candidate.tier == tier)
        usable = sum(candidate.weight for candidate in group if candidate.tier == tier)
        shares[tier] = min(left, usable / (whole * SPILL_BELOW))
        left -= shares[tier]
    return {tier: share / (1.0 - left) for tier, share in shares.items()}


def _draw(group: list[Candidate], now: float, rng: random.Random) -> Candidate:
    if len(group) == 1:
        return group[0]
    pulls = [candidate.pull(now) for candidate in group]
    point = rng.random() * sum(pulls)
    for candidate, pull in zip(group, pulls, strict=True):
        point -= pull
        if point < 0.0:
            return candidate
    return group[-1]  # pragma: no cover - random() < 1, so only rounding could come here


def _draw_lighter(group: list[Candidate], now: float, rng: random.Random) -> Candidate:
    pair = group if len(group) == 1 else rng.sample(group, 2)
    return min(pair, key=lambda candidate: candidate.load.score(now) / candidate.pull(now))


def _panic(candidates: Sequence[Candidate], tried: Collection[str]) -> Choice | None:
    weighted = [candidate for candidate in candidates if candidate.weight > 0]
    left = [candidate for candidate in weighted if candidate.key not in tried] or weighted
    if not left:
        return None
    oldest = min(left, key=lambda candidate: candidate.health.last_failure or 0.0)
    return Choice(oldest.key, panic=True)
