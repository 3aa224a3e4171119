"""``deployer verify``: is a pushed model still what it was."""

from typing import Annotated

import typer

from deployer.cli.options import ArtifactUri, CustomerKey, Endpoint, Format, Output, Payer
from deployer.values import format_count

__all__ = ["verify"]


def verify(
    uri: ArtifactUri,
    deep: Annotated[
        bool, typer.Option("--deep", help="Read every byte instead of sizes and checksums.")
    ] = False,
    endpoint: Endpoint = None,
    payer: Payer = None,
    customer_key: CustomerKey = None,
    output: Output = Format.TABLE,
) -> None:
    """Compare a pushed model with its manifest.

    Exits 1 when anything is wrong.

    Example: deployer verify s3://acme-models/artifacts/sha256/… --deep
    """
    from deployer.artifact import split_uri, verify_artifact
    from deployer.cli.output import format_bytes, print_json
    from deployer.errors import IntegrityError
    from deployer.ports import StoreSettings
    from deployer.wiring import open_store

    store_url, digest = split_uri(uri)
    settings = StoreSettings(payer=payer or "", customer_key=customer_key or "")
    store = open_store(store_url, endpoint=endpoint, settings=settings)
    report = verify_artifact(store, digest, deep=deep)
    if output is Format.JSON:
        print_json(
            "deployer/verify/v1",
            {
                "digest": str(digest),
                "good": report.good,
                "size": report.size,
                "checks": dict(report.checks),
                "problems": list(report.problems),
            },
        )
    if not report.good:
        raise IntegrityError(
            f"{uri} is damaged: {'; '.join(report.problems[:5])}",
            hint="Push the model again: what is damaged is replaced.",
        )
    if output is not Format.JSON:
        how = ", ".join(sorted(set(report.checks.values())))
        count = format_count(len(report.checks), "file")
        typer.echo(f"{count}, {format_bytes(report.size)}; {report.state} by {how}")
