"""A name's answers as requests to Cloud DNS and, for its probes, Compute Engine. Pure.

The shapes are those of the APIs' discovery documents (dns v1, compute v1), which tests hold them
to; nothing here has been run against the live services. Facts from there: probes from outside run
in exactly three regions and every 30 s at the soonest, and addresses are probed, names are not.
"""

from deployer.errors import SourceError
from deployer.ports import DnsName, DnsPolicy
from deployer.values import Json

__all__ = ["make_requests"]

_REGIONS = ("us-east1", "europe-west1", "asia-southeast1")
_LEAST_INTERVAL = 30
_TIMEOUT_SECONDS = 5


def make_requests(wanted: DnsName, *, project: str, zone: str) -> list[Json]:
    """Return the requests in their order, each with ``method``, ``url`` and ``body``.

    Raises:
        SourceError: Cloud DNS can't express it.
    """
    if wanted.policy is not DnsPolicy.WEIGHTED:
        raise SourceError(
            "Cloud DNS keeps its second choices by location, which our tiers are not",
            hint="Use weights there, or Route 53 or Traffic Manager for failover.",
        )
    if wanted.type == "CNAME":
        return [_put_records(wanted, project, zone, check=None)]
    check = f"deployer-{wanted.name.rstrip('.').replace('.', '-')}"[:63].rstrip("-")
    compute = f"https://compute.googleapis.com/compute/v1/projects/{project}/global/healthChecks"
    body = {"name": check, **_make_check(wanted)}
    return [
        {"method": "POST", "url": compute, "body": body},
        _put_records(wanted, project, zone, check=f"{compute}/{check}"),
    ]


def _put_records(wanted: DnsName, project: str, zone: str, *, check: str | None) -> Json:
    items = [_make_item(answer.address, answer.weight, check) for answer in wanted.answers]
    policy: dict[str, Json] = {"wrr": {"items": items}}
    if check is not None:
        policy["healthCheck"] = check
    root = f"https://dns.googleapis.com/dns/v1/projects/{project}/managedZones/{zone}/rrsets"
    return {
        "method": "POST",
        "url": root,
        "body": {
            "name": wanted.name,
            "type": wanted.type,
            "ttl": wanted.ttl_seconds,
            "routingPolicy": policy,
        },
    }


def _make_item(address: str, weight: int, check: str | None) -> Json:
    """Return an item: what is probed stands in another place than what is not."""
    if check is None:
        return {"weight": weight, "rrdatas": [f"{address}."]}
    return {"weight": weight, "healthCheckedTargets": {"externalEndpoints": [address]}}


def _make_check(wanted: DnsName) -> Json:
    probe = wanted.probe
    kind = "https" if probe.tls else "http"
    asked = {"port": probe.port, "requestPath": probe.path, "host": wanted.name.rstrip(".")}
    return {
        "type": kind.upper(),
        f"{kind}HealthCheck": asked,
        "checkIntervalSec": max(_LEAST_INTERVAL, probe.interval_seconds),
        "timeoutSec": _TIMEOUT_SECONDS,
        "unhealthyThreshold": probe.failures,
        "healthyThreshold": 2,
        "sourceRegions": list(_REGIONS),
    }
