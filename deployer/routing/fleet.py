"""The backends as they are now: health, counters, connections; and who takes the next request."""

import random
import ssl
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from deployer.release.records import Backend
from deployer.routing.address import parse_address
from deployer.routing.events import Events, Kind, describe_shift
from deployer.routing.failure_rate import FailureRate
from deployer.routing.health import (
    Health,
    Outcome,
    Rules,
    State,
    begin_trial,
    is_usable,
    judge,
    warm_up,
)
from deployer.routing.histogram import Histogram
from deployer.routing.history import History
from deployer.routing.lane import Lane
from deployer.routing.latency import LatencyWindow
from deployer.routing.load import DEFAULT_LIMIT, Load
from deployer.routing.policy import (
    Candidate,
    has_alternative,
    is_weighted,
    list_usable,
    steady_shares,
)
from deployer.routing.pool import Pool

__all__ = ["DRAIN_SECONDS", "Fleet", "Member", "Ticket", "key_of"]

# an enum looks its members up at every use; every request uses these
_SERVED, _HEALTHY = Outcome.SERVED, State.HEALTHY

DRAIN_SECONDS = 300.0
"""How long a request may go on at a backend that is no longer in the routes."""


def key_of(backend: Backend) -> str:
    """Return a backend's identity, ``<target>/<release>``."""
    return f"{backend.target}/{backend.release}"


@dataclass(eq=False, slots=True)
class Member:
    """One backend at work. Counters only grow; what is in flight is given back exactly once.

    Attributes:
        ordered: The weight that somebody ordered instead of the routes'.
    """

    key: str
    backend: Backend
    health: Health
    pool: Pool
    ordered: int | None = None
    requests: int = 0
    retries: int = 0
    failures: int = 0
    cut_short: int = 0
    ejections: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    durations: Histogram = field(default_factory=Histogram)
    drain_until: float | None = None
    first_byte: LatencyWindow = field(default_factory=LatencyWindow)
    load: Load = field(default_factory=Load)
    rate: FailureRate = field(default_factory=FailureRate)
    history: History = field(default_factory=History)

    @property
    def weight(self) -> int:
        """The weight that holds."""
        return self.backend.weight if self.ordered is None else self.ordered

    def answer(self, status: int, seconds: float, now: float) -> None:
        """Take in an answer's status, and how long its first byte took."""
        statuses = self.statuses
        statuses[status] = statuses.get(status, 0) + 1  # a `Counter` takes three times as long
        self.durations.add(seconds)
        self.first_byte.add(now, seconds)
        self.load.observe(seconds, now)


class Ticket:
    """One attempt at a member: counted when it begins, and once when it ends."""

    __slots__ = ("_fleet", "_open", "member", "panic")

    def __init__(self, fleet: "Fleet", member: Member, *, panic: bool) -> None:
        self._fleet = fleet
        self._open = True
        self.member = member
        self.panic = panic
        member.requests += 1
        member.load.in_flight += 1

    def finish(self, outcome: Outcome, now: float, reason: str = "") -> None:
        """Give the slot back and judge the member; a second call changes nothing."""
        if self._open:
            self._open = False
            member, fleet = self.member, self._fleet
            member.load.in_flight -= 1
            fleet.take_outcome(member, outcome, now, reason)
            fleet.on_free()


