"""What a router presents and whom it trusts, as the command line says it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deployer.errors import SourceError

if TYPE_CHECKING:
    from deployer.routing.tls import KeyPair

__all__ = [
    "BackendCa",
    "BackendCert",
    "BackendKey",
    "ClientCa",
    "TlsCerts",
    "TlsKeys",
    "read_tls",
]

TlsCerts = Annotated[
    list[Path] | None,
    typer.Option(
        "--tls-cert", metavar="FILE", help="Speak TLS with this certificate (PEM). Repeatable."
    ),
]
TlsKeys = Annotated[
    list[Path] | None,
    typer.Option("--tls-key", metavar="FILE", help="Its private key; one for each --tls-cert."),
]
ClientCa = Annotated[
    Path | None,
    typer.Option("--client-ca", metavar="FILE", help="Clients need a certificate issued by this."),
]
BackendCa = Annotated[
    Path | None,
    typer.Option("--backend-ca", metavar="FILE", help="Trust this authority for https backends."),
]
BackendCert = Annotated[
    Path | None,
    typer.Option("--backend-cert", metavar="FILE", help="Present this to https backends."),
]
BackendKey = Annotated[
    Path | None,
    typer.Option("--backend-key", metavar="FILE", help="The private key of --backend-cert."),
]


def read_tls(
    certs: list[Path],
    keys: list[Path],
    client_ca: Path | None,
    backend_ca: Path | None,
    backend_cert: Path | None,
    backend_key: Path | None,
) -> dict[str, Any]:
    """Return the router's options for TLS; empty when none was asked for.

    Raises:
        SourceError: A certificate has no key, or a key no certificate.
    """
    from deployer.routing.tls import BackendTls

    if client_ca is not None and not certs:
        raise SourceError("--client-ca needs TLS", hint="Give --tls-cert and --tls-key, too.")
    options: dict[str, Any] = {}
    if certs or keys:
        options["tls"] = tuple(_pair("--tls", certs, keys))
        options["client_authority"] = client_ca
    ours = _pair("--backend", _listed(backend_cert), _listed(backend_key))
    if ours or backend_ca is not None:
        options["backend_tls"] = BackendTls(backend_ca, ours[0] if ours else None)
    return options


def _pair(option: str, certs: list[Path], keys: list[Path]) -> "list[KeyPair]":
    from deployer.routing.tls import KeyPair

    if len(certs) != len(keys):
        raise SourceError(
            f"{option}-cert was given {len(certs)} times and {option}-key {len(keys)} times",
            hint="Give each certificate its key, in the same order.",
        )
    return [KeyPair(cert, key) for cert, key in zip(certs, keys, strict=True)]


def _listed(file: Path | None) -> list[Path]:
    return [] if file is None else [file]
