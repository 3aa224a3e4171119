"""``deployer router route``: the routes' weights as a Gateway API HTTPRoute on a cluster."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deployer.cli import output
from deployer.cli.commands.router_source import (
    Backends,
    Policy,
    RoutesFile,
    SpecFile,
    choose_source,
)
from deployer.cli.options import Format, Output

if TYPE_CHECKING:
    from deployer.ports import Cluster
    from deployer.routing.outputs.httproute import ParentVerdict
    from deployer.routing.plane import Orders
    from deployer.routing.publish import Published

__all__ = ["router_route"]

_SCHEMA = "deployer/router-route/v1"
_COLUMNS = (
    output.Column("gateway"),
    output.Column("accepted"),
    output.Column("references"),
    output.Column("controller", drop=1),
)


def router_route(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The HTTPRoute's name.")],
    *,
    gateway: Annotated[
        str, typer.Option("--gateway", metavar="[NAMESPACE/]NAME", help="The Gateway it is for.")
    ],
    ref: Annotated[
        list[str],
        typer.Option(
            "--ref",
            metavar="TARGET=SERVICE:PORT",
            help="What stands for a target; KIND.GROUP/NAME, too. Repeatable.",
        ),
    ],
    spec: SpecFile = None,
    backend: Backends = None,
    policy: Policy = None,
    routes: RoutesFile = None,
    host: Annotated[
        list[str] | None,
        typer.Option("--host", metavar="NAME", help="A host name it is for. Repeatable."),
    ] = None,
    path: Annotated[
        str, typer.Option("--path", metavar="PATH", help="The prefix of the paths it is for.")
    ] = "/",
    namespace: Annotated[
        str, typer.Option("--namespace", "-n", metavar="NAME", help="The HTTPRoute's namespace.")
    ] = "default",
    context: Annotated[
        str | None,
        typer.Option(
            "--context", metavar="NAME", help="A context of your kubeconfig; else the current."
        ),
    ] = None,
    kubeconfig: Annotated[
        Path | None, typer.Option("--kubeconfig", metavar="FILE", help="Another kubeconfig.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Ask the API server what would change, only.")
    ] = False,
    wait: Annotated[
        float,
        typer.Option("--wait", metavar="SECONDS", min=0, help="How long to wait for the Gateway."),
    ] = 10.0,
    output_format: Output = Format.TABLE,
) -> None:
    """Split by weight in an HTTPRoute, and hear its Gateways.

    Exits 0 when every Gateway accepts it and finds what it refers to, 1 when one does not, 3 when
    none has said anything in time.

    Example: deployer router route iris --gateway infra/public --ref aws=iris-aws:80
    --ref gcp=iris-gcp:80 --context prod
    """
    from deployer.providers.local.clock import SystemClock
    from deployer.routing.capabilities import Engine, find_differences
    from deployer.routing.conduct import make_conduct
    from deployer.routing.endpoints import Resolver
    from deployer.routing.outputs.httproute import RouteShape, make_httproute, parse_ref
    from deployer.routing.placing import place_backends
    from deployer.routing.plane import Orders
    from deployer.routing.publish import publish_route

    read = choose_source(spec, routes, backend or [], policy)()
    endpoints = Resolver(lambda _host, _port: ()).make_endpoints(
        place_backends(read.settings, read.backends, "")
    )
    orders = Orders(make_conduct(read.settings), endpoints)
    shape = RouteShape(
        name=name,
        gateway=gateway,
        refs=dict(map(parse_ref, ref)),
        hosts=host or (),
        path=path,
    )
    done = publish_route(
        _open(context, kubeconfig, namespace),
        make_httproute(orders, shape),
        clock=SystemClock(),
        patience_seconds=wait,
        dry_run=dry_run,
    )
    _print(name, orders, done, output_format, dry_run=dry_run)
    if output_format is not Format.JSON:
        for line in find_differences(Engine.GATEWAY, orders):
            output.print_note(f"HTTPRoute: {line}")
    raise typer.Exit(0 if dry_run else _exit_code(done))


def _open(context: str | None, kubeconfig: Path | None, namespace: str) -> "Cluster":
    from deployer.cli.contexts import default_kubeconfig
    from deployer.spec.model import ClusterSpec
    from deployer.wiring import open_cluster

    file = kubeconfig or (None if context else default_kubeconfig())
    given = ClusterSpec(context=context, kubeconfig=None if file is None else str(file))
    return open_cluster(given, namespace=namespace, base=Path.cwd())


def _print(
    name: str, orders: "Orders", done: "Published", output_format: Format, *, dry_run: bool
) -> None:
    weights = {e.backend.target: e.backend.weight for e in orders.endpoints}
    if output_format is Format.JSON:
        output.print_json(_SCHEMA, _document(name, weights, done, dry_run=dry_run))
        return
    split = ", ".join(f"{target} {weight}" for target, weight in weights.items())
    applied = str(done.applied.applied)
    typer.echo(f"HTTPRoute {name}: {'would be ' if dry_run else ''}{applied}: {split}")
    for field in done.applied.fields:
        typer.echo(f"  {field.path}: {field.before} → {field.after}")
    if dry_run:
        return
    typer.echo()
    if not done.verdicts:
        typer.echo("unknown: no Gateway has said anything of it; does its controller run?")
        return
    rows = [_cells(verdict) for verdict in done.verdicts]
    output.print_table(_COLUMNS, rows, wide=output_format is Format.WIDE)
    for verdict in done.verdicts:
        for line in verdict.troubles:
            typer.echo(f"{verdict.gateway}: {line}")


def _cells(verdict: "ParentVerdict") -> list[str]:
    words = {True: "yes", False: "no", None: "unknown"}
    if not verdict.current:
        return [verdict.gateway, "unknown yet", "unknown yet", verdict.controller]
    accepted, resolved = words[verdict.accepted], words[verdict.resolved]
    return [verdict.gateway, accepted, resolved, verdict.controller]


def _document(
    name: str, weights: dict[str, int], done: "Published", *, dry_run: bool
) -> dict[str, Any]:
    return {
        "name": name,
        "dry_run": dry_run,
        "applied": str(done.applied.applied),
        "weights": weights,
        "gateways": [
            {
                "gateway": verdict.gateway,
                "controller": verdict.controller,
                "current": verdict.current,
                "accepted": verdict.accepted,
                "references_resolved": verdict.resolved,
                "troubles": list(verdict.troubles),
            }
            for verdict in done.verdicts
        ],
    }


def _exit_code(done: "Published") -> int:
    heard = [verdict for verdict in done.verdicts if verdict.current]
    if any(not verdict.is_good for verdict in heard):
        return 1
    return 0 if heard and len(heard) == len(done.verdicts) else 3
