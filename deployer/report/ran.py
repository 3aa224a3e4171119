"""What ran, added up by target, release, component or day: sums first, rounded once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from deployer.cost.focus.reconcile import Reconciliation
from deployer.cost.ran import Ran, Window
from deployer.cost.row import CostRow, Part
from deployer.cost.sums import Sum, sum_rows
from deployer.cost.timeline import Tally
from deployer.cost.weights import WeightSet
from deployer.values import Money

__all__ = ["Group", "GroupBy", "RanReport", "build_ran_report"]


class GroupBy(StrEnum):
    """What a row of the report stands for."""

    TARGET = "target"
    RELEASE = "release"
    COMPONENT = "component"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Group:
    """All rows of one key.

    Attributes:
        parts: By whose the cost is.
        answered: None where answers cannot be told apart, or nobody counted.
        per_thousand: Cost per 1,000 successful predictions; None without any, or when the cost is
            known only in part.
    """

    key: str
    parts: Mapping[Part, Sum]
    total: Sum
    answered: Tally | None
    per_thousand: Money | None


@dataclass(frozen=True, slots=True)
class RanReport:
    """What a time cost.

    Attributes:
        billed: The same time on a bill; None without one.
    """

    name: str
    at: datetime
    window: Window
    group_by: GroupBy
    groups: tuple[Group, ...]
    total: Group
    ran: Ran
    assumptions: tuple[str, ...]
    billed: Reconciliation | None = None

    @property
    def partial(self) -> bool:
        """Whether something that ran is not priced."""
        return bool(self.total.total.unknown or self.ran.left_out)


def build_ran_report(
    name: str,
    ran: Ran,
    window: Window,
    *,
    group_by: GroupBy,
    at: datetime,
    weights: WeightSet,
    billed: Reconciliation | None = None,
) -> RanReport:
    """Group what ran and add it up."""
    keyed: dict[str, list[CostRow]] = {}
    for row in ran.rows:
        keyed.setdefault(_key(row, group_by), []).append(row)
    groups = tuple(
        _group(key, rows, _tally(ran, group_by, key)) for key, rows in sorted(keyed.items())
    )
    return RanReport(
        name=name,
        at=at,
        window=window,
        group_by=group_by,
        groups=groups,
        total=_group("all", ran.rows, _tally(ran, None, "")),
        ran=ran,
        assumptions=_assume(ran, window, weights),
        billed=billed,
    )


def _key(row: CostRow, group_by: GroupBy) -> str:
    match group_by:
        case GroupBy.TARGET:
            return row.target
        case GroupBy.RELEASE:
            return f"{row.release}"
        case GroupBy.COMPONENT:
            return row.component
        case GroupBy.DAY:
            return row.day.isoformat()


def _tally(ran: Ran, group_by: GroupBy | None, key: str) -> Tally | None:
    """Add up the answers of a target, a release or everything; a component has none of its own."""
    if group_by in (GroupBy.COMPONENT, GroupBy.DAY):
        return None
    found = [
        tally
        for (target, release), tally in ran.tallies.items()
        if group_by is None or key == (target if group_by is GroupBy.TARGET else str(release))
    ]
    if not found or any(tally.predictions is None for tally in found):
        return None
    total = Tally()
    for tally in found:
        total = total.add(tally)
    return total


def _group(key: str, rows: Sequence[CostRow], answered: Tally | None) -> Group:
    total = sum_rows(rows)
    parts = {part: [row for row in rows if row.part is part] for part in Part}
    return Group(
        key=key,
        parts={part: sum_rows(found) for part, found in parts.items() if found},
        total=total,
        answered=answered,
        per_thousand=_per_thousand(total, answered),
    )


def _per_thousand(total: Sum, answered: Tally | None) -> Money | None:
    """Return 1,000 x cost / successful predictions; none without any (docs/costs.md)."""
    if total.unknown or answered is None or not answered.successful:
        return None
    return total.known * (Decimal(1000) / answered.successful)


def _assume(ran: Ran, window: Window, weights: WeightSet) -> tuple[str, ...]:
    sampled = sorted({row.target for row in ran.rows if row.basis == "samples"})
    counted = sorted({target for (target, _), it in ran.tallies.items() if it.predictions})
    return (
        f"real hours ({window.hours:,.1f} in all), at the prices frozen into each release",
        f"allocation: max(request, usage), {weights.name}",
        f"replicas: samples of {', '.join(sampled)}; else what the release asks for"
        if sampled
        else "replicas: what each release asks for; usage was not measured",
        f"predictions: counted on {', '.join(counted)}; else the spec's usage"
        if counted
        else "predictions: the spec's usage, as nobody counted",
        "the minutes for which two releases run side by side are not counted",
    )
