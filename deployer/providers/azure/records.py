"""A name's answers as a Traffic Manager profile. Pure.

The shape is that of api-version 2022-04-01 of Microsoft.Network/trafficManagerProfiles, which a
test holds to the SDK's models; nothing here has been run against the live service. Facts of it:
weights and priorities of 1 to 1000, probes every 10 or 30 s, 0 to 9 tolerated failures (one more
takes an endpoint out), and a name below trafficmanager.net that one's own name is a CNAME of.
"""

from deployer.errors import SourceError
from deployer.ports import DnsAnswer, DnsName, DnsPolicy
from deployer.values import Json

__all__ = ["make_requests"]

_VERSION = "2022-04-01"
_TIMEOUTS = {10: 5, 30: 10}
_MOST = 1000
_MOST_FAILURES = 10


def make_requests(
    wanted: DnsName, *, subscription: str, resource_group: str, profile: str
) -> list[Json]:
    """Return the one request, with ``method``, ``url`` and ``body``.

    Raises:
        SourceError: Traffic Manager can't express it.
    """
    _check(wanted)
    root = f"https://management.azure.com/subscriptions/{subscription}/resourceGroups"
    kind = "providers/Microsoft.Network/trafficmanagerprofiles"
    url = f"{root}/{resource_group}/{kind}/{profile}?api-version={_VERSION}"
    weighted = wanted.policy is DnsPolicy.WEIGHTED
    body = {
        "location": "global",
        "properties": {
            "profileStatus": "Enabled",
            "trafficRoutingMethod": "Weighted" if weighted else "Priority",
            "dnsConfig": {"relativeName": profile, "ttl": wanted.ttl_seconds},
            "monitorConfig": _make_monitor(wanted),
            "endpoints": [_make_endpoint(answer, wanted) for answer in wanted.answers],
        },
    }
    return [{"method": "PUT", "url": url, "body": body}]


def _check(wanted: DnsName) -> None:
    probe = wanted.probe
    if probe.interval_seconds not in _TIMEOUTS or not 1 <= probe.failures <= _MOST_FAILURES:
        raise SourceError("Traffic Manager probes every 10 or 30 s, and takes 1 to 10 failures")
    if any(answer.weight > _MOST for answer in wanted.answers):
        raise SourceError(f"Traffic Manager takes weights up to {_MOST}")
    tiers = [answer.tier for answer in wanted.answers]
    if wanted.policy is DnsPolicy.FAILOVER and len(set(tiers)) < len(tiers):
        raise SourceError(
            "Traffic Manager wants a priority of its own for each target",
            hint="Give each backend another tier.",
        )


def _make_monitor(wanted: DnsName) -> Json:
    probe = wanted.probe
    return {
        "protocol": "HTTPS" if probe.tls else "HTTP",
        "port": probe.port,
        "path": probe.path,
        "intervalInSeconds": probe.interval_seconds,
        "timeoutInSeconds": _TIMEOUTS[probe.interval_seconds],
        "toleratedNumberOfFailures": probe.failures - 1,
        "customHeaders": [{"name": "Host", "value": wanted.name.rstrip(".")}],
        "expectedStatusCodeRanges": [{"min": 200, "max": 299}],
    }


def _make_endpoint(answer: DnsAnswer, wanted: DnsName) -> Json:
    """Return an endpoint; weight 0 is no weight there, so it is disabled."""
    order: Json = {"weight": max(1, answer.weight)}
    if wanted.policy is DnsPolicy.FAILOVER:
        order = {"priority": answer.tier + 1}
    on = answer.weight > 0 or wanted.policy is DnsPolicy.FAILOVER
    return {
        "name": answer.target,
        "type": "Microsoft.Network/trafficManagerProfiles/externalEndpoints",
        "properties": {
            "target": answer.address,
            "endpointStatus": "Enabled" if on else "Disabled",
            **order,
        },
    }