class Fleet:
    """All members by key, those that drain, and what changes their health.

    Args:
        events: Where each change of a backend's state goes.
        on_change: Called with a member whose state changed, or that was ejected and is now known to
            be down, too.
        tls: For https backends; the system's trust when left out.

    Attributes:
        by_load: Whether load has a say in who takes a request.
        limit: Requests in flight at one member.
        on_free: Called when a request has ended and its slot is free again.
    """

    def __init__(
        self,
        *,
        rules: Rules,
        rng: random.Random,
        events: Events,
        on_change: Callable[[Member], None],
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._tls = tls
        self.members: dict[str, Member] = {}
        self.draining: list[Member] = []
        self.rules = rules
        self._rng = rng
        self._events = events
        self._on_change = on_change
        self.by_load = False
        self.limit = DEFAULT_LIMIT
        self.on_free: Callable[[], None] = lambda: None
        self._candidates: list[Candidate] = []
        self._all = Lane(rng)
        self._ordered: dict[str, int] = {}

    def apply(self, backends: Collection[Backend], now: float) -> tuple[list[Member], list[Member]]:
        """Follow new routes: return who joined and who left. Who stays keeps its health.

        The same (target, release) at another URL is another backend.

        Raises:
            StateError: A URL is none; nothing was changed.
        """
        fresh = {key_of(b): self._keep_or_make(b, now) for b in backends}
        joined = [m for key, m in fresh.items() if self.members.get(key) is not m]
        left = [m for key, m in self.members.items() if fresh.get(key) is not m]
        for backend in backends:
            fresh[key_of(backend)].backend = backend
            fresh[key_of(backend)].load.limit = self.limit
            fresh[key_of(backend)].ordered = self._order_for(backend)
        self.members = fresh
        for member in left:
            member.drain_until = now + DRAIN_SECONDS
            member.pool.drain()
        self.draining.extend(left)
        self._rebuild()
        return joined, left

    def begin(
        self, tried: Collection[str], now: float, *, lane: Lane | None = None, sticky: bytes = b""
    ) -> Ticket | None:
        """Choose a member for an attempt and open its ticket; None when there is none to have.

        Args:
            lane: Where to choose as long as it has one that is usable and was not tried.
            sticky: What to stick to.
        """
        order = self._all
        if lane is not None:
            lane.fill(self._candidates)
            order = lane if lane.can_take(now, tried) else order
        choice = order.choose(now, tried=tried, by_load=self.by_load, sticky=sticky)
        if choice is None:
            return None
        key, trial, panic = choice
        member = self.members[key]
        if tried:
            member.retries += 1
        if trial:
            self.begin_trial(member)
        return Ticket(self, member, panic=panic)

    def begin_trial(self, member: Member) -> None:
        """Take in that one request tries a member that is ejected."""
        member.health = begin_trial(member.health)
        self._rebuild()

    def has_alternative(self, tried: Collection[str], now: float) -> bool:
        """Tell whether a usable member is left that was not tried."""
        return has_alternative(self._candidates, now=now, tried=tried)

    def has_usable(self, now: float) -> bool:
        """Tell whether any member may take a request as things are."""
        return self.has_alternative((), now)

    def is_full(self, now: float) -> bool:
        """Tell whether there are usable members, and all have as much as they may."""
        usable = list_usable(self._candidates, now)
        return bool(usable) and all(candidate.load.is_full for candidate in usable)

    def shares(self, now: float) -> dict[str, float]:
        """Return each member's share of new requests."""
        return steady_shares(self._candidates, now=now, by_load=self.by_load)

    def take_outcome(self, member: Member, outcome: Outcome, now: float, reason: str) -> None:
        """Judge a member by what was seen of it."""
        before = member.health
        if outcome is _SERVED and before.state is _HEALTHY:
            member.rate.add(now, failed=False)
            return
        failed = outcome is Outcome.FAILED
        member.failures += failed
        if failed or outcome is _SERVED:
            member.rate.add(now, failed=failed)
        if failed or outcome is Outcome.BUSY:
            member.load.penalize(now)
        member.health = judge(
            before,
            outcome,
            now,
            rng=self._rng,
            rules=self.rules,
            may_eject=not failed or self._others_usable(member, now),
            often=failed and member.rate.is_high(now),
            reason=reason,
        )
        if member.health.ejected_until != before.ejected_until:
            member.ejections += member.health.ejected_until is not None
            member.rate.clear()
        if member.health is not before:
            self._announce(member, before, now)

    def list_named(self, name: str) -> list[Member]:
        """Return the members of a target, or the one of ``<target>/<release>``."""
        return [m for m in self.members.values() if name in (m.key, m.backend.target)]

    def order_weight(self, name: str, weight: int | None, now: float) -> None:
        """Let a weight hold instead of the routes', now and in later routes; None ends it.

        One that gets traffic again starts slowly.
        """
        if weight is None:
            self._ordered.pop(name, None)
        else:
            self._ordered[name] = weight
        for member in self.list_named(name):
            before = member.weight
            member.ordered = self._order_for(member.backend)
            if before == 0 < member.weight:
                member.health = warm_up(member.health, now, rules=self.rules)
        self._rebuild()

    def is_ordered(self, name: str) -> bool:
        """Tell whether a weight was ordered for just this name."""
        return name in self._ordered

    def order_health(self, member: Member, health: Health) -> None:
        """Let a member have the health that somebody ordered."""
        member.ejections += health.ejected_until is not None
        member.health = health
        self._rebuild()

    def is_needed(self, members: Iterable[Member], now: float) -> bool:
        """Tell whether nothing usable would be left without these."""
        return not self.has_alternative([member.key for member in members], now)

    def sample(self) -> None:
        """Take in each member's counters; called once a second."""
        for member in self.members.values():
            member.history.sample(member.requests - member.load.in_flight, member.failures)

    def expire(self, now: float) -> None:
        """Close idle connections and let go of members that have drained."""
        for member in self.members.values():
            member.pool.expire(now)
        self.draining = [m for m in self.draining if m.load.in_flight]

    def close(self) -> None:
        """Close every idle connection for good."""
        for member in [*self.members.values(), *self.draining]:
            member.pool.drain()

    def is_all_well(self, now: float) -> bool:
        """Tell whether every member with a weight is proven and usable."""
        weighted = [c for c in self._candidates if is_weighted(c)]
        return bool(weighted) and all(
            is_usable(c.health, now) and c.health.state is not State.UNKNOWN for c in weighted
        )

    def _keep_or_make(self, backend: Backend, now: float) -> Member:
        key = key_of(backend)
        known = self.members.get(key)
        if known is not None and known.backend.url == backend.url:
            return known
        return Member(
            key, backend, Health(since=now), Pool(parse_address(backend.url, tls=self._tls))
        )

    def _others_usable(self, member: Member, now: float) -> bool:
        return self.has_alternative((member.key,), now)

    def _order_for(self, backend: Backend) -> int | None:
        return self._ordered.get(key_of(backend), self._ordered.get(backend.target))

    def _rebuild(self) -> None:
        self._candidates = [
            Candidate(
                key,
                m.weight,
                m.health,
                m.backend.tier,
                m.load,
                m.backend.target,
                m.backend.share,
            )
            for key, m in self.members.items()
        ]
        self._all.fill(self._candidates)

    def _announce(self, member: Member, before: Health, now: float) -> None:
        health = member.health
        if health.state is before.state:
            self._rebuild()
            if before.up and not health.up:
                self._on_change(member)
            return
        shares = self.shares(now)
        self._rebuild()
        self._events.add(
            Kind.STATE,
            member.key,
            f"{before.state} -> {health.state}",
            cause=health.reason,
            effect=describe_shift(shares, self.shares(now)),
            by=str(health.source),
        )
        self._on_change(member)
