"""``deployer router status``: what a running router sees."""

from typing import TYPE_CHECKING, Annotated

import typer

from deployer.cli import output
from deployer.cli.cells import NOTHING
from deployer.cli.options import Format, Output, Timeout
from deployer.cli.router_pages import DEFAULT_URL, Address, Deployment, ask_router, path_of
from deployer.values import format_count

if TYPE_CHECKING:
    from deployer.values import Json

__all__ = ["router_status"]

_INTERVAL_SECONDS = 2.0
_CLEAR = "\x1b[H\x1b[J"
_BARS = " ▁▂▃▄▅▆▇█"
_SPARKS, _PER_SPARK = 15, 4
_COLUMNS = (
    output.Column("target"),
    output.Column("release", right=True),
    output.Column("state"),
    output.Column("since", drop=2),
    output.Column("weight", right=True, drop=3),
    output.Column("share", right=True),
    output.Column("requests", right=True, drop=1),
    output.Column("failures", right=True, drop=5),
    output.Column("in flight", right=True, drop=6),
    output.Column("p50", right=True, drop=5),
    output.Column("p99", right=True, drop=3),
    output.Column("errors", right=True),
    output.Column("last minute", drop=4),
)


def router_status(
    url: Address = DEFAULT_URL,
    output_format: Output = Format.TABLE,
    timeout: Timeout = 5.0,
    deployment: Deployment = "",
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Look again every 2 seconds, until Ctrl-C.")
    ] = False,
) -> None:
    """Show each backend as a running router sees it.

    Exits 0 when all are healthy, 1 when something is degraded, 3 when one is down or the router
    does not answer.

    Example: deployer router status --url http://127.0.0.1:8080
    """
    from deployer.providers.local.clock import SystemClock

    clock = SystemClock()
    while True:
        seen = _ask(url, timeout, path_of("status", deployment))
        if watch and output.is_terminal():
            typer.echo(_CLEAR, nl=False)
        _print(seen, output_format)
        if not watch:
            raise typer.Exit(_exit_code(seen))
        clock.sleep(_INTERVAL_SECONDS)


def _ask(url: str, timeout_seconds: float, page: str) -> "Json":
    from deployer.errors import TransientError

    try:
        return ask_router(url, page, schema=_schema(), timeout_seconds=timeout_seconds)
    except TransientError as error:
        output.print_error(error)
        raise typer.Exit(3) from error


def _schema() -> str:
    from deployer.routing.pages import SCHEMA

    return SCHEMA


def _print(seen: "Json", output_format: Format) -> None:
    if output_format is Format.JSON:
        output.print_json(_schema(), {key: seen[key] for key in seen if key != "schema"})
        return
    typer.echo(_headline(seen))
    typer.echo()
    rows = [_cells(backend) for backend in seen["backends"]]
    output.print_table(_COLUMNS, rows, wide=output_format is Format.WIDE)
    remarks = _remarks(seen)
    if remarks:
        typer.echo()
    for line in remarks:
        typer.echo(line)


def _headline(seen: "Json") -> str:
    routes, backends = seen["routes"], seen["backends"]
    if routes["epoch"] is None:
        return f"no routes yet: {routes['error'] or 'not read'}"
    healthy = sum(backend["state"] == "healthy" for backend in backends)
    age = "from its snapshot" if routes["age"] is None else f"{routes['age']:.0f} s ago"
    count = format_count(len(backends), "backend")
    return f"{routes['name']}: {healthy} of {count} healthy, routes confirmed {age}"


def _cells(backend: "Json") -> list[str]:
    first_byte = backend["first_byte_ms"]
    return [
        backend["target"],
        str(backend["release"]),
        backend["state"],
        NOTHING if backend["since"] is None else output.format_duration(backend["since"]),
        str(backend["weight"]),
        f"{backend['share']:.0%}",
        f"{backend['requests']:,}",
        f"{backend['failures']:,}",
        str(backend["in_flight"]),
        _milliseconds(first_byte["p50"]),
        _milliseconds(first_byte["p99"]),
        NOTHING if backend["error_rate"] is None else f"{backend['error_rate']:.2%}",
        _sparkline(backend["history"]["requests"]),
    ]


def _sparkline(counts: list[int]) -> str:
    """Return requests over the last minute, four seconds a character, the latest at the right."""
    padded = [0] * (_SPARKS * _PER_SPARK - len(counts)) + counts
    sums = [sum(padded[i : i + _PER_SPARK]) for i in range(0, len(padded), _PER_SPARK)]
    most = max(sums)
    return "".join(_BARS[-(-count * (len(_BARS) - 1) // most)] if count else " " for count in sums)


def _milliseconds(value: float | None) -> str:
    if value is None:
        return NOTHING
    return f"{value:.1f} ms" if value < 10 else f"{value:,.0f} ms"  # noqa: PLR2004 - as durations


def _remarks(seen: "Json") -> list[str]:
    troubled = [b for b in seen["backends"] if b["state"] != "healthy"]
    lines = [f"{_name(b, seen)}: {b['state']}: {b['reason']}{_trial(b)}" for b in troubled]
    lines += [f"{_name(b, seen)}: {b['why']}" for b in seen["backends"] if b.get("why")]
    lines += [_ordered(b, seen) for b in seen["backends"] if b["ordered_weight"] is not None]
    if seen["panic"]:
        lines.append("panic: nothing is usable, so requests go to what failed longest ago")
    if seen["routes"]["error"]:
        lines.append(f"routes: not followed: {seen['routes']['error']}")
    lines += _doors(seen)
    if seen["queued"]:
        lines.append(f"{format_count(seen['queued'], 'request')} wait for a free backend")
    return lines


def _name(backend: "Json", seen: "Json") -> str:
    """Return the target, and the release where it has more than one."""
    alone = sum(b["target"] == backend["target"] for b in seen["backends"]) == 1
    return str(backend["target"]) if alone else f"{backend['target']}/{backend['release']}"


def _doors(seen: "Json") -> list[str]:
    """Return what happened at the door, where the engine has one: who was not let in, copies."""
    turned = [f"{count:,} ({why})" for why, count in seen.get("turned_away", {}).items()]
    lines = [f"turned away: {', '.join(turned)}"] if turned else []
    for key, copies in seen.get("shadow", {}).items():
        fates = ", ".join(f"{count:,} {fate}" for fate, count in copies.items())
        lines.append(f"copies to {key}: {fates}")
    return lines


def _trial(backend: "Json") -> str:
    """Return when one request may try it, where it was ejected; probes may have more to say."""
    seconds = backend["ejected_for"]
    if seconds is None:
        return ""
    return f"; one request tries it in {seconds:.0f} s" if seconds else "; the next one may try it"


def _ordered(backend: "Json", seen: "Json") -> str:
    name, weight, routed = _name(backend, seen), backend["weight"], backend["routed_weight"]
    return (
        f"{name}: weight {weight} by order, {routed} by the routes; "
        f"deployer router restore {name} ends it"
    )


def _exit_code(seen: "Json") -> int:
    states = {backend["state"] for backend in seen["backends"] if backend["weight"]}
    if not states or states & {"down", "unknown"}:
        return 3
    return 1 if "degraded" in states else 0
