"""The router's own pages: what it sees, as JSON."""

from deployer.release.records import RouteSettings
from deployer.routing.events import Event, EventLog
from deployer.routing.fleet import Fleet, Member
from deployer.routing.follower import Follower
from deployer.routing.health import Health
from deployer.routing.history import History
from deployer.routing.traffic import Traffic
from deployer.routing.why import explain_share
from deployer.values import ROUTER_STATUS, Json

__all__ = [
    "EVENTS_SCHEMA",
    "SCHEMA",
    "describe_events",
    "describe_health",
    "describe_history",
    "describe_readiness",
    "describe_routes",
    "describe_status",
    "list_recent",
]

SCHEMA = ROUTER_STATUS
EVENTS_SCHEMA = "deployer/router-events/v1"
_EVENTS = 20
"""Events that stand with the status; all that are kept are on a page of their own."""


def describe_health(follower: Follower, fleet: Fleet, now: float) -> tuple[int, Json]:
    """Return 200 while the process lives; the word says how well it can serve."""
    if follower.routes is None:
        return 200, {"status": "starting"}
    return 200, {"status": "ready" if fleet.is_all_well(now) else "degraded"}


def describe_readiness(follower: Follower) -> tuple[int, Json]:
    """Return 503 until there is a first set of routes."""
    if follower.routes is None:
        return 503, {"status": "starting", "reason": follower.error or "no routes yet"}
    return 200, {"status": "ready"}


def describe_events(events: EventLog, after: str) -> tuple[int, Json]:
    """Return the events younger than number ``after``; all that are kept when it is empty."""
    if after and not after.isdecimal():
        return 400, {"error": "after= must be the number of an event"}
    listed = _list(events.list_after(int(after or 0)))
    return 200, {"schema": EVENTS_SCHEMA, "boot": events.boot, "events": listed}


def list_recent(events: EventLog) -> list[Json]:
    """Return the events that stand with the status."""
    return _list(events.list_last(_EVENTS))


def describe_status(
    follower: Follower, traffic: Traffic, events: EventLog, now: float
) -> tuple[int, Json]:
    """Return all there is to know; ages and durations in seconds unless the name says ms."""
    fleet = traffic.fleet
    shares = fleet.shares(now)
    backends = [member.backend for member in fleet.members.values()]
    settings = follower.routes.settings if follower.routes is not None else RouteSettings()
    members = [
        {
            **_describe(m, shares[m.key], now),
            "why": explain_share(m.backend, backends, settings, shares[m.key]),
        }
        for m in fleet.members.values()
    ]
    return 200, {
        "schema": SCHEMA,
        "routes": describe_routes(follower, now),
        "policy": settings.policy,
        "panic": bool(members) and not fleet.has_usable(now),
        "backends": members,
        "draining": [{"backend": m.key, "in_flight": m.load.in_flight} for m in fleet.draining],
        "queued": traffic.queued,
        "counters": {name: getattr(traffic.counters, name) for name in _COUNTERS},
        "events": list_recent(events),
    }


_COUNTERS = ("requests", "retries", "refused", "unserved", "cut_short", "abandoned", "panics")


def _list(events: list[Event]) -> list[Json]:
    return [event.to_json() for event in events]


def describe_routes(follower: Follower, now: float) -> Json:
    """Return which routes are followed, and since when they are known to be current."""
    routes = follower.routes
    confirmed = follower.confirmed
    return {
        "name": routes.name if routes else None,
        "epoch": routes.epoch if routes else None,
        "written": routes.written.isoformat().replace("+00:00", "Z") if routes else None,
        "age": None if confirmed is None else round(now - confirmed, 3),
        "error": follower.error or None,
        "from_snapshot": follower.from_snapshot,
    }


def _describe(member: Member, share: float, now: float) -> Json:
    p50, p99 = member.first_byte.quantiles(now, (0.5, 0.99))
    return {
        "target": member.backend.target,
        "release": member.backend.release,
        "url": member.backend.url,
        "weight": member.weight,
        "routed_weight": member.backend.weight,
        "ordered_weight": member.ordered,
        "tier": member.backend.tier,
        "share": round(share, 4),
        **_describe_state(member.health, now),
        "requests": member.requests,
        "failures": member.failures,
        "cut_short": member.cut_short,
        "in_flight": member.load.in_flight,
        "first_byte_ms": {"p50": _ms(p50), "p99": _ms(p99)},
        "first_byte_counts": dict(member.durations.cumulate()),
        **describe_history(member.history),
    }


def _describe_state(health: Health, now: float) -> dict[str, Json]:
    until = health.ejected_until
    return {
        "state": str(health.state),
        "since": round(now - health.since, 3),
        "reason": health.reason,
        "source": str(health.source),
        "ejections": health.ejections,
        "ejected_for": None if until is None else round(max(0.0, until - now), 3),
    }


def describe_history(history: History) -> dict[str, Json]:
    """Return the last minute: the share that failed, and each second's requests and failures."""
    requests, failures = history.series()
    rate = history.error_rate()
    return {
        "error_rate": None if rate is None else round(rate, 6),
        "history": {"requests": requests, "failures": failures},
    }


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)
