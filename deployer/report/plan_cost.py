"""A plan's cost as a document and as Markdown for a pull request; amounts a month."""

from collections.abc import Iterable, Iterator

from deployer.cost.budget import BudgetVerdict
from deployer.cost.change import Delta, PlanCost, TargetChange
from deployer.cost.component import Component, known_sum
from deployer.cost.estimate import TargetEstimate
from deployer.plan import Plan
from deployer.report.amounts import describe_amount, describe_component, describe_total
from deployer.values import Json

__all__ = ["describe_plan_cost", "format_change", "format_sum", "write_plan_markdown"]


def describe_plan_cost(cost: PlanCost, budget: Iterable[BudgetVerdict]) -> dict[str, Json]:
    """Return the ``cost`` of ``deployer/plan/v1``: before, after, each target and component."""
    return {
        "period": "month",
        "before": describe_total(cost.before, partial=cost.partial_before),
        "after": describe_total(cost.after, partial=cost.partial, most=cost.most),
        "requests": describe_amount(cost.requests),
        "left_out": list(cost.left_out),
        "targets": [_describe_target(change) for change in cost.targets],
        "budget": [_describe_verdict(verdict) for verdict in budget],
        "assumptions": list(cost.assumptions),
        "warnings": list(cost.warnings),
    }


def format_sum(components: Iterable[Component]) -> str:
    """Return the sum to the cent; ``+ unknown`` when some of it is, ``unknown`` when all is."""
    every = list(components)
    unknown = [component for component in every if component.monthly is None]
    if unknown and len(unknown) == len(every):
        return "unknown"
    amount = f"{known_sum(every).amount:,.2f}"
    return f"{amount} + unknown" if unknown else amount


def format_change(change: TargetChange) -> str:
    """Return what a plan adds to a target's bill, signed; ``unknown`` when it cannot be told."""
    total = sum(delta.change.amount for delta in change.deltas if delta.change)
    unknown = any(delta.change is None for delta in change.deltas)
    return f"{total:+,.2f} + unknown" if unknown else f"{total:+,.2f}"


def write_plan_markdown(plan: Plan) -> str:
    """Return the plan's cost as a comment for a pull request."""
    cost = plan.cost
    if cost is None:
        return f"### {plan.name}: this plan has no cost\n"
    lines = [*_headline(plan, cost), *_table(cost), *_verdicts(plan), *_details(cost)]
    return "\n".join(lines) + "\n"


def _headline(plan: Plan, cost: PlanCost) -> Iterator[str]:
    partial = " + unknown" if cost.partial else ""
    before = " + unknown" if cost.partial_before else ""
    currency = cost.after.currency
    yield f"### {plan.name}: release {plan.release}, {cost.after}{partial} a month"
    yield ""
    yield (
        f"Today {cost.before}{before}; at most {cost.most}{partial} with every autoscaler at its "
        f"maximum. The requests alone stand for {cost.requests} of it. All in {currency}."
    )
    yield ""


def _table(cost: PlanCost) -> Iterator[str]:
    yield "| target | component | today | planned | change |"
    yield "|---|---|--:|--:|--:|"
    for change in cost.targets:
        for delta in change.deltas:
            yield _markdown_row(change.target, delta)
        before = format_sum(change.before.bill) if change.before else "-"
        after = format_sum(change.after.bill) if change.after else "-"
        name = f"**{change.target}**"
        yield f"| {name} | **all** | {before} | {after} | {format_change(change)} |"
    yield ""


def _markdown_row(target: str, delta: Delta) -> str:
    change = f"{delta.change.amount:+,.2f}" if delta.change else "unknown"
    before, after = (_side(side) for side in (delta.before, delta.after))
    return f"| {target} | {delta.component} | {before} | {after} | {change} |"


def _side(component: Component | None) -> str:
    return "-" if component is None else format_sum([component])


def _verdicts(plan: Plan) -> Iterator[str]:
    for verdict in plan.budget:
        mark = "⛔" if verdict.refuses else "✅" if verdict.state == "within" else "⚠️"
        who = verdict.target or "all targets"
        yield f"- {mark} budget of {who}, {verdict.limit}: {verdict.state}. {verdict.reason}"
    if plan.budget:
        yield ""


def _details(cost: PlanCost) -> Iterator[str]:
    for name, why in _unknowns(cost):
        yield f"- unknown: {name}: {why}"
    yield from (f"- live, but its release cannot be read: {name}" for name in cost.left_out)
    yield from (f"- ⚠️ {warning}" for warning in cost.warnings)
    yield ""
    yield "<details><summary>assumed</summary>"
    yield ""
    yield from (f"- {assumption}" for assumption in cost.assumptions)
    yield ""
    yield "</details>"


def _unknowns(cost: PlanCost) -> Iterator[tuple[str, str]]:
    for change in cost.targets:
        for component in change.after.bill if change.after else ():
            if component.monthly is None:
                yield f"{change.target} {component.name}", component.unknown


def _describe_target(change: TargetChange) -> dict[str, Json]:
    return {
        "target": change.target,
        "before": _describe_side(change.before),
        "after": _describe_side(change.after),
        "change": [
            {"component": delta.component, "monthly": describe_amount(delta.change)}
            for delta in change.deltas
        ],
    }


def _describe_side(estimate: TargetEstimate | None) -> dict[str, Json] | None:
    if estimate is None:
        return None
    return {
        "release": estimate.release,
        "machine": estimate.machine,
        "option": estimate.option,
        "hourly": describe_amount(estimate.hourly),
        "replicas": estimate.replicas,
        "max_replicas": estimate.max_replicas,
        "nodes": estimate.nodes,
        "max_nodes": estimate.max_nodes,
        "requests": describe_component(estimate.requests),
        "bill": [describe_component(component) for component in estimate.bill],
        "total": describe_total(estimate.known, partial=estimate.partial, most=estimate.known_most),
    }


def _describe_verdict(verdict: BudgetVerdict) -> dict[str, Json]:
    return {
        "target": verdict.target or None,
        "limit": verdict.limit,
        "state": verdict.state,
        "reason": verdict.reason,
        "refuses": verdict.refuses,
    }
