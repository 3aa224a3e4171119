"""``deployer push``: a model's files into one store."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployer.cli.options import CustomerKey, Endpoint, Format, LimitRate, Output, Payer
from deployer.values import format_count

if TYPE_CHECKING:
    from deployer.artifact import Signer

__all__ = ["push"]


def push(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A file, a folder, a .tar/.zip to unpack, s3://…, gs://…, az://… or https://….",
            show_default=False,
        ),
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
    payer: Payer = None,
    encryption: Annotated[
        str | None,
        typer.Option("--encryption", metavar="NAME", help="A KMS key, or Azure's scope, by name."),
    ] = None,
    customer_key: CustomerKey = None,
    compat: Annotated[
        bool, typer.Option("--compat", help="The store only speaks S3: MD5, and read back.")
    ] = False,
    digest: Annotated[
        str | None,
        typer.Option("--digest", metavar="SHA256", help="Of the file at an https:// source."),
    ] = None,
    source_endpoint: Annotated[
        str | None,
        typer.Option("--source-endpoint", metavar="URL", help="Of the source's bucket."),
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option("--key", metavar="FILE", help="Verify the model's signature with this key."),
    ] = None,
    identity: Annotated[
        str | None,
        typer.Option(
            "--identity", metavar="NAME", help="Verify that NAME signed it; with --issuer."
        ),
    ] = None,
    issuer: Annotated[
        str | None,
        typer.Option("--issuer", metavar="URL", help="The OpenID Connect issuer behind NAME."),
    ] = None,
    trust: Annotated[
        Path | None,
        typer.Option("--trust", metavar="FILE", help="A trusted root of sigstore's, for NAME."),
    ] = None,
    signature: Annotated[
        Path | None,
        typer.Option("--signature", metavar="FILE", help="The signature; model.sig if left out."),
    ] = None,
    limit_rate: LimitRate = None,
    output: Output = Format.TABLE,
) -> None:
    """Upload a model and prove every byte of it.

    What is there already is not sent again, nor are the parts that a killed push has sent.

    Example: deployer push ./model s3://acme-models/iris
    """
    from deployer.artifact import push_artifact, scan_artifact
    from deployer.artifact.keys import parse_digest
    from deployer.cli.output import format_bytes, print_json
    from deployer.cli.progress import parse_rate, show_bytes
    from deployer.ports import StoreSettings
    from deployer.sources import open_source
    from deployer.wiring import open_store

    rate = parse_rate(limit_rate)
    signer = _signer_of(key, identity, issuer, trust)
    settings = StoreSettings(compat, payer or "", encryption or "", customer_key or "")
    opened = open_store(store, endpoint=endpoint, settings=settings)
    promised = parse_digest(digest) if digest is not None else None
    with open_source(source, digest=promised, endpoint=source_endpoint) as model:
        if signer is not None:
            from deployer.artifact.signature import verify_signature

            verify_signature(model, signer, signature)
        artifact = scan_artifact(model)
        with show_bytes("pushing", artifact.size, rate=rate) as progress:
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


def _signer_of(
    key: Path | None, identity: str | None, issuer: str | None, trust: Path | None
) -> "Signer | None":
    from deployer.artifact import Identity

    if (identity is None) != (issuer is None) or (trust and not identity):
        raise typer.BadParameter("--identity and --issuer go together, and --trust with them")
    if identity is None or issuer is None:
        return key
    if key is not None:
        raise typer.BadParameter("--key and --identity: a model has one signature")
    return Identity(identity, issuer, trust)
