"""Which backend takes the next request. Pure: time, chance and the point drawn are arguments.

Weight 0 means no traffic, even when all others are down: it is how a target is taken out, and a
surprise during an outage helps nobody. When no backend of positive weight is usable, the one whose
last failure is longest ago is tried all the same, and the choice says that it was panic.

From the whole to the one: those that are usable and not full; of the best standing; of a tier; of a
target, by weight, or by weight and load, or by what the request is to stick to; and of the target's
releases one by its share, whatever decided the target. What is drawn is drawn by one point in
[0, 1), so points that are dealt out evenly (see `deployer.routing.deal`) split requests exactly.
"""

import math
import random
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import NamedTuple

from deployer.routing.health import Health, State, is_usable
from deployer.routing.load import Load
from deployer.routing.sticky import stick, to_point

__all__ = [
    "SPILL_BELOW",
    "WHOLE",
    "Candidate",
    "Choice",
    "Table",
    "choose",
    "effective_shares",
    "has_alternative",
    "is_weighted",
    "list_usable",
    "prepare",
    "steady_shares",
]

SPILL_BELOW = 0.7
"""A tier keeps all of its traffic while this share of its weight is usable (Envoy's is 1 / 1.4)."""

_WARMING_SECONDS = 0.1
"""How old shares may be while a backend starts slowly: a three-hundredth of what that takes."""

WHOLE = 1000
"""The share of a release that has its target for itself."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A backend as the policy sees it.

    Attributes:
        weight: The target's.
        tier: Lower ones are used first.
        load: As it is at the moment of the choice.
        target: Whose release it is; alone at its target when left out.
        share: The release's among those of its target, to be compared with theirs.
    """

    key: str
    weight: int
    health: Health
    tier: int = 0
    load: Load = field(default_factory=Load)
    target: str = ""
    share: int = WHOLE

    @property
    def place(self) -> str:
        """The target, or what stands for it."""
        return self.target or self.key


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
    point: float | None = None,
    tried: Collection[str] = (),
    by_load: bool = False,
    sticky: bytes = b"",
) -> Choice | None:
    """Return the backend for the next attempt.

    None when none has a weight, or when all that are usable are full: then panic would only add to
    it. Among those of the best standing (proven before unknown) of a tier the choice is by weight,
    so the weights of all others are shared by these in proportion. One in ``tried`` is chosen again
    only when no other is usable.

    Args:
        point: What decides, from 0 to below 1; drawn by chance when left out.
        by_load: Prefer the less loaded of two targets drawn by chance (Mitzenmacher's power of two
            choices, which keeps many routers from rushing to the same backend).
        sticky: Choose the same backend for the same bytes, as long as it is usable.
    """
    usable = list_usable(candidates, now)
    free = [candidate for candidate in usable if not candidate.load.is_full]
    left = [candidate for candidate in free if candidate.key not in tried] if tried else free
    group = _best(left) or _best(free)
    if not group:
        return None if usable else _panic(candidates, tried)
    if point is None:
        point = to_point(sticky) if sticky else rng.random()
    members, rest = _draw_tier(candidates, group, point)
    if by_load and not sticky:
        members = _draw_lighter(members, now, rng)
    pulls = _pulls(members, now)
    names = [candidate.key for candidate in members]
    at = stick(names, pulls, sticky) if sticky else _draw(pulls, rest)[0]
    return _to_choice(members[at])


def has_alternative(candidates: Iterable[Candidate], *, now: float, tried: Collection[str]) -> bool:
    """Tell whether a usable backend is left that was not tried."""
    return any(candidate.key not in tried for candidate in list_usable(candidates, now))


def is_weighted(candidate: Candidate) -> bool:
    """Tell whether a backend may ever be sent anything."""
    return candidate.weight > 0 and candidate.share > 0


def list_usable(candidates: Iterable[Candidate], now: float) -> list[Candidate]:
    """Return the backends that may be sent a request now."""
    return [c for c in candidates if is_weighted(c) and is_usable(c.health, now)]


def effective_shares(
    candidates: Sequence[Candidate], *, now: float, by_load: bool = False
) -> dict[str, float]:
    """Return the share of new requests each backend gets now; they add up to 1, or to 0.

    By load it is an estimate: what the loads of this moment would lead to.
    """
    group = _best([c for c in list_usable(candidates, now) if not c.load.is_full])
    shares = dict.fromkeys([candidate.key for candidate in candidates], 0.0)
    for tier, share in _tier_shares(candidates, group).items():
        members = [candidate for candidate in group if candidate.tier == tier]
        pulls = _pulls(members, now)
        if by_load:
            scores = _scores(members, now)
            pulls = [p / scores[c.place] for p, c in zip(pulls, members, strict=True)]
        for candidate, pull in zip(members, pulls, strict=True):
            shares[candidate.key] = share * pull / sum(pulls)
    return shares


def steady_shares(
    candidates: Sequence[Candidate], *, now: float, by_load: bool = False
) -> dict[str, float]:
    """Return the shares beyond the next request; see `effective_shares`.

    One that may be tried by one request has none until that went well, unless all others are down.
    """
    settled = [
        c if c.health.ejected_until is None else replace(c, health=replace(c.health, up=False))
        for c in candidates
    ]
    shares = effective_shares(settled, now=now, by_load=by_load)
    if any(shares.values()):
        return shares
    return effective_shares(candidates, now=now, by_load=by_load)


