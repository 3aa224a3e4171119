"""``deployer router render``: the objects that run routers on a cluster."""

from pathlib import Path
from typing import Annotated

import typer

from deployer.cli.options import SpecFile

__all__ = ["router_render"]


def router_render(
    file: SpecFile = Path("deployer.yaml"),
    *,
    image: Annotated[
        str | None,
        typer.Option("--image", metavar="IMAGE", help="What holds deployer; else the spec's."),
    ] = None,
    namespace: Annotated[
        str | None,
        typer.Option("--namespace", "-n", metavar="NAME", help="Left open when not given."),
    ] = None,
    replicas: Annotated[
        int, typer.Option("--replicas", metavar="N", min=1, help="How many at least.")
    ] = 2,
    most: Annotated[
        int, typer.Option("--max", metavar="N", min=1, help="How many at most, under load.")
    ] = 10,
) -> None:
    """Print the Kubernetes objects that run routers for the spec.

    Touches no cluster. The ServiceAccount needs an identity that reads the state, or the Secret
    NAME-router holds a login as environment variables.

    Example: deployer router render --namespace models | kubectl apply -f -
    """
    from deployer.rendering.router import render_router
    from deployer.rendering.settings import default_image
    from deployer.rendering.text import format_yaml
    from deployer.spec import load_spec

    spec = load_spec(file)
    objects = render_router(
        spec,
        image=image or spec.service.image or default_image(),
        namespace=namespace,
        replicas=replicas,
        most=most,
    )
    typer.echo(format_yaml(objects), nl=False)
