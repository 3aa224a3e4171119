"""``deployer render``: the objects a release would apply, as YAML."""

from pathlib import Path
from typing import Annotated

import typer

from deployer.cli.options import SpecFile

__all__ = ["render"]


def render(
    file: SpecFile = Path("deployer.yaml"),
    target: Annotated[
        str | None,
        typer.Option("--target", "-t", metavar="NAME", help="One target; all when left out."),
    ] = None,
    release: Annotated[
        int, typer.Option("--release", "-r", metavar="N", min=0, help="The number to render.")
    ] = 1,
    digest: Annotated[
        str | None,
        typer.Option("--digest", metavar="SHA256", help="The artifact's; else the model is read."),
    ] = None,
) -> None:
    """Print the Kubernetes objects of a release as YAML.

    Touches no cloud and no cluster.

    Example: deployer render --target aws-virginia | kubectl diff -f -
    """
    from deployer.rendering import preview_targets
    from deployer.spec import load_spec

    text = preview_targets(load_spec(file), only=target, release=release, digest=digest)
    typer.echo(text, nl=False)
