"""``deployer history``: the releases there were, and one of them in full."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployer.cli import output
from deployer.cli.cells import NOTHING
from deployer.cli.options import Format, Output, SpecFile
from deployer.values import format_count

if TYPE_CHECKING:
    from datetime import datetime

    from deployer.cli.reading import Reader
    from deployer.release.records import Bundle, PriceRecord, TargetBundle
    from deployer.report.history import HistoryRow

__all__ = ["history", "list_history", "show", "show_history", "show_release"]

history = typer.Typer(invoke_without_command=True)

_COLUMNS = (
    output.Column("release", right=True),
    output.Column("created", drop=1),
    output.Column("by", drop=4),
    output.Column("artifact", drop=3),
    output.Column("label", drop=2),
    output.Column("state"),
    output.Column("live on"),
)
_TARGET_COLUMNS = (
    output.Column("target"),
    output.Column("place"),
    output.Column("namespace", drop=3),
    output.Column("workload"),
    output.Column("replicas", right=True),
    output.Column("each asks for", drop=1),
    output.Column("machine", drop=2),
    output.Column("hourly", right=True, drop=2),
)

_Last = Annotated[int, typer.Option("--last", "-n", metavar="N", min=1, help="How many, at most.")]


@history.callback()
def list_history(
    ctx: typer.Context,
    file: SpecFile = Path("deployer.yaml"),
    output_format: Output = Format.TABLE,
    last: _Last = 20,
) -> None:
    """List the releases, newest first, and what became of each.

    Example: deployer history
    """
    if ctx.invoked_subcommand is not None:
        return
    from deployer.cli.reading import open_reader

    show_history(open_reader(file), output_format, last=last)


@history.command("show")
def show(
    number: Annotated[int, typer.Argument(metavar="N", help="The release.")],
    file: SpecFile = Path("deployer.yaml"),
    output_format: Output = Format.TABLE,
) -> None:
    """Show one release in full.

    What it is, what was found out about it, and every target's part.

    Example: deployer history show 42
    """
    from deployer.cli.reading import open_reader

    show_release(open_reader(file), number, output_format)


def show_history(session: "Reader", output_format: Format, *, last: int) -> None:
    """Print the newest ``last`` releases."""
    from deployer.cli.reading import read_releases
    from deployer.release.records import Head
    from deployer.report.documents import HISTORY_SCHEMA, describe_history
    from deployer.report.history import build_history

    head = session.state.read_head() or Head(name=session.spec.name)
    numbers = session.state.list_releases()
    bundles = read_releases(session, numbers[-last:]).values()
    rows = build_history(head, bundles, session.state.read_routes())
    if output_format is Format.JSON:
        output.print_json(HISTORY_SCHEMA, describe_history(head.name, rows))
        return
    older = len(numbers) - len(rows)
    if not rows:
        following = output.format_command("plan", session.spec.file)
        typer.echo(f"{head.name}: no release yet\nNext: {following}")
        return
    _print_history(head.name, rows, older, session.clock.now(), wide=output_format is Format.WIDE)


def show_release(session: "Reader", number: int, output_format: Format) -> None:
    """Print one release.

    Raises:
        NotFoundError: There is no such release.
    """
    from deployer.release.records import Head
    from deployer.report.documents import RELEASE_SCHEMA, describe_release
    from deployer.report.history import build_history

    bundle = session.state.read_release(number)
    head = session.state.read_head() or Head(name=session.spec.name)
    (row,) = build_history(head, [bundle], session.state.read_routes())
    if output_format is Format.JSON:
        output.print_json(RELEASE_SCHEMA, describe_release(row, bundle))
    else:
        _print_release(row, bundle, session.clock.now(), wide=output_format is Format.WIDE)


def _print_history(
    name: str, rows: "tuple[HistoryRow, ...]", older: int, now: "datetime", *, wide: bool
) -> None:
    shown = f"the last {len(rows)} releases of {len(rows) + older}" if older else "every release"
    typer.echo(f"{name}: {shown}, newest first\n")
    output.print_table(_COLUMNS, [_cells(row, now, wide=wide) for row in rows], wide=wide)
    refused = [row for row in rows if row.reason]
    sharing = [row for row in rows if row.share]
    if refused or sharing:
        typer.echo()
    for row in sharing:
        typer.echo(f"release {row.number} is a canary: {row.share}")
    for row in refused:
        typer.echo(f"release {row.number} is quarantined: {row.reason}")


def _cells(row: "HistoryRow", now: "datetime", *, wide: bool) -> list[str]:
    return [
        str(row.number),
        output.format_age(row.created, now),
        row.by,
        str(row.artifact) if wide else row.artifact.short,
        row.label or NOTHING,
        row.state.value,
        ", ".join(row.live_on) or NOTHING,
    ]


def _print_release(row: "HistoryRow", bundle: "Bundle", now: "datetime", *, wide: bool) -> None:
    where = f" on {', '.join(row.live_on)}" if row.live_on else ""
    if where and row.state.value != "live":
        where = f", live{where}"
    typer.echo(f"{bundle.name}: release {row.number}, {row.state}{where}\n")
    for title, text in _facts(row, bundle, now):
        if text:
            typer.echo(f"{title:<12}{text}")
    typer.echo()
    cells = [_target_cells(part) for part in bundle.targets]
    output.print_table(_TARGET_COLUMNS, cells, wide=wide)


def _facts(row: "HistoryRow", bundle: "Bundle", now: "datetime") -> list[tuple[str, str]]:
    size = f"{output.format_bytes(row.size)} in {format_count(bundle.artifact.files, 'file')}"
    return [
        ("created", f"{output.format_age(row.created, now)} by {row.by} with {bundle.tool}"),
        ("label", row.label),
        ("artifact", f"{row.artifact}, {size}"),
        ("content", bundle.content),
        ("verified", output.format_age(row.verified, now)),
        ("canary", row.share),
        ("quarantined", row.reason),
        *[(f"  {name}", verdict) for name, verdict in sorted(row.verdicts.items())],
    ]


def _target_cells(part: "TargetBundle") -> list[str]:
    gpus = f", {part.gpu} gpu" if part.gpu else ""
    return [
        part.target,
        f"{part.cloud} {part.region}".strip(),
        part.namespace,
        part.workload,
        str(part.replicas),
        f"{part.cpu} cpu, {part.memory}{gpus}",
        part.machine or NOTHING,
        _hourly(part.price),
    ]


def _hourly(price: "PriceRecord | None") -> str:
    if price is None or price.amount is None:
        return "unknown"
    return f"{price.amount:f} {price.currency}"
