"""What is wanted, what is live and how it does, in one row per target."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from deployer.release.records import Bundle, Head, Routes
from deployer.report.canary import find_canary
from deployer.report.health import HealthReport, TargetHealth, build_health_report
from deployer.snapshot.observe import Observation

__all__ = ["Status", "StatusRow", "build_status"]


@dataclass(frozen=True, slots=True)
class StatusRow:
    """One target. ``weight`` is its configured share of traffic in percent; None without one."""

    health: TargetHealth
    weight: int | None
    label: str


@dataclass(frozen=True, slots=True)
class Status:
    """The deployment as it is.

    Attributes:
        run: The run under way, as ``deploy of release 43 by …``; empty when there is none.
        canary: What a release gets that is a canary, as ``release 43 gets 5 % of aws``.
        refused: The newest release that was refused after the live ones, and why; empty when there
            is none.
    """

    name: str
    desired: int | None
    health: HealthReport
    rows: tuple[StatusRow, ...]
    run: str = ""
    canary: str = ""
    refused: str = ""


def build_status(
    head: Head,
    bundles: Mapping[int, Bundle],
    observations: Sequence[Observation],
    *,
    now: datetime,
    routes: Routes | None = None,
) -> Status:
    """Return every target's row, in the order of their names."""
    health = build_health_report(head, bundles, observations, now=now)
    return Status(
        name=head.name,
        desired=head.desired,
        health=health,
        rows=tuple(_row(target, head, bundles) for target in health.targets),
        run=_run(head),
        canary=_canary(routes),
        refused=_refused(head),
    )


def _row(target: TargetHealth, head: Head, bundles: Mapping[int, Bundle]) -> StatusRow:
    live = bundles.get(target.live) if target.live is not None else None
    return StatusRow(target, _weight(target.target, head, bundles), live.label if live else "")


def _weight(target: str, head: Head, bundles: Mapping[int, Bundle]) -> int | None:
    bundle = bundles.get(head.desired) if head.desired is not None else None
    total = sum(bundle.weights.values()) if bundle else 0
    if bundle is None or not total or target not in bundle.weights:
        return None
    return round(100 * bundle.weights[target] / total)


def _run(head: Head) -> str:
    if head.run is None:
        return ""
    run = head.run
    return f"{run.kind} of release {run.release}, run {run.id} by {run.holder}"


def _canary(routes: Routes | None) -> str:
    found = find_canary(routes)
    return f"release {found.release} gets {found.words}" if found else ""


def _refused(head: Head) -> str:
    newest_live = max(head.live.values(), default=0)
    refused = [n for n, mark in head.marks.items() if mark.quarantined and n > newest_live]
    if not refused:
        return ""
    number = max(refused)
    return f"release {number} was refused: {head.marks[number].quarantined}"
