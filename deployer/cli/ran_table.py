"""What ran, in the terminal: a table of groups, the bill beside it, and what to doubt."""

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

import typer

from deployer.cli import output
from deployer.cli.cells import NOTHING
from deployer.values import format_count

if TYPE_CHECKING:
    from deployer.cost.focus.reconcile import Difference, Reconciliation
    from deployer.report.ran import Group, RanReport
    from deployer.values import Money

__all__ = ["print_ran"]

_MOST_GAPS = 5
_CENT = Decimal("0.01")
_BILLED = (
    output.Column("place"),
    output.Column("component"),
    output.Column("estimated", right=True),
    output.Column("billed", right=True),
    output.Column("difference", right=True),
)


def print_ran(report: "RanReport", *, wide: bool) -> None:
    """Print the report for people."""
    typer.echo(_headline(report))
    if report.groups:
        typer.echo()
        _print_groups(report, wide=wide)
    if report.billed is not None:
        typer.echo()
        _print_billed(report.billed, wide=wide)
    typer.echo()
    assumed = [f"  {assumption}" for assumption in report.assumptions]
    output.print_lines([*_remarks(report), "assumed:", *assumed], wide=wide)


def _headline(report: "RanReport") -> str:
    from deployer.report.ran_documents import format_rounded

    window = f"{report.window.began:%Y-%m-%d %H:%M} to {report.window.ended:%Y-%m-%d %H:%M} UTC"
    if not report.groups:
        return f"{report.name}: nothing is recorded as live from {window}, so nothing is priced"
    words = "a partial estimate" if report.partial else "an estimate"
    return f"{report.name}: {format_rounded(report.total.total)} USD from {window} ({words})"


def _print_groups(report: "RanReport", *, wide: bool) -> None:
    from deployer.cost.row import Part
    from deployer.report.ran_documents import format_rounded

    def cells(group: "Group", name: str) -> list[str]:
        parts = [format_rounded(group.parts[p]) if p in group.parts else NOTHING for p in Part]
        each = f"{group.per_thousand.amount:.4f}" if group.per_thousand else NOTHING
        answered = group.answered
        counts = [f"{answered.predictions:,}", f"{answered.failures:,}"] if answered else []
        return [name, *parts, format_rounded(group.total), *(counts or [NOTHING] * 2), each]

    columns = [
        output.Column(report.group_by.value),
        *(output.Column(part.value, right=True, drop=2) for part in Part),
        output.Column("total", right=True),
        output.Column("predictions", right=True, drop=3),
        output.Column("failed", right=True, drop=4),
        output.Column("per 1k", right=True, drop=1),
    ]
    rows = [cells(group, group.key) for group in report.groups]
    output.print_table(columns, rows, footer=cells(report.total, "USD"), wide=wide)


def _print_billed(billed: "Reconciliation", *, wide: bool) -> None:
    until = f" until {billed.bill.last:%Y-%m-%d %H:%M} UTC" if billed.bill.last else ""
    if not billed.differences:
        typer.echo("the bill has nothing of any target's cloud in this time")
        return
    typer.echo(f"against the bill{until}, effective cost:\n")
    rows = [_billed_cells(it) for it in billed.differences]
    difference = billed.billed.amount - billed.estimated.amount
    total = [_cents(billed.estimated), _cents(billed.billed), f"{difference:+,.2f}"]
    unknown = " + unknown" if billed.partial else ""
    footer = ["USD", "", *total[:2], f"{total[2]}{unknown}"]
    output.print_table(_BILLED, rows, footer=footer, wide=wide)
    typer.echo()
    output.print_lines(_billed_remarks(billed), wide=wide)


def _billed_cells(it: "Difference") -> list[str]:
    difference = it.difference
    return [
        f"{it.cloud.value} {it.region}",
        it.component,
        _cents(it.estimated) if it.estimated else "unknown",
        _cents(it.billed) if it.billed else NOTHING,
        f"{difference.amount:+,.2f}" if difference else "unknown",
    ]


def _billed_remarks(billed: "Reconciliation") -> Iterator[str]:
    bill = billed.bill
    for it in billed.differences:
        if it.reasons and not _is_small(it):
            yield f"{it.cloud.value} {it.region} {it.component}: {'; '.join(it.reasons)}"
    if billed.uncovered:
        yield f"not compared: {', '.join(billed.uncovered)}, of which the bill has nothing"
    if billed.elsewhere_rows:
        rows = format_count(billed.elsewhere_rows, "charge")
        yield f"not compared: {rows} of {billed.elsewhere} in other places than the targets'"
    for currency, amount in sorted(bill.foreign.items()):
        yield f"not compared: {amount:,.2f} {currency}, for want of an exchange rate"
    for rate in bill.converted.values():
        yield f"converted: {bill.currencies[rate.currency]:,.2f} {rate.currency}, {rate}"
    if bill.negatives:
        yield f"odd: {bill.negatives} charges of negative quantity that are no corrections"
    if bill.outside:
        yield f"left out: {bill.outside} charges before or after this time"


def _is_small(it: "Difference") -> bool:
    return it.difference is not None and abs(it.difference.amount) < _CENT / 2


def _remarks(report: "RanReport") -> Iterator[str]:
    for reason in report.total.total.unknown:
        yield f"unknown: {reason}"
    for span in report.ran.left_out:
        yield f"unknown: {span.target}: release {span.release} cannot be read"
    for gap in report.ran.gaps[:_MOST_GAPS]:
        hours = (gap.ended - gap.began).total_seconds() / 3600
        yield (
            f"gap: no samples of {gap.target} for {hours:,.1f} h from "
            f"{gap.began:%Y-%m-%d %H:%M} UTC; priced as its release asks"
        )
    if len(report.ran.gaps) > _MOST_GAPS:
        yield f"gap: {len(report.ran.gaps) - _MOST_GAPS} more; -o json has them all"
    for target in sorted(report.ran.excess):
        yield f"odd: more is used on {target} than its machines hold; it was scaled down to that"


def _cents(money: "Money | None") -> str:
    return f"{money.amount:,.2f}" if money else NOTHING
