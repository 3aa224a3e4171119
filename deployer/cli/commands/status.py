"""``deployer status``: what is wanted, what is live, how it does."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from deployer.cli import output
from deployer.cli.cells import NOTHING, format_ready
from deployer.cli.options import Format, Output, SpecFile, Timeout
from deployer.values import format_count

if TYPE_CHECKING:
    from datetime import datetime

    from deployer.cli.reading import Reader
    from deployer.report.health import TargetHealth
    from deployer.report.status import Status, StatusRow

__all__ = ["show_status", "status", "watch_status"]

_INTERVAL_SECONDS = 2.0
_CLEAR = "\x1b[H\x1b[J"
_COLUMNS = (
    output.Column("target"),
    output.Column("release"),
    output.Column("ready", right=True),
    output.Column("weight", right=True, drop=2),
    output.Column("verdict"),
    output.Column("seen", drop=1),
    output.Column("label", drop=3),
)


def status(
    file: SpecFile = Path("deployer.yaml"),
    output_format: Output = Format.TABLE,
    timeout: Timeout = 5.0,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Look again every 2 seconds, until Ctrl-C.")
    ] = False,
) -> None:
    """Show what is live on every target, and how it does.

    Each target with its wanted and its live release, its health and how old that sight of it is.
    Exits 0 when all is healthy, 1 when something is degraded, 3 when a target is down or unknown.

    Example: deployer status -o json
    """
    from deployer.cli.reading import open_reader, unknown_without_state

    session = open_reader(file)
    if watch:
        watch_status(session, output_format, timeout_seconds=timeout)
    raise typer.Exit(
        unknown_without_state(lambda: show_status(session, output_format, timeout_seconds=timeout))
    )


def watch_status(session: "Reader", output_format: Format, *, timeout_seconds: float) -> NoReturn:
    """Look and print again and again, in place on a terminal, until interrupted."""
    from deployer.cli.reading import unknown_without_state

    while True:
        if output.is_terminal() and output_format is not Format.JSON:
            typer.echo(_CLEAR, nl=False)
        unknown_without_state(
            lambda: show_status(session, output_format, timeout_seconds=timeout_seconds)
        )
        session.clock.sleep(_INTERVAL_SECONDS)


def show_status(session: "Reader", output_format: Format, *, timeout_seconds: float) -> int:
    """Look, print, and return the exit code."""
    from deployer.cli.reading import look_at
    from deployer.report.documents import STATUS_SCHEMA, describe_status
    from deployer.report.status import build_status

    seen = look_at(session, timeout_seconds=timeout_seconds)
    built = build_status(
        seen.head,
        seen.bundles,
        seen.observations,
        now=session.clock.now(),
        routes=session.state.read_routes(),
    )
    if output_format is Format.JSON:
        output.print_json(STATUS_SCHEMA, describe_status(built))
    else:
        following = output.format_command("plan", session.spec.file)
        _print(built, following, wide=output_format is Format.WIDE)
    return built.health.exit_code


def _print(built: "Status", following: str, *, wide: bool) -> None:
    typer.echo(_headline(built))
    if built.rows:
        typer.echo()
        rows = [_cells(row, built.health.at) for row in built.rows]
        output.print_table(_COLUMNS, rows, wide=wide)
    remarks = _remarks(built, following)
    if built.rows and remarks:
        typer.echo()
    for line in remarks:
        typer.echo(line)


def _remarks(built: "Status", following: str) -> list[str]:
    troubled = [row.health for row in built.rows if row.health.state != "healthy"]
    lines = [f"{health.target}: {health.state}: {health.reason}" for health in troubled]
    under_way = f"under way: {built.run}" if built.run else ""
    canary = f"canary: {built.canary}" if built.canary else ""
    more = (under_way, canary, built.refused, _next(built, following))
    return [line for line in (*lines, *more) if line]


def _headline(built: "Status") -> str:
    if not built.rows:
        return f"{built.name}: nothing is deployed"
    releases = sorted({row.health.live for row in built.rows if row.health.live is not None})
    live = f"release {', '.join(map(str, releases))} live" if releases else "nothing is live"
    healthy = sum(row.health.state == "healthy" for row in built.rows)
    count = format_count(len(built.rows), "target")
    return f"{built.name}: {live}, healthy on {healthy} of {count}"


def _cells(row: "StatusRow", now: "datetime") -> list[str]:
    health = row.health
    return [
        health.target,
        _release(health),
        format_ready(health.ready, health.replicas),
        NOTHING if row.weight is None else f"{row.weight} %",
        health.state.value,
        output.format_age(health.seen, now),
        row.label or NOTHING,
    ]


def _release(health: "TargetHealth") -> str:
    live = "none" if health.live is None else str(health.live)
    if health.desired == health.live:
        return live
    return f"{live} ({'none' if health.desired is None else health.desired} wanted)"


def _next(built: "Status", following: str) -> str:
    if not built.rows:
        return f"Next: {following}"
    drifted = any(row.health.desired != row.health.live for row in built.rows)
    return f"Next: {following} shows what is missing" if drifted and not built.run else ""
