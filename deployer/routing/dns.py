"""From routes to one DNS name that leads to all of their backends.

DNS carries no port, no path and no Host of a backend's own, so all backends have to have the same
scheme and port and none may have a path. A resolver keeps an answer for the TTL, or for longer: DNS
is for choosing between routers and regions, and never makes up for a request that failed.
"""

import ipaddress
import re
from collections.abc import Sequence

from deployer.errors import SourceError
from deployer.ports import DnsAnswer, DnsName, DnsPolicy, DnsProbe
from deployer.release.records import Backend, Routes
from deployer.routing.address import Address, parse_address

__all__ = ["FAST", "STEADY", "find_remarks", "make_dns_name"]

STEADY = (30, 3)
FAST = (10, 2)
"""Seconds between probes, and failures in a row before an answer is left out."""

_NAME = re.compile(
    r"(?=.{1,253}\.?$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}\.?"
)
_LONG_TTL = 300
_MAX_TTL = (1 << 31) - 1  # RFC 2181, section 8


def make_dns_name(
    routes: Routes,
    name: str,
    *,
    ttl_seconds: int,
    fast: bool = False,
    probe_path: str | None = None,
) -> DnsName:
    """Return the name with an answer per backend.

    Raises:
        SourceError: The name is none, or DNS can't lead to these backends.
        StateError: A backend's URL is none.
    """
    if not _NAME.fullmatch(name.lower()):
        raise SourceError(f"{name!r} is no DNS name")
    if not 0 <= ttl_seconds <= _MAX_TTL:
        raise SourceError(f"a TTL of {ttl_seconds} s can't be written in a record")
    _check_plain(routes.backends)
    addresses = [parse_address(backend.url) for backend in routes.backends]
    _check_alike(routes.backends, addresses)
    interval, failures = FAST if fast else STEADY
    first = addresses[0]
    return DnsName(
        name=name.lower().rstrip(".") + ".",
        type=_find_type(addresses),
        ttl_seconds=ttl_seconds,
        policy=_find_policy(routes),
        answers=tuple(map(_make_answer, routes.backends, addresses)),
        probe=DnsProbe(
            first.tls is not None,
            first.port,
            probe_path or routes.settings.health_path,
            interval,
            failures,
        ),
    )


def find_remarks(wanted: DnsName) -> list[str]:
    """Return what the reader has to know of failover through this name."""
    probe = wanted.probe
    waits = f"{probe.failures} probes of {probe.interval_seconds} s + TTL {wanted.ttl_seconds} s"
    lines = [
        f"a target that is gone is answered with for up to {wanted.failover_seconds} s ({waits})",
        "resolvers that do not keep to the TTL take longer: put routers behind it, not models",
    ]
    if wanted.ttl_seconds > _LONG_TTL:
        lines.append(f"a TTL of {wanted.ttl_seconds} s is most of that: 60 s is usual")
    return lines


def _check_plain(backends: Sequence[Backend]) -> None:
    """Refuse what only a router of ours can do with a request."""
    targets = [backend.target for backend in backends]
    for backend in backends:
        if backend.shadow:
            raise SourceError(f"{backend.target}: DNS can't send anybody a copy of a request")
        if targets.count(backend.target) > 1:
            raise SourceError(
                f"{backend.target}: DNS can't split one target among its releases",
                hint="Wait until the canary is over, or put routers behind the name.",
            )


def _check_alike(backends: Sequence[Backend], addresses: Sequence[Address]) -> None:
    if not backends:
        raise SourceError("there is no backend to lead to")
    for backend, address in zip(backends, addresses, strict=True):
        if address.prefix:
            raise SourceError(f"{backend.target}: DNS leads to a host, not to {backend.url}")
    if len({(address.port, address.tls is None) for address in addresses}) > 1:
        urls = ", ".join(backend.url for backend in backends)
        raise SourceError(
            f"DNS leads to hosts, and clients choose scheme and port: {urls} differ",
            hint="Let all of them listen on the same port.",
        )


def _find_type(addresses: Sequence[Address]) -> str:
    types = {_type_of(address.host) for address in addresses}
    if len(types) > 1:
        raise SourceError(
            f"answers of one name are of one type, and these are {', '.join(sorted(types))}",
            hint="Name all backends by IPv4 addresses, or all by host names.",
        )
    return types.pop()


def _type_of(host: str) -> str:
    try:
        return "A" if ipaddress.ip_address(host).version == 4 else "AAAA"  # noqa: PLR2004 - IPv4
    except ValueError:
        return "CNAME"


def _find_policy(routes: Routes) -> DnsPolicy:
    match routes.settings.policy:
        case "weighted":
            return DnsPolicy.WEIGHTED
        case "priority":
            return DnsPolicy.FAILOVER
        case other:
            raise SourceError(
                f"DNS can't follow the policy {other}", hint="It knows weighted and priority."
            )


def _make_answer(backend: Backend, address: Address) -> DnsAnswer:
    return DnsAnswer(backend.target, address.host, backend.weight, backend.tier)
