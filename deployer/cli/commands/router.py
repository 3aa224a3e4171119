"""``deployer router``: send predictions to healthy targets."""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deployer.cli.commands.router_events import router_events
from deployer.cli.commands.router_orders import TOKEN_VARIABLE, drain, eject, restore, weight
from deployer.cli.commands.router_status import router_status
from deployer.cli.output import print_note
from deployer.errors import SetupError, SourceError

if TYPE_CHECKING:
    from deployer.release.records import Routes
    from deployer.routing.router import Router

__all__ = ["router", "serve"]

_SHORTEST_TOKEN = 16

router = typer.Typer(
    help="Send prediction traffic to healthy targets.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


router.command("status")(router_status)
router.command("events")(router_events)
router.command("drain")(drain)
router.command("eject")(eject)
router.command("restore")(restore)
router.command("weight")(weight)


class _Policy(StrEnum):
    """What backends of the command line can be chosen by; cost needs a spec's price book."""

    WEIGHTED = "weighted"
    LATENCY = "latency"
    PRIORITY = "priority"


@router.command("serve")
def serve(
    *,
    spec: Annotated[
        Path | None, typer.Option("--file", "-f", metavar="FILE", help="The spec.")
    ] = None,
    listen: Annotated[
        str, typer.Option("--listen", metavar="HOST:PORT", help="Where to listen.")
    ] = "127.0.0.1:8080",
    backend: Annotated[
        list[str] | None,
        typer.Option(
            "--backend",
            metavar="NAME=URL[,weight=N][,tier=N]",
            help="A backend; needs no spec. Repeatable.",
        ),
    ] = None,
    policy: Annotated[
        _Policy | None,
        typer.Option("--policy", help="How to choose among --backend; weighted when left out."),
    ] = None,
    routes: Annotated[
        Path | None,
        typer.Option("--routes", metavar="FILE", help="A routes.json to follow; needs no spec."),
    ] = None,
    snapshot: Annotated[
        Path | None,
        typer.Option(
            "--snapshot",
            metavar="FILE",
            help="Keep the last good routes here, for a start while the state can't be read.",
        ),
    ] = None,
    probe_path: Annotated[
        str | None,
        typer.Option(
            "--probe-path", metavar="PATH", help="Probe this instead of the routes' path."
        ),
    ] = None,
    fast: Annotated[
        bool, typer.Option("--fast", help="Probe every second; down after two failures.")
    ] = False,
    idempotent: Annotated[
        bool,
        typer.Option("--idempotent", help="A request may be sent twice, whatever its method."),
    ] = False,
    access_log: Annotated[
        bool, typer.Option("--access-log", help="Write a JSON line per request to stderr.")
    ] = False,
    event_log: Annotated[
        Path | None,
        typer.Option("--event-log", metavar="FILE", help="Append each event, a JSON line, here."),
    ] = None,
    admin: Annotated[
        str | None,
        typer.Option(
            "--admin",
            metavar="PATH|HOST:PORT",
            envvar="DEPLOYER_ROUTER_ADMIN",
            help=f"Take orders here: a socket, or a loopback port with {TOKEN_VARIABLE}.",
        ),
    ] = None,
    drain_seconds: Annotated[
        float,
        typer.Option(
            "--drain", metavar="SECONDS", min=0, help="How long to wait for requests when stopped."
        ),
    ] = 30.0,
) -> None:
    """Serve until SIGTERM or SIGINT; then finish what is under way.

    Reads the routes that deploy and rollback record, every second: a change reaches it without a
    restart. /-/ shows what it sees, /-/status says it in JSON, /-/metrics for Prometheus.

    Example: deployer router serve --backend aws=http://127.0.0.1:9101,weight=60
    --backend gcp=http://127.0.0.1:9102,weight=40 --probe-path /health --fast
    """
    import asyncio
    import sys

    from deployer.providers.local.clock import SystemClock
    from deployer.routing.router import Router, RouterOptions

    host, port = _split_listen(listen)
    plane = Router(
        _choose_source(spec, routes, backend or [], policy),
        clock=SystemClock(),
        options=RouterOptions(
            host=host,
            port=port,
            fast=fast,
            snapshot=snapshot,
            drain_seconds=drain_seconds,
            event_log=event_log,
            **_read_admin(admin),
            probe_path=probe_path,
            idempotent=True if idempotent else None,
        ),
        access_log=sys.stderr if access_log else None,
    )
    asyncio.run(_serve(plane))


async def _serve(plane: "Router") -> None:
    import asyncio
    import signal

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await plane.run(stop, ready=lambda: print_note(f"router: listening on {plane.url}"))


def _choose_source(
    spec: Path | None, routes: Path | None, backends: list[str], policy: _Policy | None
) -> "Callable[[], Routes]":
    given = [spec is not None, routes is not None, bool(backends)]
    if sum(given) > 1:
        raise SourceError("only one of --file, --routes and --backend can say where to send")
    if backends:
        return _fixed_source(backends, policy or _Policy.WEIGHTED)
    if policy is not None:
        raise SourceError(
            "--policy is for --backend; a spec and its routes say their own",
            hint="Write  routing: {policy: …}  in the spec.",
        )
    if routes is not None:
        from deployer.routing.last_known import load_routes

        return lambda: load_routes(routes)
    from deployer.spec import load_spec
    from deployer.wiring import open_routes

    return open_routes(load_spec(spec or Path("deployer.yaml")))


def _fixed_source(backends: list[str], policy: _Policy) -> "Callable[[], Routes]":
    from deployer.providers.local.clock import SystemClock
    from deployer.release.records import RouteSettings
    from deployer.routing.static import make_routes, parse_backend

    fixed = make_routes(
        [parse_backend(text) for text in backends],
        settings=RouteSettings(policy=policy),
        now=SystemClock().now(),
    )
    return lambda: fixed


def _read_admin(text: str | None) -> dict[str, Any]:
    import os

    from deployer.routing.admin_address import parse_admin_address

    if text is None:
        return {}
    address, token = parse_admin_address(text), os.environ.get(TOKEN_VARIABLE, "")
    if address.path is None and len(token) < _SHORTEST_TOKEN:
        raise SetupError(
            f"orders at {address} need a token of at least {_SHORTEST_TOKEN} characters",
            hint=f"Set {TOKEN_VARIABLE}, or give --admin the path of a socket.",
        )
    return {"admin": address, "token": token}


def _split_listen(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    if not (host and port.isdecimal() and int(port) < 1 << 16):
        raise SourceError(f"{listen!r} is no address to listen on", hint="Write HOST:PORT.")
    return host.strip("[]"), int(port)
