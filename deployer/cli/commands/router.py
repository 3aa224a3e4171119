"""``deployer router``: send predictions to healthy targets."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from deployer.cli.commands.router_config import EngineName, router_config
from deployer.cli.commands.router_source import (
    Backends,
    RoutesFile,
    SpecFile,
    choose_source,
    split_listen,
)
from deployer.cli.commands.router_status import router_status
from deployer.cli.output import print_note
from deployer.errors import SourceError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from deployer.release.records import Routes
    from deployer.routing.router import RouterOptions

__all__ = ["router", "serve"]

router = typer.Typer(
    help="Send prediction traffic to healthy targets.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


router.command("status")(router_status)
router.command("config")(router_config)


@router.command("serve")
def serve(
    *,
    spec: SpecFile = None,
    listen: Annotated[
        str, typer.Option("--listen", metavar="HOST:PORT", help="Where to listen.")
    ] = "127.0.0.1:8080",
    backend: Backends = None,
    routes: RoutesFile = None,
    engine: Annotated[
        EngineName, typer.Option("--engine", help="What passes the requests on.")
    ] = EngineName.EMBEDDED,
    engine_binary: Annotated[
        Path | None,
        typer.Option(
            "--engine-binary", metavar="FILE", help="The engine's program; else PATH, then PyPI."
        ),
    ] = None,
    run_dir: Annotated[
        Path | None,
        typer.Option("--run-dir", metavar="FOLDER", help="The engine's files and sockets."),
    ] = None,
    threads: Annotated[
        int,
        typer.Option("--threads", min=0, help="The engine's threads; 0 is one per processor."),
    ] = 0,
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
    drain: Annotated[
        float,
        typer.Option(
            "--drain", metavar="SECONDS", min=0, help="How long to wait for requests when stopped."
        ),
    ] = 30.0,
) -> None:
    """Serve until SIGTERM or SIGINT; then finish what is under way.

    Reads the routes that deploy and rollback record, every second: a change reaches it without a
    restart. /-/targets tells what it sees, /-/metrics the same for Prometheus. HAProxy and Envoy
    go on serving when this process is killed, and are taken over when it is started again.

    Example: deployer router serve --listen 0.0.0.0:8080 --snapshot routes.json
    """
    import asyncio

    from deployer.routing.router import RouterOptions

    host, port = split_listen(listen)
    options = RouterOptions(
        host=host,
        port=port,
        fast=fast,
        snapshot=snapshot,
        drain_seconds=drain,
        probe_path=probe_path,
        idempotent=True if idempotent else None,
    )
    source = choose_source(spec, routes, backend or [])
    if engine is EngineName.EMBEDDED:
        plane = _embedded(source, options, access_log=access_log)
    elif access_log:
        raise SourceError(
            f"--access-log is the embedded engine's; {engine} writes none for us",
            hint=f"Leave it out, or configure {engine}'s own: deployer router config.",
        )
    else:
        plane = _steered(source, options, engine, engine_binary, run_dir, threads)
    asyncio.run(_serve(plane))


class _Plane(Protocol):
    @property
    def url(self) -> str: ...

    async def run(
        self, stop: "asyncio.Event", *, ready: "Callable[[], None] | None" = None
    ) -> None: ...


def _embedded(
    source: "Callable[[], Routes]", options: "RouterOptions", *, access_log: bool
) -> _Plane:
    import sys

    from deployer.providers.local.clock import SystemClock
    from deployer.routing.router import Router

    log = sys.stderr if access_log else None
    return Router(source, clock=SystemClock(), options=options, access_log=log)


def _steered(
    source: "Callable[[], Routes]",
    options: "RouterOptions",
    engine: EngineName,
    binary: Path | None,
    folder: Path | None,
    threads: int,
) -> _Plane:
    from deployer.providers.local.clock import SystemClock
    from deployer.routing.capabilities import Engine
    from deployer.routing.engines.build import build_plane
    from deployer.routing.engines.router import EngineRouter

    plane, place = build_plane(
        Engine(engine.value),
        host=options.host,
        port=options.port,
        clock=SystemClock(),
        folder=folder,
        binary=binary,
        threads=threads,
    )
    return EngineRouter(source, plane, folder=place, options=options)


async def _serve(plane: _Plane) -> None:
    import asyncio
    import signal

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await plane.run(stop, ready=lambda: print_note(f"router: listening on {plane.url}"))
