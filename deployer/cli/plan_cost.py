"""A plan's cost in the terminal: a cell per target, the total, the budget, what to doubt."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from deployer.cli import output

if TYPE_CHECKING:
    from deployer.cost.change import PlanCost
    from deployer.plan import Plan

__all__ = ["cell", "list_lines"]

_COLUMNS = (
    output.Column("target"),
    output.Column("component"),
    output.Column("today", right=True),
    output.Column("planned", right=True),
    output.Column("change", right=True),
    output.Column("basis"),
)


def cell(target: str, made: "Plan") -> str:
    """Return what a month of a target costs after the plan."""
    from deployer.report.plan_cost import format_sum

    changes = made.cost.targets if made.cost else ()
    found = next((it.after for it in changes if it.target == target), None)
    return format_sum(found.bill) if found else "unknown"


def list_lines(made: "Plan", *, wide: bool) -> Iterator[str]:
    """Yield the total with its change, each budget, and what has no price or a doubtful one.

    ``wide`` adds every component, and what was assumed.
    """
    if made.cost is None:
        return
    if wide:
        yield from _components(made.cost)
    yield _total(made.cost)
    for verdict in made.budget:
        who = verdict.target or "all targets"
        denied = " (denied)" if verdict.refuses else ""
        yield f"budget of {who}, {verdict.limit}: {verdict.state}{denied}; {verdict.reason}"
    yield from _unknowns(made.cost)
    yield from (f"doubtful: {warning}" for warning in made.cost.warnings)
    yield from _assumed(made.cost, wide=wide)


def _total(cost: "PlanCost") -> str:
    partial = " + unknown" if cost.partial else ""
    before = " + unknown" if cost.partial_before else ""
    most = f", at most {cost.most}{partial}" if cost.most != cost.after else ""
    word = "partial: " if cost.partial else ""
    return (
        f"a month: {word}{cost.after}{partial}{most}; today {cost.before}{before}; "
        f"the requests alone stand for {cost.requests}"
    )


def _components(cost: "PlanCost") -> list[str]:
    from deployer.report.plan_cost import format_sum

    rows = []
    for change in cost.targets:
        for delta in change.deltas:
            sides = [format_sum([it]) if it else "-" for it in (delta.before, delta.after)]
            changed = f"{delta.change.amount:+,.2f}" if delta.change else "unknown"
            basis = delta.after.basis if delta.after else ""
            rows.append([change.target, delta.component, *sides, changed, basis])
    return [*output.format_table(_COLUMNS, rows, width=None), ""]


def _unknowns(cost: "PlanCost") -> Iterator[str]:
    """Say each reason once, with what it keeps from being priced."""
    reasons: dict[str, list[str]] = {}
    for change in cost.targets:
        for component in change.after.bill if change.after else ():
            if component.monthly is None:
                reasons.setdefault(component.unknown, []).append(
                    f"{change.target} {component.name}"
                )
    for why, names in reasons.items():
        yield f"unknown: {', '.join(names)}: {why}"
    if cost.left_out:
        yield f"unknown: the bill of {', '.join(cost.left_out)}: its release cannot be read"


def _assumed(cost: "PlanCost", *, wide: bool) -> Iterator[str]:
    if wide:
        yield "assumed:"
        yield from (f"  {assumption}" for assumption in cost.assumptions)
    else:
        yield f"assumed: {'; '.join(cost.assumptions[-4:])}; -o wide tells all"
