"""What each data plane can do of the policy, as one table: the same, nearly, or not at all.

What can't be done is refused by name before anything is changed; what is done differently is said.
"""

import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from deployer.errors import StateError
from deployer.routing.engines.haproxy.render import MAX_WEIGHT, scale_weights
from deployer.routing.plane import Orders

__all__ = [
    "CAPABILITIES",
    "RUN",
    "Ability",
    "Capability",
    "Engine",
    "check_orders",
    "find_differences",
]


class Engine(StrEnum):
    """The data planes by their words on the command line; the last two are only written for."""

    EMBEDDED = "embedded"
    HAPROXY = "haproxy"
    ENVOY = "envoy"
    NGINX = "nginx"
    GATEWAY = "gateway"


RUN = (Engine.EMBEDDED, Engine.HAPROXY, Engine.ENVOY)
"""The engines that a router of ours runs on."""


class Ability(StrEnum):
    """How far an engine carries out a part of the policy."""

    SAME = "same"
    NEAR = "near"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class _Answer:
    ability: Ability
    words: str = ""


_SAME = _Answer(Ability.SAME)
_LACKING = _Answer(Ability.NONE, "it has nothing for this")


@dataclass(frozen=True, slots=True)
class Capability:
    """A part of the policy: when it is asked for, and what each engine makes of it.

    Attributes:
        is_asked: Whether orders ask for it.
        nginx: Of its open source; what nobody has looked into is refused.
        gateway: Of an HTTPRoute, whatever implements it.
    """

    name: str
    is_asked: Callable[[Orders], bool]
    haproxy: _Answer = _SAME
    envoy: _Answer = _SAME
    nginx: _Answer = _LACKING
    gateway: _Answer = _LACKING

    def answer(self, engine: Engine) -> tuple[Ability, str]:
        """Return what an engine makes of it, and how it differs."""
        answers = {
            Engine.HAPROXY: self.haproxy,
            Engine.ENVOY: self.envoy,
            Engine.NGINX: self.nginx,
            Engine.GATEWAY: self.gateway,
        }
        found = answers.get(engine, _SAME)
        return found.ability, found.words


def find_differences(engine: Engine, orders: Orders) -> list[str]:
    """Return, a line each, what the engine does differently from what was asked for."""
    names: dict[str, list[str]] = {}
    for capability in CAPABILITIES:
        ability, words = capability.answer(engine)
        if ability is Ability.NEAR and capability.is_asked(orders):
            names.setdefault(words, []).append(capability.name)
    return [f"{'; '.join(alike)}: {words}" for words, alike in names.items()]


def check_orders(engine: Engine, orders: Orders) -> None:
    """Refuse what the engine can't do.

    Raises:
        StateError: It names the engine and everything that it can't do.
    """
    lacking = [
        f"{capability.name} ({words})"
        for capability in CAPABILITIES
        for ability, words in [capability.answer(engine)]
        if ability is Ability.NONE and capability.is_asked(orders)
    ]
    if lacking:
        raise StateError(
            f"{engine} can't do what these routes ask for: {'; '.join(lacking)}",
            hint="The embedded engine can: leave --engine out.",
        )


def _always(_orders: Orders) -> bool:
    return True


def _tiers(orders: Orders) -> int:
    return len({endpoint.backend.tier for endpoint in orders.endpoints})


def _has_uneven_weights(orders: Orders) -> bool:
    weights = [endpoint.backend.weight for endpoint in orders.endpoints]
    scaled = scale_weights(weights)
    whole, parts = sum(weights), sum(scaled)
    return any(w * parts != s * whole for w, s in zip(weights, scaled, strict=True))


def _has_twins(orders: Orders) -> bool:
    authorities = [endpoint.authority for endpoint in orders.endpoints]
    return len(set(authorities)) < len(authorities)


def _has_own_hosts(orders: Orders) -> bool:
    """Tell whether backends are reached by names that differ: by those a server tells sites."""
    named = {e.authority for e in orders.endpoints if not _is_address(e.host)}
    return len(named) > 1


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _has_groups(orders: Orders) -> bool:
    targets = [endpoint.backend.target for endpoint in orders.endpoints]
    return len(set(targets)) < len(targets)


def _near(words: str) -> _Answer:
    return _Answer(Ability.NEAR, words)


