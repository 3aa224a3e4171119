"""``deployer init``: a spec to start from."""

from pathlib import Path
from typing import Annotated

import typer

from deployer.cli.output import print_note
from deployer.values import Cloud

__all__ = ["init"]


def init(
    clouds: Annotated[
        list[Cloud] | None, typer.Argument(metavar="CLOUD", help="aws, gcp, azure, …")
    ] = None,
    name: Annotated[
        str, typer.Option("--name", "-n", metavar="NAME", help="The deployment's name.")
    ] = "model",
    file: Annotated[
        Path, typer.Option("--file", "-f", metavar="FILE", help="The file to write.")
    ] = Path("deployer.yaml"),
) -> None:
    """Write a commented spec for the clouds named.

    Without a name it is for the three public ones.

    Example: deployer init aws gcp --name iris
    """
    from deployer.spec.draft import draft_spec, write_draft

    chosen = clouds or [Cloud.AWS, Cloud.GCP, Cloud.AZURE]
    write_draft(file, draft_spec(name, list(dict.fromkeys(chosen))))
    print_note(f"{file} is written; next: fill it in, then `deployer plan -f {file}`")
