"""A fleet whose health somebody else judges, for as long as he is there."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from deployer.routing.fleet import Fleet, Member, Ticket
from deployer.routing.health import Health, Outcome, Source, State

__all__ = ["LedFleet", "describe_health", "read_health"]


class LedFleet(Fleet):
    """Tells what it sees of its members, and is told how healthy they are.

    Attributes:
        tell: Takes what was seen of a member at once; None when nobody is there to judge, and it
            judges by itself like any fleet.
        served: How often each member has served and nothing was to be said of it.
    """

    tell: Callable[[str, str, str], None] | None = None

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
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

    def begin(self, *args: Any, **options: Any) -> Ticket | None:
        """See `Fleet.begin`; the one that judges learns of a trial before it hears how it went."""
        ticket = super().begin(*args, **options)
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


def describe_health(health: Health) -> dict[str, Any]:
    """Return a health for another process of this machine: monotonic times are the same there."""
    return asdict(health)


def read_health(told: Mapping[str, Any]) -> Health:
    """Return the health that `describe_health` described."""
    return Health(**{**told, "state": State(told["state"]), "source": Source(told["source"])})
