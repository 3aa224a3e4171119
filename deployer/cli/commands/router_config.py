"""``deployer router config``: an engine's configuration, for people who run their own."""

from enum import StrEnum
from typing import Annotated

import typer

from deployer.cli.commands.router_source import (
    Backends,
    Fast,
    Idempotent,
    Policy,
    ProbePath,
    Region,
    RoutesFile,
    RoutingBlock,
    SpecFile,
    choose_source,
    split_listen,
)
from deployer.cli.output import print_note
from deployer.errors import StateError

__all__ = ["EngineName", "WrittenEngine", "router_config"]


class EngineName(StrEnum):
    """What passes requests on."""

    EMBEDDED = "embedded"
    HAPROXY = "haproxy"
    ENVOY = "envoy"


class WrittenEngine(StrEnum):
    """Whose configuration can be written."""

    HAPROXY = "haproxy"
    ENVOY = "envoy"
    NGINX = "nginx"


def router_config(
    *,
    engine: Annotated[WrittenEngine, typer.Option("--engine", help="Whose configuration.")],
    spec: SpecFile = None,
    listen: Annotated[
        str, typer.Option("--listen", metavar="HOST:PORT", help="Where it shall listen.")
    ] = "127.0.0.1:8080",
    backend: Backends = None,
    policy: Policy = None,
    routing: RoutingBlock = None,
    region: Region = "",
    routes: RoutesFile = None,
    probe_path: ProbePath = None,
    fast: Fast = False,
    idempotent: Idempotent = False,
) -> None:
    """Print what makes HAProxy, Envoy or nginx obey our policy.

    What the engine does differently is said on stderr; what it can't do at all is refused.

    Example: deployer router config --engine haproxy --backend a=http://10.0.0.1:9000
    """
    from deployer.routing.capabilities import Engine, check_orders, find_differences
    from deployer.routing.conduct import make_conduct
    from deployer.routing.endpoints import Resolver
    from deployer.routing.engines.build import render_engine
    from deployer.routing.placing import flatten_shares, place_backends
    from deployer.routing.plane import Orders

    host, port = split_listen(listen)
    read = choose_source(spec, routes, backend or [], policy, routing)()
    conduct = make_conduct(
        read.settings, fast=fast, idempotent=idempotent or None, probe_path=probe_path
    )
    backends = flatten_shares(place_backends(read.settings, read.backends, region))
    orders = Orders(conduct, Resolver().make_endpoints(backends))
    check_orders(Engine(engine.value), orders)
    lost = [endpoint.host for endpoint in orders.endpoints if not endpoint.address]
    if lost:
        raise StateError(
            f"{', '.join(lost)} can't be resolved, and {engine} is given addresses",
            hint="Run this where the names are known.",
        )
    typer.echo(render_engine(Engine(engine.value), orders, host=host, port=port), nl=False)
    for line in find_differences(Engine(engine.value), orders):
        print_note(f"{engine}: {line}")
