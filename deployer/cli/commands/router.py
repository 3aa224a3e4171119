"""``deployer router``: send predictions to healthy targets."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

from deployer.cli.commands.router_config import EngineName, router_config
from deployer.cli.commands.router_dns import router_dns
from deployer.cli.commands.router_events import router_events
from deployer.cli.commands.router_key import router_key
from deployer.cli.commands.router_orders import TOKEN_VARIABLE, drain, eject, restore, weight
from deployer.cli.commands.router_render import router_render
from deployer.cli.commands.router_route import router_route
from deployer.cli.commands.router_source import (
    Backends,
    Fast,
    Idempotent,
    Policy,
    ProbePath,
    Region,
    RoutesFiles,
    RoutingBlock,
    SpecFiles,
    choose_sources,
    read_workers,
    split_listen,
)
from deployer.cli.commands.router_status import router_status
from deployer.cli.commands.router_tls import (
    BackendCa,
    BackendCert,
    BackendKey,
    ClientCa,
    TlsCerts,
    TlsKeys,
    read_tls,
)
from deployer.cli.output import print_note
from deployer.errors import SetupError, SourceError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from deployer.release.records import Routes
    from deployer.routing.router import RouterOptions

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
router.command("config")(router_config)
router.command("route")(router_route)
router.command("dns")(router_dns)
router.command("render")(router_render)
router.command("key")(router_key)


@router.command("serve")
def serve(
    *,
    spec: SpecFiles = None,
    listen: Annotated[
        str, typer.Option("--listen", metavar="HOST:PORT", help="Where to listen.")
    ] = "127.0.0.1:8080",
    backend: Backends = None,
    policy: Policy = None,
    routing: RoutingBlock = None,
    region: Region = "",
    routes: RoutesFiles = None,
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
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers", min=1, help="Processes of the embedded engine; the spec's when left out."
        ),
    ] = None,
    snapshot: Annotated[
        Path | None,
        typer.Option(
            "--snapshot",
            metavar="FILE",
            help="Keep the last good routes here, for a start while the state can't be read.",
        ),
    ] = None,
    probe_path: ProbePath = None,
    fast: Fast = False,
    idempotent: Idempotent = False,
    access_log: Annotated[
        bool, typer.Option("--access-log", help="Write a JSON line per request to stderr.")
    ] = False,
    event_log: Annotated[
        Path | None,
        typer.Option("--event-log", metavar="FILE", help="Append each event, a JSON line, here."),
    ] = None,
    traces: Annotated[
        str | None,
        typer.Option(
            "--traces",
            metavar="URL",
            envvar="OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            help="Send a span per request to this collector (OTLP/HTTP): http://…/v1/traces.",
        ),
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
    tls_cert: TlsCerts = None,
    tls_key: TlsKeys = None,
    client_ca: ClientCa = None,
    backend_ca: BackendCa = None,
    backend_cert: BackendCert = None,
    backend_key: BackendKey = None,
    drain_seconds: Annotated[
        float,
        typer.Option(
            "--drain", metavar="SECONDS", min=0, help="How long to wait for requests when stopped."
        ),
    ] = 30.0,
) -> None:
    """Serve until SIGTERM or SIGINT; then finish what is under way.

    Reads the routes that deploy and rollback record, every second: a change reaches it without a
    restart. /-/ shows what it sees, /-/status says it in JSON, /-/metrics for Prometheus. HAProxy
    and Envoy go on serving when this process is killed, and are taken over when it starts again.

    Example: deployer router serve --backend aws=http://127.0.0.1:9101,weight=60
    --backend gcp=http://127.0.0.1:9102,weight=40 --probe-path /health --fast
    """
    from deployer.routing.direct_loop import run_main
    from deployer.routing.router import RouterOptions

    host, port = split_listen(listen)
    tls = read_tls(tls_cert or [], tls_key or [], client_ca, backend_ca, backend_cert, backend_key)
    options = RouterOptions(
        **tls,
        host=host,
        port=port,
        fast=fast,
        snapshot=snapshot,
        drain_seconds=drain_seconds,
        event_log=event_log,
        **_read_admin(admin),
        **_read_traces(traces),
        probe_path=probe_path,
        idempotent=True if idempotent else None,
        region=region,
    )
    source, *others = choose_sources(spec or [], routes or [], backend or [], policy, routing)
    count = workers or read_workers(spec or [], routes or [], backend or [], routing)
    if engine is EngineName.EMBEDDED:
        plane = _embedded([source, *others], options, count, access_log=access_log)
    elif tls:
        raise SourceError(
            f"TLS options are the embedded engine's; {engine} takes none from us",
            hint=f"Leave them out, or configure {engine}'s own: deployer router config.",
        )
    elif count > 1:
        raise SourceError(
            f"{count} workers are the embedded engine's; {engine} has threads",
            hint="Write --threads instead, and --workers 1 where the spec asks for workers.",
        )
    elif others:
        raise SourceError(
            f"several deployments are the embedded engine's; {engine} serves one",
            hint="Leave --engine out, or start one router for each.",
        )
    elif access_log:
        raise SourceError(
            f"--access-log is the embedded engine's; {engine} writes none for us",
            hint=f"Leave it out, or configure {engine}'s own: deployer router config.",
        )
    elif traces is not None:
        raise SourceError(
            f"--traces is the embedded engine's; {engine} sends no spans for us",
            hint=f"Leave it out, or configure {engine}'s own: deployer router config.",
        )
    elif admin is not None:
        raise SourceError(
            f"--admin is the embedded engine's; {engine} takes no orders from us",
            hint="Leave it out, or change the weights in the routes.",
        )
    else:
        plane = _steered(source, options, engine, engine_binary, run_dir, threads)
    run_main(_serve(plane))


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


def _read_traces(url: str | None) -> dict[str, Any]:
    from functools import partial

    from deployer.outlets import open_spans

    return {} if url is None else {"open_spans": partial(open_spans, url)}


class _Plane(Protocol):
    @property
    def url(self) -> str: ...

    async def run(
        self, stop: "asyncio.Event", *, ready: "Callable[[], None] | None" = None
    ) -> None: ...


def _embedded(
    sources: "list[Callable[[], Routes]]",
    options: "RouterOptions",
    workers: int,
    *,
    access_log: bool,
) -> _Plane:
    import sys

    from deployer.providers.local.clock import SystemClock
    from deployer.routing.router import Router

    if workers > 1:
        from deployer.routing.workers.crew import Crew

        clock = SystemClock()
        return Crew(*sources, workers=workers, clock=clock, options=options, access_log=access_log)
    log = sys.stderr.buffer if access_log else None
    return Router(*sources, clock=SystemClock(), options=options, access_log=log)


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

    clock = SystemClock()
    plane, place = build_plane(
        Engine(engine.value),
        host=options.host,
        port=options.port,
        clock=clock,
        folder=folder,
        binary=binary,
        threads=threads,
    )
    return EngineRouter(source, plane, folder=place, clock=clock, options=options)


async def _serve(plane: _Plane) -> None:
    import asyncio
    import signal

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await plane.run(stop, ready=lambda: print_note(f"router: listening on {plane.url}"))
