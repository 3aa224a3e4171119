"""``deployer push``: a model's files into one store."""

from pathlib import Path
from typing import Annotated

import typer

from deployer.cli.options import Endpoint, Format, Output

__all__ = ["push"]


def push(
    source: Annotated[
        Path, typer.Argument(metavar="SOURCE", help="A file or a folder.", show_default=False)
    ],
    store: Annotated[
        str,
        typer.Argument(
            metavar="STORE",
            help="s3://BUCKET[/PREFIX], gs://…, az://CONTAINER[/PREFIX] or file:///PATH.",
            show_default=False,
        ),
    ],
    verify: Annotated[
        bool, typer.Option("--verify", help="Prove what is there already once more, too.")
    ] = False,
    endpoint: Endpoint = None,
    output: Output = Format.TABLE,
) -> None:
    """Upload a model and prove every byte of it.

    What is there already is not sent again, nor are the parts that a killed push has sent.

    Example: deployer push ./model s3://acme-models/iris
    """
    from deployer.artifact import push_artifact, scan_artifact
    from deployer.cli.output import format_bytes, format_count, print_json
    from deployer.cli.progress import show_bytes
    from deployer.wiring import open_store

    opened = open_store(store, endpoint=endpoint)
    artifact = scan_artifact(source)
    with show_bytes("pushing", artifact.size) as progress:
        pushed = push_artifact(artifact, opened, thorough=verify, progress=progress)
    if output is Format.JSON:
        print_json(
            "deployer/push/v1",
            {
                "uri": pushed.uri,
                "digest": str(pushed.digest),
                "files": len(artifact.files),
                "size": artifact.size,
                "uploaded_bytes": pushed.uploaded_bytes,
                "skipped_files": pushed.skipped_files,
                "checks": dict(pushed.checks),
            },
        )
        return
    typer.echo(pushed.uri)
    typer.echo(
        f"{format_count(len(artifact.files), 'file')}, {format_bytes(artifact.size)}; sent "
        f"{format_bytes(pushed.uploaded_bytes)}, {pushed.skipped_files} were there; proven by "
        f"{', '.join(sorted(set(pushed.checks.values())))}"
    )
