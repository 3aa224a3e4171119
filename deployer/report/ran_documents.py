"""What ran as JSON, CSV and Markdown; amounts with six decimals, what is unknown as null."""

import csv
import io
from collections.abc import Iterator
from decimal import Decimal

from deployer.cost.focus.reconcile import Difference, Reconciliation
from deployer.cost.row import CostRow, Part
from deployer.cost.sums import Sum
from deployer.report.amounts import describe_amount
from deployer.report.documents import describe_time
from deployer.report.ran import Group, RanReport
from deployer.values import Json

__all__ = ["RAN_SCHEMA", "describe_ran", "format_rounded", "write_ran_csv", "write_ran_markdown"]

RAN_SCHEMA = "deployer/ran/v1"
_CSV = (
    "day", "began", "ended", "target", "release", "cloud", "region", "component", "part",
    "quantity", "unit", "unit_price", "amount", "currency", "unknown", "basis",
)  # fmt: skip


def format_rounded(total: Sum) -> str:
    """Return the sum to the cent; ``+ unknown`` when some of it is, ``unknown`` when all is."""
    if total.nothing:
        return "unknown"
    amount = f"{total.known.amount:,.2f}"
    return f"{amount} + unknown" if total.unknown else amount


def describe_ran(report: RanReport) -> dict[str, Json]:
    """Return the document of `RAN_SCHEMA`."""
    return {
        "name": report.name,
        "at": describe_time(report.at),
        "since": describe_time(report.window.began),
        "until": describe_time(report.window.ended),
        "hours": f"{report.window.hours:.3f}",
        "group_by": report.group_by.value,
        "partial": report.partial,
        "total": _describe_group(report.total),
        "groups": [_describe_group(group) for group in report.groups],
        "gaps": [
            {
                "target": gap.target,
                "since": describe_time(gap.began),
                "until": describe_time(gap.ended),
            }
            for gap in report.ran.gaps
        ],
        "left_out": [
            {"target": span.target, "release": span.release} for span in report.ran.left_out
        ],
        "more_used_than_there_is": sorted(report.ran.excess),
        "billed": _describe_billed(report.billed) if report.billed else None,
        "assumptions": list(report.assumptions),
    }


def write_ran_csv(report: RanReport) -> str:
    """Return every row, one line each; nothing is rounded."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_CSV)
    writer.writerows(_cells(row) for row in report.ran.rows)
    return text.getvalue()


def write_ran_markdown(report: RanReport) -> str:
    """Return the groups as a Markdown table, with what is unknown and what was assumed."""
    lines = [
        _headline(report),
        "",
        f"| {report.group_by.value} | {' | '.join(Part)} | total | per 1k predictions |",
        "|---|" + "--:|" * (len(Part) + 2),
        *(_markdown_row(group) for group in (*report.groups, report.total)),
        "",
        *(f"- unknown: {reason}" for reason in report.total.total.unknown),
        *(f"- {assumption}" for assumption in report.assumptions),
    ]
    return "\n".join(lines) + "\n"


def _headline(report: RanReport) -> str:
    began, ended = describe_time(report.window.began), describe_time(report.window.ended)
    return f"### {report.name}: {format_rounded(report.total.total)} USD, {began} to {ended}"


def _markdown_row(group: Group) -> str:
    parts = [format_rounded(group.parts[part]) if part in group.parts else "-" for part in Part]
    each = f"{group.per_thousand.amount:.4f}" if group.per_thousand else "-"
    return f"| {group.key} | {' | '.join(parts)} | {format_rounded(group.total)} | {each} |"


def _describe_group(group: Group) -> dict[str, Json]:
    answered = group.answered
    return {
        "key": group.key,
        "parts": {part.value: _describe_sum(total) for part, total in group.parts.items()},
        "total": _describe_sum(group.total),
        "predictions": answered.predictions if answered else None,
        "failures": answered.failures if answered else None,
        "per_1000_predictions": describe_amount(group.per_thousand),
    }


def _describe_sum(total: Sum) -> dict[str, Json]:
    return {
        "amount": None if total.nothing else describe_amount(total.known),
        "currency": total.known.currency,
        "unknown": list(total.unknown),
    }


def _describe_billed(billed: Reconciliation) -> dict[str, Json]:
    return {
        "estimated": describe_amount(billed.estimated),
        "billed": describe_amount(billed.billed),
        "partial": billed.partial,
        "until": describe_time(billed.bill.last),
        "not_in_bill": [cloud.value for cloud in billed.uncovered],
        "elsewhere": {"billed": describe_amount(billed.elsewhere), "rows": billed.elsewhere_rows},
        "currencies": {name: f"{it:f}" for name, it in sorted(billed.bill.currencies.items())},
        "differences": [_describe_difference(it) for it in billed.differences],
    }


def _describe_difference(it: Difference) -> dict[str, Json]:
    return {
        "cloud": it.cloud.value,
        "region": it.region,
        "component": it.component,
        "estimated": describe_amount(it.estimated),
        "billed": describe_amount(it.billed),
        "difference": describe_amount(it.difference),
        "by_quantity": describe_amount(it.by_quantity),
        "by_price": describe_amount(it.by_price),
        "reasons": list(it.reasons),
    }


def _cells(row: CostRow) -> Iterator[str]:
    yield row.day.isoformat()
    yield describe_time(row.began) or ""
    yield describe_time(row.ended) or ""
    yield from (row.target, str(row.release), row.cloud.value, row.region)
    yield from (row.component, row.part.value)
    yield _plain(row.quantity)
    yield row.unit
    yield _plain(row.unit_price.amount if row.unit_price else None)
    yield _plain(row.amount.amount if row.amount else None)
    yield row.amount.currency if row.amount else ""
    yield from (row.unknown, row.basis)


def _plain(number: Decimal | None) -> str:
    return "" if number is None else f"{number:f}"
