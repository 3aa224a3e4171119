"""The router's pages where an engine serves: as the embedded router has them, None for unknown."""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from deployer.routing.follower import Follower
from deployer.routing.health import State
from deployer.routing.history import History
from deployer.routing.pages import SCHEMA, describe_history, describe_routes
from deployer.routing.plane import Endpoint, Orders, SeenBackend, Sight
from deployer.values import Json

__all__ = ["Reading", "describe_sight", "share_out"]

_USED = (State.HEALTHY, State.DEGRADED)


class Reading(NamedTuple):
    """What an engine said, and when, in the loop's time."""

    sight: Sight
    at: float


def describe_sight(
    follower: Follower,
    orders: Orders,
    reading: Reading,
    histories: Mapping[str, History],
    *,
    engine: str,
    now: float,
    trouble: str = "",
) -> Json:
    """Return the status; shares are what the weights of those in use come to.

    Args:
        trouble: Why the engine could not be read now: what was read last is not what is.
    """
    sight, age = reading.sight, now - reading.at
    if trouble:
        sight = _doubt(sight, age, engine)
    seen = {backend.key: backend for backend in sight.backends}
    shares = share_out(orders, sight)
    return {
        "schema": SCHEMA,
        "engine": engine,
        "read": {"age": round(age, 3), "error": trouble or None},
        "routes": describe_routes(follower, now),
        "panic": bool(orders.endpoints) and not any(shares.values()),
        "backends": [
            _describe(endpoint, seen[endpoint.key], shares[endpoint.key])
            | describe_history(histories.get(endpoint.key) or History())
            for endpoint in orders.endpoints
            if endpoint.key in seen
        ],
        "draining": [{"backend": name, "in_flight": count} for name, count in sight.draining],
        "queued": sight.queued,
        "counters": {
            "requests": sight.requests,
            "retries": sight.retries,
            "abandoned": sight.abandoned,
        },
    }


def share_out(orders: Orders, sight: Sight) -> dict[str, float]:
    """Return each backend's share of new requests, as the weights of those in use come to."""
    seen = {backend.key: backend for backend in sight.backends}
    used = [e for e in orders.endpoints if e.key in seen and seen[e.key].state in _USED]
    weighted = [e for e in used if e.backend.weight]
    first = min((e.backend.tier for e in weighted), default=0)
    pulls = {e.key: e.backend.weight for e in weighted if e.backend.tier == first}
    return {e.key: pulls.get(e.key, 0) / (sum(pulls.values()) or 1) for e in orders.endpoints}


def _doubt(sight: Sight, age: float, engine: str) -> Sight:
    """Return a sight of which nothing is known any more but what it was."""
    return replace(
        sight,
        backends=tuple(
            replace(
                seen,
                state=State.UNKNOWN,
                reason=f"{engine} did not answer for {age:.0f} s; it was {seen.state} then",
                since_seconds=age,
            )
            for seen in sight.backends
        ),
    )


def _describe(endpoint: Endpoint, seen: SeenBackend, share: float) -> dict[str, Json]:
    backend = endpoint.backend
    return {
        "target": backend.target,
        "release": backend.release,
        "url": backend.url,
        "weight": backend.weight,
        "routed_weight": backend.weight,
        "ordered_weight": None,
        "tier": backend.tier,
        "share": round(share, 4),
        "state": str(seen.state),
        "since": seen.since_seconds,
        "reason": seen.reason,
        "source": str(seen.source),
        "ejections": seen.ejections,
        "ejected_for": None,
        "requests": seen.requests,
        "failures": seen.failures,
        "cut_short": seen.cut_short,
        "in_flight": seen.in_flight,
        "first_byte_ms": {"p50": None, "p99": None},
        "first_byte_counts": None,
    }
