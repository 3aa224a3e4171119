"""``deployer router events``: what happened at a running router, with cause and effect."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from deployer.cli import output
from deployer.cli.options import Format, Output, Timeout
from deployer.cli.router_pages import DEFAULT_URL, Address, ask_router
from deployer.errors import TransientError

if TYPE_CHECKING:
    from deployer.values import Json

__all__ = ["router_events"]

_INTERVAL_SECONDS = 1.0


def router_events(
    url: Address = DEFAULT_URL,
    output_format: Output = Format.TABLE,
    timeout: Timeout = 5.0,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what happens, until Ctrl-C.")
    ] = False,
) -> None:
    """Show what changed at a running router, why, and to what effect.

    The router keeps the last 1000 events; with `serve --event-log FILE` all are in the file.

    Example: deployer router events --follow
    """
    from deployer.routing.pages import EVENTS_SCHEMA

    page = ask_router(url, "/-/events", schema=EVENTS_SCHEMA, timeout_seconds=timeout)
    if not follow and output_format is Format.JSON:
        output.print_json(EVENTS_SCHEMA, {key: page[key] for key in page if key != "schema"})
        return
    _print_all(page["events"], output_format)
    if follow:
        _follow(url, timeout, page, output_format)


def _follow(url: str, timeout: float, page: "Json", output_format: Format) -> None:
    from deployer.providers.local.clock import SystemClock
    from deployer.routing.pages import EVENTS_SCHEMA

    boot, last, away = page["boot"], _last(page, 0), False
    clock = SystemClock()
    while True:
        clock.sleep(_INTERVAL_SECONDS)
        try:
            path = f"/-/events?after={last}"
            page = ask_router(url, path, schema=EVENTS_SCHEMA, timeout_seconds=timeout)
        except TransientError as error:
            if not away:
                output.print_note(f"{error.message}; trying again")
            away = True
            continue
        away = False
        if page["boot"] != boot:
            output.print_note("the router was started again")
            boot, last = page["boot"], 0
            continue
        _print_all(page["events"], output_format)
        last = _last(page, last)


def _last(page: "Json", before: int) -> int:
    return int(page["events"][-1]["seq"]) if page["events"] else before


def _print_all(events: "list[Json]", output_format: Format) -> None:
    for event in events:
        if output_format is Format.JSON:
            typer.echo(json.dumps(event, ensure_ascii=False))
        else:
            _print(event)


def _print(event: "Json") -> None:
    cause = f" ({event['cause']})" if event["cause"] else ""
    at = event["at"][:19].replace("T", " ") + "Z"
    typer.echo(f"{at}  {event['subject']}: {event['change']}{cause}")
    if event["effect"]:
        typer.echo(f"{' ' * len(at)}  {event['effect']}")
