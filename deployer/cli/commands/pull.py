"""``deployer pull``: what every pod runs before its model server starts."""

from pathlib import Path
from typing import Annotated

import typer

from deployer.cli.options import ArtifactUri, Endpoint, Format, Output

__all__ = ["pull"]


def pull(
    uri: ArtifactUri,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Where to.", show_default=False)],
    digest: Annotated[
        str | None,
        typer.Option("--digest", metavar="SHA256", help="What it must be; the URI's if left out."),
    ] = None,
    endpoint: Endpoint = None,
    output: Output = Format.TABLE,
) -> None:
    """Download a model; no file gets its name before its bytes are proven."""
    from deployer.artifact import pull_artifact
    from deployer.artifact.keys import check_digest, split_uri
    from deployer.cli.output import format_bytes, print_json
    from deployer.wiring import open_store

    store_url, promised = split_uri(uri)
    check_digest(promised, digest)
    artifact = pull_artifact(open_store(store_url, endpoint=endpoint), promised, to)
    if output is Format.JSON:
        print_json(
            "deployer/pull/v1",
            {
                "digest": str(promised),
                "files": len(artifact.files),
                "size": artifact.size,
                "path": str(to),
            },
        )
        return
    typer.echo(
        f"{len(artifact.files)} files, {format_bytes(artifact.size)} in {to}; proven by {promised}"
    )
