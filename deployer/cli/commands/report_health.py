"""``deployer report health``: is every target serving, and does it hold what is promised."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from deployer.cli import output
from deployer.cli.cells import format_ready
from deployer.cli.options import Format, Output, RouterUrl, SpecFile, Timeout
from deployer.values import format_count

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from deployer.cli.health import Sources
    from deployer.cli.reading import Reader
    from deployer.report.health import HealthReport, TargetHealth

__all__ = ["health", "show_health", "watch_health"]

_CLEAR = "\x1b[H\x1b[J"
_COLUMNS = (
    output.Column("target"),
    output.Column("verdict"),
    output.Column("release", right=True),
    output.Column("ready", right=True),
    output.Column("endpoint"),
    output.Column("seen", drop=1),
)


def health(
    file: SpecFile = Path("deployer.yaml"),
    output_format: Output = Format.TABLE,
    timeout: Timeout = 5.0,
    router: RouterUrl = None,
    samples: Annotated[
        Path | None,
        typer.Option("--samples", metavar="FILE", help="What report sample kept, for the slo."),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Look again and again, until Ctrl-C.")
    ] = False,
    every: Annotated[
        float, typer.Option("--every", metavar="SECONDS", min=0.5, help="With --watch: how often.")
    ] = 2.0,
) -> None:
    """Judge every target from its cluster, its endpoint and its store.

    The endpoint's certificate, the state's stores and the prices' age are looked at too. With slo
    in the spec and --samples, each target's error budget, and how fast it is spent, is shown.

    Exits 0 when all is healthy, 1 when something is degraded, 3 when a target is down or unknown.

    Example: deployer report health --samples samples.csv --router http://127.0.0.1:8080
    """
    from deployer.cli.health import Sources
    from deployer.cli.reading import open_reader, unknown_without_state

    session = open_reader(file)
    sources = Sources(timeout, router, samples)
    if watch:
        watch_health(session, output_format, sources, every_seconds=every)
    raise typer.Exit(unknown_without_state(lambda: show_health(session, output_format, sources)))


def watch_health(
    session: "Reader", output_format: Format, sources: "Sources", *, every_seconds: float
) -> NoReturn:
    """Look and print again and again, in place on a terminal, until interrupted."""
    from deployer.cli.reading import unknown_without_state

    while True:
        if output.is_terminal() and output_format is not Format.JSON:
            typer.echo(_CLEAR, nl=False)
        unknown_without_state(lambda: show_health(session, output_format, sources))
        session.clock.sleep(every_seconds)


def show_health(session: "Reader", output_format: Format, sources: "Sources") -> int:
    """Look, judge, print, and return the exit code."""
    from deployer.cli.health import judge_health
    from deployer.cli.reading import look_at
    from deployer.report.documents import HEALTH_SCHEMA, describe_health

    seen = look_at(session, timeout_seconds=sources.timeout_seconds)
    built = judge_health(session, seen, sources)
    if output_format is Format.JSON:
        output.print_json(HEALTH_SCHEMA, describe_health(built))
    else:
        _print(built, wide=output_format is Format.WIDE)
    return built.exit_code


def _print(built: "HealthReport", *, wide: bool) -> None:
    healthy = sum(target.state == "healthy" for target in built.targets)
    if not built.targets:
        typer.echo(f"{built.name}: nothing is deployed")
        return
    count = format_count(len(built.targets), "target")
    typer.echo(f"{built.name}: {built.state}, {healthy} of {count} healthy\n")
    rows = [_cells(target, built.at) for target in built.targets]
    output.print_table(_COLUMNS, rows, wide=wide)
    typer.echo()
    for target in built.targets:
        typer.echo(f"{target.target}: {_verdict(target)}: {target.reason}")
        for witness in target.evidence if wide else ():
            typer.echo(f"  {witness.source}: {witness.says}")
    for line in _promises(built):
        typer.echo(line)
    for witness in built.evidence:
        if wide or witness.sight != "good":
            typer.echo(f"{witness.source}: {witness.says}")


def _promises(built: "HealthReport") -> "Iterator[str]":
    """Yield what is held of each target's promise, and how fast its budget goes."""
    from deployer.report.promise import describe_burns, describe_goal

    for target in built.targets:
        for goal in target.goals:
            yield f"{target.target}: slo: {describe_goal(goal)}"
            if goal.burns:
                yield f"  burn rate: {describe_burns(goal)}"


def _verdict(target: "TargetHealth") -> str:
    if target.since_seconds is None:
        return target.state.value
    return f"{target.state} for {output.format_duration(target.since_seconds)}"


def _cells(target: "TargetHealth", now: "datetime") -> list[str]:
    return [
        target.target,
        target.state.value,
        "none" if target.live is None else str(target.live),
        format_ready(target.ready, target.replicas),
        _endpoint(target),
        output.format_age(target.seen, now),
    ]


def _endpoint(target: "TargetHealth") -> str:
    if target.probe_status is None or target.probe_seconds is None:
        return "unknown"
    return f"{target.probe_status} in {target.probe_seconds * 1000:.0f} ms"
