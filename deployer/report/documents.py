"""The reports as JSON documents: stable names, times in ISO 8601 UTC, money as decimal strings.

A field may be added under the same schema; taking one away or changing its meaning makes a new one.
What is unknown is null, with a sentence beside it that says why.
"""

from datetime import UTC, datetime

from deployer.cost.estimate import TargetEstimate
from deployer.release.records import Bundle
from deployer.report.amounts import describe_amount, describe_component, describe_total
from deployer.report.cost import CostReport
from deployer.report.evidence import Evidence
from deployer.report.health import HealthReport, TargetHealth
from deployer.report.history import HistoryRow
from deployer.report.infrastructure import InfrastructureReport
from deployer.report.objectives import Goal
from deployer.report.status import Status, StatusRow
from deployer.values import Json

__all__ = [
    "COST_SCHEMA",
    "HEALTH_SCHEMA",
    "HISTORY_SCHEMA",
    "INFRASTRUCTURE_SCHEMA",
    "RELEASE_SCHEMA",
    "STATUS_SCHEMA",
    "describe_cost",
    "describe_health",
    "describe_history",
    "describe_history_row",
    "describe_infrastructure",
    "describe_release",
    "describe_status",
    "describe_time",
]

STATUS_SCHEMA = "deployer/status/v1"
HEALTH_SCHEMA = "deployer/health/v1"
COST_SCHEMA = "deployer/cost/v1"
HISTORY_SCHEMA = "deployer/history/v1"
RELEASE_SCHEMA = "deployer/release/v1"
INFRASTRUCTURE_SCHEMA = "deployer/infrastructure/v1"


def describe_time(moment: datetime | None) -> str | None:
    """Return the time as ``2026-11-23T05:04:40Z``; None stays None."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def describe_health(report: HealthReport) -> dict[str, Json]:
    """Return the document of `HEALTH_SCHEMA`."""
    return {
        "name": report.name,
        "at": describe_time(report.at),
        "verdict": report.state.value,
        "exit_code": report.exit_code,
        "evidence": [_evidence(it) for it in report.evidence],
        "targets": [_target_health(target) for target in report.targets],
    }


def describe_status(status: Status) -> dict[str, Json]:
    """Return the document of `STATUS_SCHEMA`."""
    return {
        "name": status.name,
        "at": describe_time(status.health.at),
        "desired_release": status.desired,
        "verdict": status.health.state.value,
        "exit_code": status.health.exit_code,
        "run": status.run or None,
        "canary": status.canary or None,
        "refused": status.refused or None,
        "targets": [_status_row(row) for row in status.rows],
    }


def describe_history(name: str, rows: tuple[HistoryRow, ...]) -> dict[str, Json]:
    """Return the document of `HISTORY_SCHEMA`."""
    return {"name": name, "releases": [describe_history_row(row) for row in rows]}


def describe_history_row(row: HistoryRow) -> dict[str, Json]:
    """Return one release as `HISTORY_SCHEMA` lists it."""
    return {
        "number": row.number,
        "created": describe_time(row.created),
        "by": row.by,
        "artifact": str(row.artifact),
        "size": row.size,
        "label": row.label,
        "state": row.state.value,
        "reason": row.reason or None,
        "live_on": list(row.live_on),
        "canary": row.share or None,
        "verified": describe_time(row.verified),
        "verdicts": dict(row.verdicts),
    }


def describe_release(row: HistoryRow, bundle: Bundle) -> dict[str, Json]:
    """Return the document of `RELEASE_SCHEMA`: name, the row, and the whole bundle."""
    return {
        "name": bundle.name,
        **describe_history_row(row),
        "bundle": bundle.model_dump(mode="json", by_alias=True),
    }


def describe_cost(report: CostReport) -> dict[str, Json]:
    """Return the document of `COST_SCHEMA`. Amounts are per month, with six decimals.

    A ``total`` leaves out what is unknown, and ``partial`` says that something is; ``most`` is the
    same at every autoscaler's maximum.
    """
    return {
        "name": report.name,
        "at": describe_time(report.at),
        "period": "month",
        "total": describe_total(report.known, partial=report.partial, most=report.most),
        "requests": describe_total(report.requests, partial=report.requests_partial),
        "left_out": list(report.left_out),
        "book": {
            "as_of": report.book_as_of.isoformat() if report.book_as_of else None,
            "age_days": report.book_age_days,
        },
        "assumptions": list(report.assumptions),
        "targets": [_target_cost(target) for target in report.targets],
    }


def describe_infrastructure(report: InfrastructureReport) -> dict[str, Json]:
    """Return the document of `INFRASTRUCTURE_SCHEMA`; amounts as in `describe_cost`."""
    return {
        "period": "month",
        "total": describe_total(report.known, partial=report.partial),
        "free_resources": report.free,
        "book": {"as_of": report.book_as_of.isoformat()},
        "assumptions": list(report.assumptions),
        "resources": [
            {
                "address": resource.address,
                "cloud": resource.cloud.value if resource.cloud else None,
                "region": resource.region or None,
                "bill": [describe_component(component) for component in resource.components],
            }
            for resource in report.resources
        ],
    }


def _target_health(target: TargetHealth) -> dict[str, Json]:
    return {
        "target": target.target,
        "desired_release": target.desired,
        "live_release": target.live,
        "verdict": target.state.value,
        "reason": target.reason,
        "ready": target.ready,
        "replicas": target.replicas,
        "probe_status": target.probe_status,
        "probe_seconds": _rounded(target.probe_seconds),
        "seen": describe_time(target.seen),
        "age_seconds": _rounded(target.age_seconds),
        "error": target.error or None,
        "since_seconds": _rounded(target.since_seconds),
        "evidence": [_evidence(it) for it in target.evidence],
        "slo": [_goal(goal) for goal in target.goals],
    }


def _evidence(evidence: Evidence) -> dict[str, Json]:
    return {"source": evidence.source, "sight": evidence.sight.value, "says": evidence.says}


def _goal(goal: Goal) -> dict[str, Json]:
    return {
        "goal": goal.name,
        "objective": goal.objective,
        "window_seconds": goal.window_seconds,
        "covered_seconds": _rounded(goal.covered_seconds),
        "total": goal.total,
        "bad": goal.bad,
        "held": goal.held,
        "budget_left": goal.budget_left,
        "alarm": goal.alarm or None,
        "unknown": goal.unknown or None,
        "burn": [
            {
                "severity": burn.severity,
                "long_seconds": burn.long_seconds,
                "short_seconds": burn.short_seconds,
                "limit": burn.limit,
                "long": burn.long,
                "short": burn.short,
            }
            for burn in goal.burns
        ],
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _status_row(row: StatusRow) -> dict[str, Json]:
    return {**_target_health(row.health), "weight_percent": row.weight, "label": row.label}


def _target_cost(target: TargetEstimate) -> dict[str, Json]:
    return {
        "target": target.target,
        "release": target.release,
        "cloud": target.cloud.value,
        "region": target.region,
        "machine": target.machine,
        "hourly": describe_amount(target.hourly),
        "hourly_from": target.hourly_from or None,
        "replicas": target.replicas,
        "replicas_from": target.replicas_from,
        "max_replicas": target.max_replicas,
        "nodes": target.nodes,
        "requests": describe_component(target.requests),
        "bill": [describe_component(component) for component in target.bill],
        "total": describe_total(target.known, partial=target.partial, most=target.known_most),
    }
