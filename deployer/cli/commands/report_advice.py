"""``deployer report advice``: what could cost less, and what to think of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployer.cli import output
from deployer.cli.cells import NOTHING
from deployer.cli.options import Format, Output, SpecFile, Timeout
from deployer.cli.ran import SamplesFile
from deployer.values import format_count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deployer.cli.reading import Reader
    from deployer.cost.advice.advice import Rules
    from deployer.cost.advice.rank import Ranked
    from deployer.report.advice import AdviceReport
    from deployer.upkeep import Upkeep

__all__ = ["advice", "show_advice"]

_COLUMNS = (
    output.Column("", right=True),
    output.Column("advice"),
    output.Column("target"),
    output.Column("saves", right=True),
    output.Column("requests", right=True, drop=2),
    output.Column("once", right=True, drop=3),
    output.Column("pays after", right=True, drop=4),
    output.Column("confidence", drop=1),
    output.Column("counted"),
)


def advice(
    file: SpecFile = Path("deployer.yaml"),
    output_format: Output = Format.TABLE,
    samples: SamplesFile = None,
    load_seconds: Annotated[
        float | None,
        typer.Option(
            "--load-seconds",
            metavar="SECONDS",
            min=0,
            help="How long a replica takes to load, for spot machines.",
        ),
    ] = None,
    percentile: Annotated[
        int, typer.Option("--percentile", metavar="N", min=50, max=100, help="Of a replica's cpu.")
    ] = 95,
    headroom: Annotated[
        float, typer.Option("--headroom", metavar="PERCENT", min=0, help="On top of what is used.")
    ] = 20.0,
    interruptions: Annotated[
        float,
        typer.Option(
            "--interruptions",
            metavar="PERCENT",
            min=0,
            max=99,
            help="Spot machines taken away in a month.",
        ),
    ] = 20.0,
    fallback: Annotated[
        float,
        typer.Option(
            "--fallback",
            metavar="PERCENT",
            min=0,
            max=100,
            help="Time for which on-demand machines stand in.",
        ),
    ] = 5.0,
    timeout: Timeout = 5.0,
) -> None:
    """Say what could cost less, the most first.

    Smaller requests, spot machines, another region or cloud, targets nobody asks, models nobody
    needs. "saves" is what falls off the bill; "requests" what others on the cluster could use then.
    Of proposals that save of the same thing one is counted. Each says what would change it.

    Example: deployer report advice --samples samples.csv --load-seconds 20
    """
    from deployer.cli.reading import open_reader
    from deployer.wiring import open_upkeep

    rules = _read_rules(load_seconds, percentile, headroom, interruptions, fallback)
    reader = open_reader(file)
    show_advice(
        reader,
        output_format,
        rules,
        samples=samples,
        upkeep=open_upkeep(file),
        timeout_seconds=timeout,
    )


def show_advice(
    reader: "Reader",
    output_format: Format,
    rules: "Rules | None" = None,
    *,
    samples: Path | None = None,
    upkeep: "Upkeep | None" = None,
    timeout_seconds: float,
) -> None:
    """Look, consider, print."""
    from deployer.cli.advice import read_advice
    from deployer.cli.reading import look_at
    from deployer.report.advice_document import ADVICE_SCHEMA, describe_advice
    from deployer.report.cost import build_cost_report

    seen = look_at(reader, timeout_seconds=timeout_seconds)
    books = {target: provider.prices for target, provider in reader.providers.items()}
    now = reader.clock.now()
    cost = build_cost_report(seen.head, seen.bundles, books, seen.observations, now=now)
    built = read_advice(reader, seen, cost, samples=samples, rules=rules, upkeep=upkeep)
    if output_format is Format.JSON:
        output.print_json(ADVICE_SCHEMA, describe_advice(built))
    else:
        _print(built, wide=output_format is Format.WIDE)


def _read_rules(
    load_seconds: float | None, percentile: int, headroom: float, gone: float, fallback: float
) -> "Rules":
    from decimal import Decimal

    from deployer.cost.advice.advice import Rules

    def share(percent: float) -> Decimal:
        return Decimal(str(percent)) / 100

    load = None if load_seconds is None else Decimal(str(load_seconds))
    return Rules(percentile, share(headroom), share(gone), share(fallback), load)


def _print(built: "AdviceReport", *, wide: bool) -> None:
    typer.echo(_headline(built))
    if built.ranked:
        typer.echo()
        rows = [_cells(it) for it in built.ranked]
        footer = ["", "", "", f"{built.saving.amount:,.2f}", "", "", "", "", ""]
        output.print_table(_COLUMNS, rows, footer=footer, wide=wide)
    typer.echo()
    lines = [line for it in built.ranked for line in _explain(it)]
    if wide or not built.ranked:
        lines += [f"not {it.kind} of {it.target}: {it.reason}" for it in built.silent]
    elif built.silent:
        lines.append(f"not advised: {len(built.silent)} more, with reasons in -o wide")
    lines += [f"{url}: unknown: {reason}" for url, reason in built.unseen.items()]
    assumed = [f"  {assumption}" for assumption in built.assumptions]
    output.print_lines([*lines, "assumed:", *assumed], wide=wide)


def _headline(built: "AdviceReport") -> str:
    if not built.ranked:
        return f"{built.name}: nothing is advised"
    count = sum(it.counted for it in built.ranked)
    words = f"{built.saving.amount:,.2f} {built.saving.currency} a month could be saved"
    return f"{built.name}: {words} by {count} of {format_count(len(built.ranked), 'proposal')}"


def _cells(ranked: "Ranked") -> list[str]:
    it, days = ranked.advice, ranked.advice.break_even_days
    return [
        str(ranked.place),
        it.kind,
        it.target,
        f"{it.saving.amount:,.2f}",
        f"{it.allocated.amount:,.2f}" if it.allocated.amount else NOTHING,
        f"{it.one_off.amount:,.2f}" if it.one_off.amount else NOTHING,
        f"{days:,.1f} d" if days else NOTHING,
        it.confidence,
        _counted(ranked),
    ]


def _counted(ranked: "Ranked") -> str:
    if ranked.advice.blockers:
        return "blocked"
    return "yes" if ranked.instead_of is None else f"no: or {ranked.instead_of}"


def _explain(ranked: "Ranked") -> "Iterator[str]":
    it = ranked.advice
    yield f"{ranked.place}. {it.target}: {it.do}: {it.why}"
    for blocker in it.blockers:
        yield f"   blocked: {blocker}"
    if it.changes:
        yield f"   would change it: {'; '.join(it.changes)}"
