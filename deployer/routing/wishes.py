"""What a request's own fields ask of the choice: a region, a side of an A/B test, its last backend.

A request that asks for nothing, or for what nobody knows, is shared out like all others.
"""

import random
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from deployer.release.records import Backend, RouteSettings
from deployer.release.steering import MatchRecord
from deployer.routing.fields import find_field
from deployer.routing.fleet import Fleet, Ticket, key_of
from deployer.routing.lane import Lane
from deployer.routing.messages import RequestHead
from deployer.routing.placing import is_place, rank_region
from deployer.routing.way import Picks

__all__ = ["Wish", "Wishes", "rank_match"]


class Wish(NamedTuple):
    """Where a request wants to go, by a lane's name, and what it sticks to; both may be empty."""

    lane: str = ""
    sticky: bytes = b""


def rank_match(match: MatchRecord, backends: Sequence[Backend]) -> dict[str, int]:
    """Return the tiers of the backends that a match sends to; the others are left out.

    A target with one release has neither a canary nor a stable side: it is both.
    """
    newest = _newest(backends)
    wanted = [b for b in backends if not match.targets or b.target in match.targets]
    return {
        key_of(backend): backend.tier
        for backend in wanted
        if _is_side(backend, match.release, newest)
    }


class Wishes:
    """Reads the wish of each request and leads it to the lane that fits.

    Args:
        region: Where the router is, for requests that do not say where they come from.
    """

    def __init__(
        self, settings: RouteSettings, fleet: Fleet, *, rng: random.Random, region: str = ""
    ) -> None:
        self._settings = settings
        self._fleet = fleet
        self._rng = rng
        self._home = region or settings.region.default
        self._sticky = _field_name(settings.sticky)
        self._header = _field_name(settings.region.header if settings.policy == "region" else "")
        self._match = [(_field_name(m.header), m.value.encode(), m) for m in settings.match]
        self._lanes: dict[str, Lane] = {}

    @property
    def none(self) -> bool:
        """Whether no request can have one."""
        return not (self._sticky or self._header or self._match)

    def read(self, head: RequestHead) -> Wish:
        """Return what a request wishes for."""
        sticky = find_field(head, self._sticky) if self._sticky else None
        return Wish(self._find_match(head) or self._find_region(head), sticky or b"")

    def find_picks(self, head: RequestHead) -> Picks:
        """Return who may take a request."""
        wish = self.read(head)
        return (
            _Wished(self._fleet, self._lane(wish.lane), wish.sticky) if any(wish) else self._fleet
        )

    def _find_match(self, head: RequestHead) -> str:
        for at, (name, value, _) in enumerate(self._match):
            if find_field(head, name) == value:
                return f"match {at}"
        return ""

    def _find_region(self, head: RequestHead) -> str:
        found = find_field(head, self._header) if self._header else None
        region = found.decode("ascii", "replace").lower() if found else ""
        regions = {m.backend.target: m.backend.region for m in self._fleet.members.values()}
        known = region != self._home and is_place(region, regions)
        return f"region {region}" if known else ""

    def _lane(self, name: str) -> Lane | None:
        if not name:
            return None
        if name not in self._lanes:  # as many as there are matches and known regions, no more
            self._lanes[name] = Lane(self._rng, self._rank(name))
        return self._lanes[name]

    def _rank(self, name: str) -> Mapping[str, int]:
        backends = [member.backend for member in self._fleet.members.values()]
        kind, _, value = name.partition(" ")
        if kind == "region":
            tiers = rank_region(value, backends)
            return {key_of(backend): tiers[backend.target] for backend in backends}
        return rank_match(self._match[int(value)][2], backends)


class _Wished:
    """See `Picks`: one request's; what it wishes for comes first, and then anybody."""

    __slots__ = ("_fleet", "_lane", "_sticky")

    def __init__(self, fleet: Fleet, lane: Lane | None, sticky: bytes) -> None:
        self._fleet = fleet
        self._lane = lane
        self._sticky = sticky

    def begin(self, tried: Collection[str], now: float) -> Ticket | None:
        """See `Picks.begin`."""
        return self._fleet.begin(tried, now, lane=self._lane, sticky=self._sticky)

    def has_alternative(self, tried: Collection[str], now: float) -> bool:
        """See `Picks.has_alternative`."""
        return self._fleet.has_alternative(tried, now)

    def has_usable(self, now: float) -> bool:
        """See `Picks.has_usable`."""
        return self._fleet.has_usable(now)

    def is_full(self, now: float) -> bool:
        """See `Picks.is_full`."""
        return self._fleet.is_full(now)


def _field_name(header: str) -> bytes:
    return header.lower().encode("ascii", "replace")


def _newest(backends: Sequence[Backend]) -> dict[str, int]:
    """Return the newest release of each target that has more than one."""
    releases = dict[str, list[int]]()
    for backend in backends:
        releases.setdefault(backend.target, []).append(backend.release)
    return {target: max(found) for target, found in releases.items() if len(found) > 1}


def _is_side(backend: Backend, side: str, newest: Mapping[str, int]) -> bool:
    if side == "any" or backend.target not in newest:
        return True
    return (backend.release == newest[backend.target]) is (side == "canary")
