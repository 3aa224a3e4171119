"""Where a router's routes come from, as the command line says it."""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployer.errors import SourceError

if TYPE_CHECKING:
    from deployer.release.records import Routes

__all__ = [
    "Backends",
    "Fast",
    "Idempotent",
    "Policy",
    "PolicyName",
    "ProbePath",
    "RoutesFile",
    "SpecFile",
    "choose_source",
    "split_listen",
]

SpecFile = Annotated[Path | None, typer.Option("--file", "-f", metavar="FILE", help="The spec.")]
Backends = Annotated[
    list[str] | None,
    typer.Option(
        "--backend",
        metavar="NAME=URL[,weight=N][,tier=N]",
        help="A backend; needs no spec. Repeatable.",
    ),
]
RoutesFile = Annotated[
    Path | None,
    typer.Option("--routes", metavar="FILE", help="A routes.json to follow; needs no spec."),
]
ProbePath = Annotated[
    str | None,
    typer.Option("--probe-path", metavar="PATH", help="Probe this instead of the routes' path."),
]
Fast = Annotated[bool, typer.Option("--fast", help="Probe every second; down after two failures.")]
Idempotent = Annotated[
    bool, typer.Option("--idempotent", help="A request may be sent twice, whatever its method.")
]


class PolicyName(StrEnum):
    """What backends of the command line can be chosen by; cost needs a spec's price book."""

    WEIGHTED = "weighted"
    LATENCY = "latency"
    PRIORITY = "priority"


Policy = Annotated[
    PolicyName | None,
    typer.Option("--policy", help="How to choose among --backend; weighted when left out."),
]


def choose_source(
    spec: Path | None, routes: Path | None, backends: list[str], policy: PolicyName | None
) -> "Callable[[], Routes]":
    """Return what reads the routes.

    Raises:
        SourceError: More than one source was given, a backend is not written as one, or a policy
            stands where the routes have their own.
    """
    given = [spec is not None, routes is not None, bool(backends)]
    if sum(given) > 1:
        raise SourceError("only one of --file, --routes and --backend can say where to send")
    if backends:
        return _fixed_source(backends, policy or PolicyName.WEIGHTED)
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


def split_listen(listen: str) -> tuple[str, int]:
    """Return host and port of ``HOST:PORT``.

    Raises:
        SourceError: It is not written like that.
    """
    host, _, port = listen.rpartition(":")
    if not (host and port.isdecimal() and int(port) < 1 << 16):
        raise SourceError(f"{listen!r} is no address to listen on", hint="Write HOST:PORT.")
    return host.strip("[]"), int(port)


def _fixed_source(backends: list[str], policy: PolicyName) -> "Callable[[], Routes]":
    from deployer.providers.local.clock import SystemClock
    from deployer.release.records import RouteSettings
    from deployer.routing.static import make_routes, parse_backend

    fixed = make_routes(
        [parse_backend(text) for text in backends],
        settings=RouteSettings(policy=policy),
        now=SystemClock().now(),
    )
    return lambda: fixed
