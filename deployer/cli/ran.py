"""``deployer report cost --since``: what ran, what it cost, and what was billed for it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployer.cli import output
from deployer.cli.options import Format
from deployer.cli.periods import parse_moment

if TYPE_CHECKING:
    from deployer.cli.reading import Reader
    from deployer.cost.focus.bill import Bill
    from deployer.cost.focus.read import FileNotes
    from deployer.cost.focus.reconcile import Reconciliation
    from deployer.cost.ran import Ran, Window
    from deployer.cost.samples import Sample
    from deployer.report.ran import RanReport

__all__ = [
    "BilledTag",
    "CostExplorer",
    "GroupWord",
    "Grouping",
    "RanFormat",
    "RanOutput",
    "RatesFile",
    "SamplesFile",
    "Since",
    "Sources",
    "Until",
    "Wanted",
    "Weights",
    "refuse_row_format",
    "show_ran",
]


class RanFormat(StrEnum):
    """How what ran is shown."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    CSV = "csv"
    FOCUS = "focus"
    MARKDOWN = "md"


class GroupWord(StrEnum):
    """What one row of the table stands for."""

    TARGET = "target"
    RELEASE = "release"
    COMPONENT = "component"
    DAY = "day"


RanOutput = Annotated[
    RanFormat,
    typer.Option("--output", "-o", help="table, wide or json; with --since also csv, focus or md."),
]
Since = Annotated[
    str | None,
    typer.Option("--since", metavar="TIME", help="Price what ran since: 30d, 24h, 2026-11-01."),
]
Until = Annotated[
    str | None, typer.Option("--until", metavar="TIME", help="The end of it; now when left out.")
]
Grouping = Annotated[GroupWord, typer.Option("--group-by", help="What a row stands for.")]
SamplesFile = Annotated[
    Path | None,
    typer.Option(
        "--samples", metavar="FILE", help="A CSV of replicas, usage and answers over time."
    ),
]
Weights = Annotated[
    str, typer.Option("--weights", metavar="SET", help="How machines are shared: scad, opencost.")
]
RatesFile = Annotated[
    Path | None,
    typer.Option("--rates", metavar="FILE", help="Exchange rates: currency,usd,as_of,source."),
]
CostExplorer = Annotated[
    bool,
    typer.Option("--cost-explorer", help="Ask AWS what it charged; 0.01 USD a page of its answer."),
]
BilledTag = Annotated[
    str | None,
    typer.Option("--billed-tag", metavar="KEY=VALUE", help="Only charges with this tag."),
]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for, as it was written."""

    since: str
    until: str | None
    group_by: GroupWord
    weights: str


@dataclass(frozen=True, slots=True)
class Sources:
    """Files of the user's own to read."""

    samples: Path | None
    billed: tuple[Path, ...]
    tag: str | None
    rates: Path | None = None
    cost_explorer: bool = False


def refuse_row_format(chosen: RanFormat) -> None:
    """Refuse a format of rows where there are none.

    Raises:
        typer.BadParameter: It is one.
    """
    if chosen.value not in set(Format):
        raise typer.BadParameter(f"-o {chosen.value} needs --since: it prints what ran, row by row")


def show_ran(reader: "Reader", chosen: RanFormat, wanted: Wanted, sources: Sources) -> None:
    """Read the record, the samples and the bill; price, compare, print."""
    report, notes = _build(reader, wanted, sources)
    _print(report, chosen, wanted, notes)


def _build(
    reader: "Reader", wanted: Wanted, sources: Sources
) -> "tuple[RanReport, list[FileNotes]]":
    from deployer.cli.actuals import read_bill
    from deployer.cost.ran import Window
    from deployer.cost.samples import read_samples
    from deployer.cost.weights import WEIGHT_SETS
    from deployer.report.ran import GroupBy, build_ran_report

    weights = WEIGHT_SETS.get(wanted.weights)
    if weights is None:
        raise typer.BadParameter(f"--weights takes {' or '.join(WEIGHT_SETS)}")
    now = reader.clock.now()
    began, ended = parse_moment(wanted.since, now), parse_moment(wanted.until or "0m", now)
    if began >= ended:
        raise typer.BadParameter(f"--since {wanted.since} is not before its end")
    samples = read_samples(sources.samples) if sources.samples else ()
    price = _pricer(reader, samples, wanted.weights)
    window = Window(began, min(ended, now))
    ran = price(window)
    bill, notes = read_bill(reader, sources, window)
    return build_ran_report(
        reader.spec.name,
        ran,
        window,
        group_by=GroupBy(wanted.group_by.value),
        at=now,
        weights=weights,
        billed=_compare(bill, window, price) if bill else None,
    ), notes


def _pricer(
    reader: "Reader", samples: "Sequence[Sample]", weights: str
) -> "Callable[[Window], Ran]":
    from deployer.cli.reading import read_releases
    from deployer.cost.ran import price_ran
    from deployer.cost.weights import WEIGHT_SETS
    from deployer.release.records import Head

    head = reader.state.read_head() or Head(name=reader.spec.name)
    bundles = read_releases(reader, {span.release for span in head.spans})
    books = {target: provider.prices for target, provider in reader.providers.items()}

    def price(window: "Window") -> "Ran":
        return price_ran(
            head.spans,
            bundles,
            window,
            books=books,
            samples=samples,
            weights=WEIGHT_SETS[weights],
        )

    return price


def _compare(bill: "Bill", window: "Window", price: "Callable[[Window], Ran]") -> "Reconciliation":
    """Compare the bill with the estimate of the time that it covers: it may end before now."""
    from deployer.cost.focus.reconcile import reconcile
    from deployer.cost.ran import Window

    ended = min(bill.last or window.ended, window.ended)
    return reconcile(price(Window(window.began, max(ended, window.began))), bill)


def _print(
    report: "RanReport", chosen: RanFormat, wanted: Wanted, notes: "list[FileNotes]"
) -> None:
    from deployer.cli.ran_table import print_ran
    from deployer.report.focus import write_focus
    from deployer.report.ran_documents import (
        RAN_SCHEMA,
        describe_ran,
        write_ran_csv,
        write_ran_markdown,
    )

    match chosen:
        case RanFormat.JSON:
            output.print_json(RAN_SCHEMA, describe_ran(report))
        case RanFormat.CSV:
            typer.echo(write_ran_csv(report), nl=False)
        case RanFormat.MARKDOWN:
            typer.echo(write_ran_markdown(report), nl=False)
        case RanFormat.FOCUS:
            text, left_out = write_focus(report, method=wanted.weights)
            typer.echo(text, nl=False)
            if left_out:
                output.print_note(f"left out: {left_out} rows without a price, as a null is not 0")
        case RanFormat.TABLE | RanFormat.WIDE:
            print_ran(report, wide=chosen is RanFormat.WIDE)
    for line in _odd(notes):
        output.print_note(line)


def _odd(notes: "list[FileNotes]") -> Iterator[str]:
    """Say what is odd about a file that was read all the same."""
    for note in notes:
        if note.missing:
            yield f"{note.file.name}: not all of FOCUS: it lacks {', '.join(note.missing)}"
        if note.duplicates:
            yield f"{note.file.name}: {note.duplicates} rows were there twice and count once"
        if not note.all_compared:
            yield f"{note.file.name}: duplicates were looked for among its first rows only"