def _none(words: str) -> _Answer:
    return _Answer(Ability.NONE, words)


def _all(answer: _Answer) -> dict[str, _Answer]:
    return {"haproxy": answer, "envoy": answer}


def _every(answer: _Answer) -> dict[str, _Answer]:
    return {**_all(answer), "nginx": answer, "gateway": answer}


CAPABILITIES: Sequence[Capability] = (
    Capability(
        "a path in a backend's URL",
        lambda orders: any(endpoint.prefix for endpoint in orders.endpoints),
        **_all(_none("it puts no path of the backend's before the request's")),
        nginx=_none("it puts no path of the backend's before the request's"),
        gateway=_none("a backend is a Service and a port"),
    ),
    Capability(
        "two backends at one host and port",
        _has_twins,
        **_all(_none("it tells backends apart by host and port")),
        nginx=_SAME,
        gateway=_SAME,
    ),
    Capability(
        "an IPv6 address in a backend's URL",
        lambda orders: any(":" in endpoint.host for endpoint in orders.endpoints),
        haproxy=_none("its servers are named by their Host, and brackets are no part of a name"),
        nginx=_SAME,
        gateway=_SAME,
    ),
    Capability(
        "a Host of each backend's own",
        _has_own_hosts,
        nginx=_none("it sets the Host before it chooses a server"),
        gateway=_near("the client's Host is sent on; the implementation may have a filter"),
    ),
    Capability(
        "http and https backends side by side",
        lambda orders: len({endpoint.tls for endpoint in orders.endpoints}) > 1,
        nginx=_none("one scheme holds for a whole upstream"),
        gateway=_near("TLS to a backend takes a BackendTLSPolicy"),
    ),
    Capability(
        "more than two tiers",
        lambda orders: _tiers(orders) > 2,  # noqa: PLR2004 - the two that HAProxy has
        haproxy=_none("it knows servers and backups, nothing behind those"),
        nginx=_none("it knows servers and backups, nothing behind those"),
        gateway=_none("an HTTPRoute has weights and no order"),
    ),
    Capability(
        "policy region by a header",
        lambda orders: (
            orders.conduct.asked.policy == "region" and bool(orders.conduct.asked.region.header)
        ),
        **_every(
            _none("it has one order of tiers; without the header it has the router's region's")
        ),
    ),
    Capability(
        "sticky requests",
        lambda orders: bool(orders.conduct.asked.sticky),
        **_every(_none("it is not told to hash a header")),
    ),
    Capability(
        "matches by a header",
        lambda orders: bool(orders.conduct.asked.match),
        **_every(_none("it is given one group of servers")),
    ),
    Capability(
        "shadow traffic",
        lambda orders: any(endpoint.backend.shadow for endpoint in orders.endpoints),
        **_every(_none("it is not told to copy requests")),
    ),
    Capability(
        "the check of answers",
        lambda orders: orders.conduct.asked.check is not None,
        **_every(_none("it looks at the status, not into answers")),
    ),
    Capability(
        "a host or a path of the deployment's own",
        lambda orders: bool(orders.conduct.asked.host) or orders.conduct.asked.path != "/",
        **_every(_none("it takes every request for this one deployment")),
    ),
    Capability(
        "the guard",
        lambda orders: orders.conduct.asked.guard is not None,
        **_every(_none("it is given no keys, no tokens, no rates and no origins")),
    ),
    Capability(
        "a canary beside its target's other release",
        _has_groups,
        **_all(
            _near(
                "when one of the two is down, its part goes to all targets, not to its own; a new "
                "one starts slowly"
            )
        ),
        nginx=_near("when one of the two is down, its part goes to all targets, not to its own"),
        gateway=_none("one reference stands for a target"),
    ),
    Capability(
        "the split by weight",
        _has_uneven_weights,
        haproxy=_near(f"to one part in {MAX_WEIGHT} of the largest weight"),
        nginx=_SAME,
        gateway=_SAME,
    ),
    Capability(
        "tiers",
        lambda orders: _tiers(orders) > 1,
        haproxy=_near("the second one is used when nothing of the first is up, not below 70 %"),
        envoy=_near("the next one joins below 72 % of healthy backends, counted by number"),
        nginx=_near("the second one is used when nothing of the first is up, not below 70 %"),
        gateway=_none("an HTTPRoute has weights and no order"),
    ),
    Capability(
        "policy latency",
        lambda orders: orders.conduct.by_load,
        **_all(_near("by requests in flight at the less loaded of two, not by latency")),
        nginx=_near("by requests in flight at the less loaded of two, not by latency"),
        gateway=_none("an HTTPRoute splits by weight alone"),
    ),
    Capability(
        "health by probes",
        _always,
        nginx=_near("none: only its own failed requests tell it that a backend is gone"),
        gateway=_near("none: a Service's own endpoints, as ready as their pods"),
    ),
    Capability(
        "requests under way at a backend that goes down",
        _always,
        envoy=_near("they wait there for their first byte until its timeout"),
        nginx=_near("they wait there for their first byte until its timeout"),
        gateway=_near("as the implementation does"),
    ),
    Capability(
        "requests that still connect to a backend that goes down",
        _always,
        haproxy=_near("they are closed without an answer and not tried elsewhere"),
        nginx=_SAME,
        gateway=_near("as the implementation does"),
    ),
    Capability(
        "the retry budget",
        lambda orders: orders.conduct.idempotent,
        haproxy=_near("none: up to 2 retries of every request"),
        nginx=_near("none: up to 2 retries of every request"),
        gateway=_near("as the implementation does"),
    ),
    Capability(
        "replay of bodies up to 1 MiB",
        lambda orders: orders.conduct.idempotent,
        haproxy=_near("only what fits its buffer of 66 KiB is sent again"),
        nginx=_SAME,
        gateway=_near("as the implementation does"),
    ),
    Capability(
        "busy is not sick (503)",
        _always,
        haproxy=_near("503 counts as a failure, 429 does not"),
        nginx=_SAME,
        gateway=_near("as the implementation does"),
    ),
    Capability(
        "ejections that grow",
        _always,
        haproxy=_near("each lasts until enough probes pass, about 5 s"),
        nginx=_near("each lasts as long as the first"),
        gateway=_near("none; Envoy Gateway has a BackendTrafficPolicy for it"),
    ),
    Capability(
        "one trial request after an ejection",
        _always,
        **_all(_near("none: it comes back with a slow start")),
        nginx=_near("it comes back at once, without a slow start"),
        gateway=_near("none"),
    ),
    Capability(
        "ejection at half of 20 requests failed",
        _always,
        haproxy=_near("none: only failures in a row"),
        envoy=_near("of 20 within 5 s, not 10 s"),
        nginx=_near("none: so many failures within the time of an ejection, in a row or not"),
        gateway=_near("none"),
    ),
    Capability(
        "the last backend is never ejected",
        _always,
        haproxy=_near("it is, and requests get 503 meanwhile"),
        nginx=_near("it is unless it is the only one, and requests get 502 meanwhile"),
        gateway=_near("as the implementation does"),
    ),
    Capability(
        "panic at no usable backend",
        _always,
        haproxy=_near("by turns, whoever failed last"),
        envoy=_near("by turns, and none while any weight is 0"),
        nginx=_near("none: requests get 502"),
        gateway=_near("none: requests get 500 or 503"),
    ),
    Capability(
        "requests that no backend can be reached for wait for 3 s",
        _always,
        haproxy=_near("once all are marked down, each at one backend, tried every second"),
        envoy=_near("none: up to 2 retries within half a second"),
        nginx=_near("none: requests get 502 at once"),
        gateway=_near("as the implementation does"),
    ),
    Capability(
        "the queue while all are full",
        _always,
        envoy=_near("128 requests wait until the connection's timeout, not for 1 s"),
        nginx=_near("none: requests get 502 at once"),
        gateway=_near("as the implementation does"),
    ),
    Capability(
        "an answer of 500 goes to the client",
        _always,
        nginx=_near("a request that may be sent twice is: what counts as failed is tried again"),
        gateway=_near("as the implementation does"),
    ),
    Capability(
        "new weights without a reload",
        _always,
        nginx=_near("none: write the file anew and run  nginx -s reload"),
        gateway=_SAME,
    ),
    Capability(
        "p50 and p99 in the status",
        _always,
        **_all(_near("not counted; /-/metrics has the engine's own")),
        nginx=_near("no status of ours: nothing of ours runs"),
        gateway=_near("no status of ours: nothing of ours runs"),
    ),
)
