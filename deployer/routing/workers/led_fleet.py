"""A fleet whose health somebody else judges, for as long as he is there."""

import random
import ssl
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import Any

from deployer.routing.events import Events
from deployer.routing.fleet import Fleet, Member, Ticket
from deployer.routing.health import Outcome, Rules, State
from deployer.routing.lane import Lane
from deployer.routing.workers.told_health import read_health

__all__ = ["LedFleet"]


class LedFleet(Fleet):
    """Tells what it sees of its members, and is told how healthy they are.

    Attributes:
        tell: Takes what was seen of a member at once; None when nobody is there to judge, and it
            judges by itself like any fleet.
        served: How often each member has served and nothing was to be said of it.
    """

    tell: Callable[[str, str, str], None] | None = None

    def __init__(
        self,
        *,
        rules: Rules,
        rng: random.Random,
        events: Events,
        on_change: Callable[[Member], None],
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(rules=rules, rng=rng, events=events, on_change=on_change, tls=tls)
        self.served = Counter[str]()

    def take_outcome(self, member: Member, outcome: Outcome, now: float, reason: str) -> None:
        """See `Fleet.take_outcome`."""
        if self.tell is None:
            super().take_outcome(member, outcome, now, reason)
        elif outcome is Outcome.SERVED and member.health.state is State.HEALTHY:
            self.served[member.key] += 1
        else:
            if outcome in (Outcome.FAILED, Outcome.BUSY):
                member.load.penalize(now)
            self.tell(member.key, outcome, reason)

    def begin(
        self, tried: Collection[str], now: float, *, lane: Lane | None = None, sticky: bytes = b""
    ) -> Ticket | None:
        """See `Fleet.begin`; the one that judges learns of a trial before it hears how it went."""
        ticket = super().begin(tried, now, lane=lane, sticky=sticky)
        if ticket is not None and ticket.member.health.on_trial and self.tell is not None:
            self.tell(ticket.member.key, "trial", "")
        return ticket

    def follow(self, told: Mapping[str, Mapping[str, Any]]) -> list[Member]:
        """Let members have the health and the ordered weight they are told; return who is down."""
        known = [(self.members[key], word) for key, word in told.items() if key in self.members]
        for member, word in known:
            member.health = read_health(word["health"])
            member.ordered = word["ordered"]
        self._rebuild()
        return [member for member, _ in known if not member.health.up]
