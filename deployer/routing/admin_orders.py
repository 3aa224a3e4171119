"""What a person may order of a running router: take a backend out, bring it back, weigh it.

Orders hold until they are taken back, through new routes too: a deploy must not undo what somebody
set aside on purpose. They go with the router's process.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from deployer.routing.events import EventLog, Kind, describe_shift
from deployer.routing.fleet import Fleet, Member
from deployer.routing.health import eject, readmit
from deployer.routing.messages import Refusal

__all__ = [
    "EJECTION_SECONDS",
    "LARGEST_WEIGHT",
    "AdminOrder",
    "AdminOrders",
    "Verb",
    "record_order",
]

EJECTION_SECONDS = 60.0
"""How long an ordered ejection lasts when nothing is said."""

LARGEST_WEIGHT = 1_000_000


class Verb(StrEnum):
    """The orders there are."""

    DRAIN = "drain"
    EJECT = "eject"
    RESTORE = "restore"
    WEIGHT = "weight"


@dataclass(frozen=True, slots=True)
class AdminOrder:
    """One order.

    Attributes:
        name: A target, then all its releases are meant; or ``<target>/<release>``.
        by: Whose it is, for the record.
        weight: For `Verb.WEIGHT`.
        seconds: For `Verb.EJECT`.
    """

    verb: Verb
    name: str
    by: str
    weight: int = 0
    seconds: float = EJECTION_SECONDS


class AdminOrders:
    """Carries orders out, and records each, refused ones as well.

    Args:
        abandon: Lets requests that wait at a member go elsewhere, where that does no harm.
    """

    def __init__(
        self, fleet: Fleet, events: EventLog, *, abandon: Callable[[Member], None]
    ) -> None:
        self._fleet = fleet
        self._events = events
        self._abandon = abandon

    def give(self, order: AdminOrder, now: float) -> Refusal | None:
        """Carry an order out; return why not."""
        members = self._fleet.list_named(order.name)
        refusal = self._check(order, members, now)
        if refusal is not None:
            self._record(order.name, f"{order.verb} refused", cause=refusal.message, by=order.by)
            return refusal
        before = self._fleet.shares(now)
        change = self._carry_out(order, members, now)
        effect = describe_shift(before, self._fleet.shares(now))
        self._record(order.name, change, cause=f"ordered by {order.by}", effect=effect, by=order.by)
        return None

    def _record(self, subject: str, change: str, *, cause: str, by: str, effect: str = "") -> None:
        record_order(self._events, subject, change, cause=cause, by=by, effect=effect)

    def _check(self, order: AdminOrder, members: list[Member], now: float) -> Refusal | None:
        if not members:
            known = ", ".join(self._fleet.members) or "none yet"
            return Refusal(404, f"there is no backend {order.name}; there are: {known}")
        target = members[0].backend.target
        if order.verb is Verb.RESTORE and order.name != target and self._fleet.is_ordered(target):
            return Refusal(409, f"the order is for all of {target}: restore {target}")
        takes_out = order.verb in (Verb.DRAIN, Verb.EJECT) or (
            order.verb is Verb.WEIGHT and order.weight == 0
        )
        if takes_out and self._fleet.is_needed(members, now):
            return Refusal(409, f"nothing usable would be left without {order.name}")
        return None

    def _carry_out(self, order: AdminOrder, members: list[Member], now: float) -> str:
        match order.verb:
            case Verb.DRAIN:
                self._fleet.order_weight(order.name, 0, now)
                return "drained: no new requests"
            case Verb.WEIGHT:
                self._fleet.order_weight(order.name, order.weight, now)
                return f"weight {order.weight}"
            case Verb.EJECT:
                return self._eject(order, members, now)
            case Verb.RESTORE:
                return self._restore(order, members, now)

    def _eject(self, order: AdminOrder, members: list[Member], now: float) -> str:
        for member in members:
            reason = f"ejected for {order.seconds:g} s by order of {order.by}"
            health = eject(member.health, now, seconds=order.seconds, reason=reason)
            self._fleet.order_health(member, health)
            self._abandon(member)
        return f"ejected for {order.seconds:g} s"

    def _restore(self, order: AdminOrder, members: list[Member], now: float) -> str:
        self._fleet.order_weight(order.name, None, now)
        for member in members:
            self._fleet.order_weight(member.key, None, now)
            if member.health.ejected_until is not None:
                reason = f"restored by order of {order.by}"
                health = readmit(member.health, now, rules=self._fleet.rules, reason=reason)
                self._fleet.order_health(member, health)
        return "restored"


def record_order(
    events: EventLog, subject: str, change: str, *, cause: str, by: str, effect: str = ""
) -> None:
    """Record an order, or what somebody tried; the same again at once is recorded once."""
    last = events.list_last(1)
    if last and (last[0].subject, last[0].change, last[0].cause) == (subject, change, cause):
        return
    events.add(Kind.ORDER, subject, change, cause=cause, effect=effect, by=by)
