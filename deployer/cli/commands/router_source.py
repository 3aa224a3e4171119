"""Where a router's routes come from, as the command line says it."""

from collections.abc import Callable
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployer.errors import SourceError

if TYPE_CHECKING:
    from deployer.release.records import Routes, RouteSettings

__all__ = [
    "Backends",
    "Fast",
    "Idempotent",
    "Policy",
    "PolicyName",
    "ProbePath",
    "Region",
    "RoutesFile",
    "RoutesFiles",
    "RoutingBlock",
    "SpecFile",
    "SpecFiles",
    "choose_source",
    "choose_sources",
    "read_workers",
    "split_listen",
]

SpecFile = Annotated[Path | None, typer.Option("--file", "-f", metavar="FILE", help="The spec.")]
SpecFiles = Annotated[
    list[Path] | None,
    typer.Option("--file", "-f", metavar="FILE", help="The spec; repeatable."),
]
Backends = Annotated[
    list[str] | None,
    typer.Option(
        "--backend",
        metavar="NAME[@RELEASE]=URL[,weight=N][,…]",
        help="A backend, with weight, tier, share, region or shadow; needs no spec. Repeatable.",
    ),
]
RoutesFile = Annotated[
    Path | None,
    typer.Option("--routes", metavar="FILE", help="A routes.json to follow; needs no spec."),
]
RoutesFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--routes", metavar="FILE", help="A routes.json to follow; needs no spec. Repeatable."
    ),
]
RoutingBlock = Annotated[
    Path | None,
    typer.Option("--routing", metavar="FILE", help="A spec's routing block, for --backend."),
]
Region = Annotated[
    str,
    typer.Option("--region", metavar="REGION", help="Where the router is, for policy region."),
]
ProbePath = Annotated[
    str | None,
    typer.Option("--probe-path", metavar="PATH", help="Probe this instead of the routes' path."),
]
Fast = Annotated[bool, typer.Option("--fast", help="Probe every second; down after two failures.")]
Idempotent = Annotated[
    bool, typer.Option("--idempotent", help="A request may be sent twice, whatever its method.")
]


_SPEC = Path("deployer.yaml")


class PolicyName(StrEnum):
    """What backends of the command line can be chosen by; cost needs a spec's price book."""

    WEIGHTED = "weighted"
    LATENCY = "latency"
    PRIORITY = "priority"
    REGION = "region"


Policy = Annotated[
    PolicyName | None,
    typer.Option("--policy", help="How to choose among --backend; weighted when left out."),
]


def choose_sources(
    specs: list[Path],
    routes: list[Path],
    backends: list[str],
    policy: PolicyName | None,
    routing: Path | None,
) -> "list[Callable[[], Routes]]":
    """Return what reads the routes of each deployment; at least one.

    Raises:
        SourceError: More than one kind of source was given, a backend is not written as one, or a
            policy stands where the routes have their own.
        SpecError: A spec or a routing block is wrong.
    """
    if sum(map(bool, (specs, routes, backends))) > 1:
        raise SourceError("only one of --file, --routes and --backend can say where to send")
    if backends:
        return [_fixed_source(backends, policy, routing)]
    if policy is not None or routing is not None:
        raise SourceError(
            "--policy and --routing are for --backend; a spec and its routes say their own",
            hint="Write  routing: {policy: …}  in the spec.",
        )
    if routes:
        from deployer.routing.last_known import load_routes

        return [partial(load_routes, file) for file in routes]
    from deployer.spec import load_spec
    from deployer.wiring import open_routes

    return [open_routes(load_spec(file)) for file in specs or [_SPEC]]


def choose_source(
    spec: Path | None,
    routes: Path | None,
    backends: list[str],
    policy: PolicyName | None,
    routing: Path | None = None,
) -> "Callable[[], Routes]":
    """Return what reads the routes of the one deployment that is meant; see `choose_sources`."""
    specs, files = [spec] if spec else [], [routes] if routes else []
    [source] = choose_sources(specs, files, backends, policy, routing)
    return source


def read_workers(
    specs: list[Path], routes: list[Path], backends: list[str], routing: Path | None
) -> int:
    """Return how many processes the specs, or the routing block, ask for; the most of them.

    A file of routes asks for none: what is recorded is followed, and a router's processes are not
    changed while it runs.

    Raises:
        SourceError: A backend is not written as one.
        SpecError: A spec or a routing block is wrong.
    """
    from deployer.routing.static import parse_backend
    from deployer.spec import load_routing, load_spec

    files = specs or ([] if routes or backends else [_SPEC])
    asked = [load_spec(file).routing.workers for file in files]
    if routing is not None:
        names = [parse_backend(text).target for text in backends]
        asked.append(load_routing(routing, names).workers)
    return max(asked, default=1)


def split_listen(listen: str) -> tuple[str, int]:
    """Return host and port of ``HOST:PORT``.

    Raises:
        SourceError: It is not written like that.
    """
    host, _, port = listen.rpartition(":")
    if not (host and port.isdecimal() and int(port) < 1 << 16):
        raise SourceError(f"{listen!r} is no address to listen on", hint="Write HOST:PORT.")
    return host.strip("[]"), int(port)


def _fixed_source(
    texts: list[str], policy: PolicyName | None, routing: Path | None
) -> "Callable[[], Routes]":
    from deployer.providers.local.clock import SystemClock
    from deployer.release.records import RouteSettings
    from deployer.routing.static import make_routes, parse_backend

    backends = [parse_backend(text) for text in texts]
    if routing is None:
        settings = RouteSettings(policy=policy or PolicyName.WEIGHTED)
    elif policy is None:
        settings = _read_settings(routing, [backend.target for backend in backends])
    else:
        raise SourceError("--routing says the policy; leave --policy out")
    fixed = make_routes(backends, settings=settings, now=SystemClock().now())
    return lambda: fixed


def _read_settings(file: Path, names: list[str]) -> "RouteSettings":
    from deployer.plan.route_settings import settings_of
    from deployer.release.records import RouteSettings
    from deployer.spec import load_routing

    routing = load_routing(file, names)
    said = [word for word in ("weights", "tiers", "shadow") if getattr(routing, word)]
    if said:
        raise SourceError(
            f"{file}: {', '.join(said)}: with --backend these stand behind the URLs",
            hint="Write --backend NAME=URL,weight=N,tier=N or ,shadow=PERCENT.",
        )
    if routing.policy == "cost":
        raise SourceError(
            f"{file}: the policy cost needs a spec, whose targets have prices",
            hint="Write policy: priority, and ,tier=N behind the URLs.",
        )
    return settings_of(routing, file, tiers={}, health_path=RouteSettings().health_path)