def prepare(candidates: Sequence[Candidate], now: float) -> "Table | None":
    """Return how requests are shared out until the table's end; None when none is usable.

    It chooses what `choose` would for the same point while none of the backends is full.
    """
    group = _best(list_usable(candidates, now))
    shares = _tier_shares(candidates, group)
    if not group:
        return None
    choices, sizes = list[tuple[Choice, Load]](), list[float]()
    for tier, share in shares.items():
        members = [candidate for candidate in group if candidate.tier == tier]
        pulls = _pulls(members, now)
        choices += [(_to_choice(candidate), candidate.load) for candidate in members]
        sizes += [share * pull / sum(pulls) for pull in pulls]
    return Table(choices, list(accumulate(sizes))[:-1], _changes_at(candidates, now))


@dataclass(frozen=True, slots=True)
class Table:
    """Choices by the point up to which each is taken, the last one by all others.

    Attributes:
        choices: Each with the load of its backend.
        until: The time up to which it is right.
    """

    choices: list[tuple[Choice, Load]]
    bounds: list[float]
    until: float

    def look_up(self, point: float) -> Choice | None:
        """Return the choice for a point in [0, 1); None when that backend is full."""
        choice, load = self.choices[bisect_right(self.bounds, point)]
        return None if load.in_flight >= load.limit else choice


def _best(usable: list[Candidate]) -> list[Candidate]:
    proven = [c for c in usable if c.health.state is not State.UNKNOWN]
    return proven or usable


def _to_choice(candidate: Candidate) -> Choice:
    return Choice(candidate.key, trial=candidate.health.ejected_until is not None)


def _changes_at(candidates: Sequence[Candidate], now: float) -> float:
    """Return until when nothing but an event changes the shares; soon, while one starts slowly."""
    times = [c.health.ejected_until or math.inf for c in candidates]
    warming = any(c.health.warm_until > now for c in candidates if is_weighted(c))
    soon = now + _WARMING_SECONDS if warming else math.inf
    return min([soon, *(at for at in times if at > now)])


def _draw_tier(
    candidates: Sequence[Candidate], group: list[Candidate], point: float
) -> tuple[list[Candidate], float]:
    shares = _tier_shares(candidates, group)
    at, rest = _draw(list(shares.values()), point)
    tier = list(shares)[at]
    return [candidate for candidate in group if candidate.tier == tier], rest


def _tier_shares(candidates: Sequence[Candidate], group: list[Candidate]) -> dict[int, float]:
    """Return each tier's share of requests: the first takes all that its usable weight can bear."""
    tiers = sorted({candidate.tier for candidate in group})
    if len(tiers) == 1:
        return {tiers[0]: 1.0}
    left, shares = 1.0, dict[int, float]()
    for tier in tiers:
        whole = _weight_of(c for c in candidates if c.tier == tier and c.share)
        usable = _weight_of(c for c in group if c.tier == tier)
        shares[tier] = min(left, usable / (whole * SPILL_BELOW))
        left -= shares[tier]
    return {tier: share / (1.0 - left) for tier, share in shares.items()}


def _weight_of(candidates: Iterable[Candidate]) -> int:
    """Return the weight of all, each target counted once."""
    return sum({candidate.place: candidate.weight for candidate in candidates}.values())


def _pulls(members: list[Candidate], now: float) -> list[float]:
    """Return what each gets in proportion: its target's weight, split among those releases.

    A target is as warm as its warmest release: the steps of a canary are its slow start.
    """
    parts, warmth = defaultdict[str, int](int), defaultdict[str, float](float)
    for member in members:
        parts[member.place] += member.share
        warmth[member.place] = max(warmth[member.place], member.health.warmth(now))
    return [m.weight * warmth[m.place] * m.share / parts[m.place] for m in members]


def _draw(sizes: Sequence[float], point: float) -> tuple[int, float]:
    """Return which of the intervals the point is in, and where in it, from 0 to below 1."""
    if len(sizes) == 1:
        return 0, point
    bounds = list(accumulate(sizes))
    place = point * bounds[-1]
    at = min(bisect_right(bounds, place), len(sizes) - 1)
    return at, max(0.0, (place - bounds[at] + sizes[at]) / sizes[at])


def _draw_lighter(members: list[Candidate], now: float, rng: random.Random) -> list[Candidate]:
    """Return the members of the less loaded of two targets."""
    places = list(dict.fromkeys(member.place for member in members))
    if len(places) == 1:
        return members
    scores, pulls = _scores(members, now), defaultdict[str, float](float)
    for member, pull in zip(members, _pulls(members, now), strict=True):
        pulls[member.place] += pull
    best = min(rng.sample(places, 2), key=lambda place: scores[place] / pulls[place])
    return [member for member in members if member.place == best]


def _scores(members: Sequence[Candidate], now: float) -> dict[str, float]:
    """Return each target's load: that of its releases, each by its part of the target."""
    parts, scores = defaultdict[str, int](int), defaultdict[str, float](float)
    for member in members:
        parts[member.place] += member.share
    for member in members:
        scores[member.place] += member.load.score(now) * member.share / parts[member.place]
    return scores


def _panic(candidates: Sequence[Candidate], tried: Collection[str]) -> Choice | None:
    weighted = [candidate for candidate in candidates if is_weighted(candidate)]
    left = [candidate for candidate in weighted if candidate.key not in tried] or weighted
    if not left:
        return None
    oldest = min(left, key=lambda candidate: candidate.health.last_failure or 0.0)
    return Choice(oldest.key, panic=True)
