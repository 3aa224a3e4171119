"""``deployer pull``: what every pod runs before its model server starts."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployer.cli.options import (
    ArtifactUri,
    CustomerKey,
    Endpoint,
    Format,
    LimitRate,
    Output,
    Payer,
)
from deployer.values import format_count

if TYPE_CHECKING:
    from deployer.artifact import Source

__all__ = ["pull"]


def pull(
    uri: ArtifactUri,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Where to.", show_default=False)],
    digest: Annotated[
        str | None,
        typer.Option("--digest", metavar="SHA256", help="What it must be; the URI's if left out."),
    ] = None,
    endpoint: Endpoint = None,
    payer: Payer = None,
    customer_key: CustomerKey = None,
    others: Annotated[
        list[str] | None,
        typer.Option(
            "--or",
            metavar="URI[,endpoint=URL][,payer=WHO][,customer-key=WHERE]",
            help="Where else it is, should the first not answer; may be repeated.",
        ),
    ] = None,
    limit_rate: LimitRate = None,
    output: Output = Format.TABLE,
) -> None:
    """Download a model and prove every byte of it.

    No file gets its name before its bytes are proven.

    Example: deployer pull s3://acme-models/artifacts/sha256/… --to /mnt/models
    """
    from deployer.artifact import pull_from_any
    from deployer.artifact.keys import check_digest, split_uri
    from deployer.cli.output import format_bytes, print_json
    from deployer.cli.progress import parse_rate, show_bytes

    store_url, promised = split_uri(uri)
    check_digest(promised, digest)
    sources = [
        _source(uri, endpoint, payer, customer_key),
        *(_parse_source(text) for text in others or ()),
    ]
    rate = parse_rate(limit_rate)
    with show_bytes("pulling", None, rate=rate) as progress:
        pulled = pull_from_any(sources, promised, to, progress=progress)
    if output is Format.JSON:
        print_json(
            "deployer/pull/v1",
            {
                "digest": str(promised),
                "files": len(pulled.artifact.files),
                "size": pulled.artifact.size,
                "path": str(to),
                "from": pulled.store_url,
            },
        )
        return
    for failure in pulled.failures:
        typer.echo(f"note: {failure}", err=True)
    elsewhere = f" from {pulled.store_url}" if pulled.store_url != store_url else ""
    count = format_count(len(pulled.artifact.files), "file")
    typer.echo(
        f"{count}, {format_bytes(pulled.artifact.size)} in {to}{elsewhere}; proven by {promised}"
    )


def _parse_source(text: str) -> "Source":
    text, _, key = text.partition(",customer-key=")
    text, _, payer = text.partition(",payer=")
    uri, _, endpoint = text.partition(",endpoint=")
    return _source(uri, endpoint or None, payer or None, key or None)


def _source(uri: str, endpoint: str | None, payer: str | None, key: str | None) -> "Source":
    from deployer.artifact import Source
    from deployer.artifact.keys import split_uri
    from deployer.ports import StoreSettings
    from deployer.wiring import open_store

    url, _ = split_uri(uri)
    settings = StoreSettings(payer=payer or "", customer_key=key or "")
    return Source(
        url,
        lambda seconds: open_store(
            url, endpoint=endpoint, patience_seconds=seconds, settings=settings
        ),
    )
