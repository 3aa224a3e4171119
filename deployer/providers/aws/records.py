"""A name's answers as Route 53's record sets and health checks. Pure.

The limits are those of the Route 53 API reference (ResourceRecordSet, HealthCheckConfig): weights
of 0 to 255, one primary and one secondary, identifiers of at most 128 characters, probes every 10
or 30 s, 1 to 10 failures. They are checked here, since stand-ins take what the real one refuses.
"""

import hashlib
import math
from collections.abc import Mapping

from deployer.errors import SourceError
from deployer.ports import DnsAnswer, DnsName, DnsPolicy
from deployer.values import Json, canonical_json

__all__ = ["MAX_WEIGHT", "check_name", "make_checks", "make_records", "reference_prefix"]

MAX_WEIGHT = 255
_MAX_IDENTIFIER = 128
_INTERVALS = (10, 30)
_FAILURES = range(1, 11)
_PAIR = 2


def check_name(wanted: DnsName) -> None:
    """Refuse what Route 53 can't express.

    Raises:
        SourceError: It names the fault.
    """
    identifiers = [answer.target for answer in wanted.answers]
    if len(set(identifiers)) < len(identifiers) or any(
        not 0 < len(one) <= _MAX_IDENTIFIER for one in identifiers
    ):
        raise SourceError("each answer needs a name of its own, of at most 128 characters")
    if wanted.probe.interval_seconds not in _INTERVALS or wanted.probe.failures not in _FAILURES:
        raise SourceError("Route 53 probes every 10 or 30 s, and takes 1 to 10 failures")
    if wanted.policy is DnsPolicy.WEIGHTED:
        _check_weights(_scale(wanted))
    else:
        _check_pair(wanted)


def make_checks(wanted: DnsName) -> dict[str, Json]:
    """Return each target's HealthCheckConfig."""
    return {answer.target: _make_check(wanted, answer) for answer in wanted.answers}


def make_records(wanted: DnsName, checks: Mapping[str, str]) -> dict[str, Json]:
    """Return each target's ResourceRecordSet.

    Args:
        checks: The health checks' ids, by target.
    """
    weights = _scale(wanted)
    first = min(answer.tier for answer in wanted.answers)
    made = {}
    for answer in wanted.answers:
        role: Json = {"Weight": weights[answer.target]}
        if wanted.policy is DnsPolicy.FAILOVER:
            role = {"Failover": "PRIMARY" if answer.tier == first else "SECONDARY"}
        made[answer.target] = {
            "Name": wanted.name,
            "Type": wanted.type,
            "SetIdentifier": answer.target,
            **role,
            "TTL": wanted.ttl_seconds,
            "ResourceRecords": [{"Value": answer.address}],
            "HealthCheckId": checks[answer.target],
        }
    return made


def reference_prefix(name: str, config: Json = None) -> str:
    """Return how the CallerReference of a name's checks begins; with a config, of that one.

    A reference has at most 64 characters and can't be used again once its check was deleted, so
    eight more are chosen at random.
    """
    mine = hashlib.sha256(name.encode()).hexdigest()[:12]
    if config is None:
        return f"deployer-{mine}-"
    return f"deployer-{mine}-{hashlib.sha256(canonical_json(config)).hexdigest()[:16]}-"


def _scale(wanted: DnsName) -> dict[str, int]:
    """Return the weights in the same proportion, as small as they can be."""
    divisor = math.gcd(*(answer.weight for answer in wanted.answers)) or 1
    return {answer.target: answer.weight // divisor for answer in wanted.answers}


def _make_check(wanted: DnsName, answer: DnsAnswer) -> Json:
    probe = wanted.probe
    host = wanted.name.rstrip(".")
    place: Json = {"IPAddress": answer.address, "FullyQualifiedDomainName": host}
    if wanted.type == "CNAME":
        place = {"FullyQualifiedDomainName": answer.address}
    return {
        **place,
        "Type": "HTTPS" if probe.tls else "HTTP",
        "Port": probe.port,
        "ResourcePath": probe.path,
        "RequestInterval": probe.interval_seconds,
        "FailureThreshold": probe.failures,
        **({"EnableSNI": True} if probe.tls else {}),
    }


def _check_weights(weights: Mapping[str, int]) -> None:
    for target, weight in weights.items():
        if weight > MAX_WEIGHT:
            raise SourceError(
                f"{target} has weight {weight} and Route 53 takes {MAX_WEIGHT} at most",
                hint="Choose weights in a smaller proportion.",
            )
    if not any(weights.values()):
        raise SourceError("all weights are 0, which Route 53 takes for an equal share of each")


def _check_pair(wanted: DnsName) -> None:
    tiers = {answer.tier for answer in wanted.answers}
    if len(wanted.answers) != _PAIR or len(tiers) != _PAIR:
        raise SourceError(
            "failover in Route 53 is between one first and one second target",
            hint="Give two backends, tier=0 and tier=1, or use weights.",
        )
