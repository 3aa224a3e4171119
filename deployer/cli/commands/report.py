"""``deployer report``: what it costs, and how healthy it is."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployer.cli import output, ran
from deployer.cli.cells import NOTHING
from deployer.cli.commands.report_advice import advice
from deployer.cli.commands.report_alerts import alerts
from deployer.cli.commands.report_all import report_all
from deployer.cli.commands.report_health import health
from deployer.cli.commands.report_inputs import inputs
from deployer.cli.commands.report_sample import sample
from deployer.cli.options import Format, SpecFile, Timeout
from deployer.values import format_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.cli.reading import Reader
    from deployer.cost.component import Component
    from deployer.cost.estimate import TargetEstimate
    from deployer.report.cost import CostReport

__all__ = ["cost", "report", "show_cost"]

report = typer.Typer(no_args_is_help=True, help="Say what it costs and how healthy it is.")
report.command("all")(report_all)
report.command("advice")(advice)
report.command("alerts")(alerts)
report.command("sample")(sample)
report.command("health")(health)
report.command("inputs")(inputs)

_BILL = ("machines", "control plane", "balancer", "storage")
_COST_COLUMNS = (
    output.Column("target"),
    output.Column("machine", drop=6),
    output.Column("replicas", right=True, drop=5),
    output.Column("requests", right=True),
    output.Column("machines", right=True, drop=1),
    output.Column("control", right=True, drop=2),
    output.Column("balancer", right=True, drop=3),
    output.Column("storage", right=True, drop=4),
    output.Column("other", right=True, drop=7),
    output.Column("bill", right=True),
)


@report.command("cost")
def cost(
    file: SpecFile = Path("deployer.yaml"),
    output_format: ran.RanOutput = ran.RanFormat.TABLE,
    timeout: Timeout = 5.0,
    since: ran.Since = None,
    until: ran.Until = None,
    group_by: ran.Grouping = ran.GroupWord.TARGET,
    samples: ran.SamplesFile = None,
    weights: ran.Weights = "scad",
    billed: Annotated[
        list[Path] | None,
        typer.Option("--billed", metavar="FILE", help="A FOCUS bill to compare with; repeatable."),
    ] = None,
    billed_tag: ran.BilledTag = None,
    cost_explorer: ran.CostExplorer = False,
    rates: ran.RatesFile = None,
) -> None:
    """Estimate what a month costs, or with --since what a time has cost.

    Per target and in all, at list prices. With --since, --billed or --cost-explorer it prices what
    ran, by the record of what was live when, and compares it with the bill.

    "requests" is the share of the machines' price that the replicas ask for; "bill" is what the
    account sees: whole machines, control plane, load balancer, storage. What has no price is
    unknown, and never counted as zero.

    Example: deployer report cost
    """
    from deployer.cli.reading import open_reader

    reader = open_reader(file)
    if since is None and not billed and not cost_explorer:
        ran.refuse_row_format(output_format)
        show_cost(reader, Format(output_format.value), timeout_seconds=timeout)
        return
    sources = ran.Sources(samples, tuple(billed or ()), billed_tag, rates, cost_explorer)
    ran.show_ran(
        reader, output_format, ran.Wanted(since or "30d", until, group_by, weights), sources
    )


def show_cost(session: "Reader", output_format: Format, *, timeout_seconds: float) -> None:
    """Look at the replicas there are, price them, print."""
    from deployer.cli.reading import look_at
    from deployer.report.cost import build_cost_report
    from deployer.report.documents import COST_SCHEMA, describe_cost

    seen = look_at(session, timeout_seconds=timeout_seconds)
    prices = {target: provider.prices for target, provider in session.providers.items()}
    built = build_cost_report(
        seen.head, seen.bundles, prices, seen.observations, now=session.clock.now()
    )
    if output_format is Format.JSON:
        output.print_json(COST_SCHEMA, describe_cost(built))
    else:
        _print_cost(built, wide=output_format is Format.WIDE)


def _print_cost(built: "CostReport", *, wide: bool) -> None:
    typer.echo(_cost_headline(built))
    if not built.targets and not built.left_out:
        return
    typer.echo()
    rows = [_cost_cells(target) for target in built.targets]
    output.print_table(_COST_COLUMNS, rows, footer=_cost_footer(built), wide=wide)
    typer.echo()
    assumed = [f"  {assumption}" for assumption in built.assumptions]
    lines = [*_unknowns(built), *_notes(built), "assumed:", *assumed]
    output.print_lines(lines, wide=wide)


def _cost_headline(built: "CostReport") -> str:
    if not built.targets and not built.left_out:
        return f"{built.name}: nothing is live, so nothing is priced"
    every = [component for target in built.targets for component in target.bill]
    total = _sum(every, lost=bool(built.left_out))
    where = f"on {format_count(len(built.targets) + len(built.left_out), 'target')}"
    if total == "unknown":
        return f"{built.name}: what a month costs {where} is unknown"
    estimate = "a partial estimate" if built.partial else "an estimate"
    return f"{built.name}: {total} {built.known.currency} a month {where} ({estimate})"


def _cost_cells(target: "TargetEstimate") -> list[str]:
    named = {component.name: component for component in target.bill}
    return [
        target.target,
        target.machine or NOTHING,
        str(target.replicas),
        _sum([target.requests]),
        *[_sum([named[name]]) if name in named else NOTHING for name in _BILL],
        _sum(_others(target.bill)) if _others(target.bill) else NOTHING,
        _sum(target.bill),
    ]


def _cost_footer(built: "CostReport") -> list[str]:
    every = [component for target in built.targets for component in target.bill]
    columns = [[c for c in every if c.name == name] for name in _BILL] + [_others(every)]
    lost = bool(built.left_out)
    return [
        f"{built.known.currency} a month",
        "",
        "",
        _at_least([target.requests for target in built.targets], lost=lost),
        *[_at_least(column, lost=lost) if column or lost else NOTHING for column in columns],
        _sum(every, lost=lost),
    ]


def _others(components: "Sequence[Component]") -> "list[Component]":
    return [component for component in components if component.name not in _BILL]


def _sum(components: "Sequence[Component]", *, lost: bool = False) -> str:
    """Return the sum, rounded once; what is unknown is said, never left out in silence."""
    from deployer.cost.component import known_sum

    unknown = lost or any(component.monthly is None for component in components)
    if unknown and all(component.monthly is None for component in components):
        return "unknown"
    amount = f"{known_sum(components).amount:,.2f}"
    return f"{amount} + unknown" if unknown else amount


def _at_least(components: "Sequence[Component]", *, lost: bool) -> str:
    """Return the sum in the short form of a column's foot: ``≥`` when something is unknown."""
    amount, unknown, _ = _sum(components, lost=lost).partition(" + ")
    return f"≥ {amount}" if unknown else amount


def _unknowns(built: "CostReport") -> list[str]:
    lines = [f"{target}: unknown: its release cannot be read" for target in built.left_out]
    for target in built.targets:
        names: dict[str, list[str]] = {}
        for component in target.bill:
            if component.monthly is None:
                names.setdefault(component.unknown, []).append(component.name)
        lines += [f"{target.target}: {', '.join(n)} unknown: {why}" for why, n in names.items()]
    return lines


def _notes(built: "CostReport") -> list[str]:
    """Return what one should know of the figures: doubtful prices, and what scaling may add."""
    doubtful = [
        f"{target.target} {component.name}"
        for target in built.targets
        for component in target.bill
        if component.confidence == "low"
    ]
    notes = [f"of low confidence: {', '.join(doubtful)}"] if doubtful else []
    if built.most != built.known:
        most = f"{built.most.amount:,.2f} {built.most.currency}"
        notes.append(f"at most, with every autoscaler at its maximum: {most} a month")
    return notes
