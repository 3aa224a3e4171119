"""Signatures of models by the OpenSSF's model signing, verified offline: by a key or a certificate.

The signature lies beside the model's files (``model.sig``, a sigstore bundle) and is an ordinary
file of the artifact, so that it goes wherever they go. One that was made with an identity
(sigstore's keyless signing) takes the network to verify and is not.
"""

import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from deployer.errors import IntegrityError, SetupError, SourceError

__all__ = ["SIGNATURE", "describe_signature", "screen_signature", "verify_signature"]

SIGNATURE = "model.sig"
"""The name that model signing gives a signature."""

_EXTRA = "pip install 'deployer[signing]'"
_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"


def screen_signature(model: Path, signer: Path | None, *, required: bool) -> None:
    """Return when the model's signature is no reason to stop.

    One that is there is verified if its signer is known and the extra ``signing`` is installed; it
    has to be there, and verified, only if it is ``required``.

    Raises:
        SetupError: It is required, and cannot be verified here.
        SourceError: It is required and not there, or the signer's file cannot be read.
        IntegrityError: It is somebody else's, or of other files.
    """
    there = _signature_of(model).is_file()
    if required and not there:
        raise SourceError(
            f"{model} has no signature, and the spec requires one",
            hint=f"Put {SIGNATURE} beside its files: model_signing sign key MODEL --private-key …",
        )
    if signer is not None and there and (required or _is_installed()):
        verify_signature(model, signer)


def describe_signature(model: Path, signer: Path | None) -> str:
    """Say who signed a model that `screen_signature` let pass; empty when nobody did."""
    if not _signature_of(model).is_file():
        return f"the model has no signature ({SIGNATURE})" if signer else ""
    if signer is None:
        return f"{SIGNATURE} was not verified: name whose it is, model: {{signer: FILE}}"
    if not _is_installed():
        return f"{SIGNATURE} was not verified: {_EXTRA}"
    digest = hashlib.sha256(signer.read_bytes()).hexdigest()
    return f"signed with {signer.name} (the file's sha256 is {digest[:16]}…), and unchanged since"


def verify_signature(model: Path, key: Path, signature: Path | None = None) -> None:
    """Return when the model's very files, no more and no fewer, were signed with the key's owner.

    Args:
        model: A folder, or one file. A folder of one file may hold that file's signature, too: as
            a single file is pulled.
        key: The public key (elliptic curve), or the signer's certificate's authorities; in PEM.
        signature: The signature; ``model.sig`` in or beside the model when left out.

    Raises:
        SetupError: The extra ``signing`` is not installed.
        SourceError: Key or signature cannot be read.
        IntegrityError: The signature is another key's, or of other files.
    """
    try:
        from model_signing import hashing, verifying  # noqa: PLC0415 - an extra, and slow
    except ImportError as error:
        raise SetupError(
            "verifying signatures needs packages that are not installed", hint=_EXTRA
        ) from error
    bundle = signature or _signature_of(model)
    for path in (key, bundle):
        if not path.is_file():
            raise SourceError(f"there is no {path}")
    ignored = hashing.Config()  # type: ignore[no-untyped-call]
    ignored.set_ignored_paths(paths=[bundle], ignore_git_paths=False)
    verifier: Any = verifying.Config()  # type: ignore[no-untyped-call]
    errors: list[Exception] = []
    for signed in _readings(model):
        try:
            _trust(verifier, key)
            verifier.set_hashing_config(ignored).verify(signed, bundle)
        except (ValueError, KeyError, TypeError) as error:
            errors.append(error)
        else:
            return
    raise IntegrityError(
        f"{model} is not what was signed: {_first_line(errors[0])}",
        hint=f"It was checked with {bundle} and the key {key}.",
    ) from errors[0]


def _readings(model: Path) -> list[Path]:
    """Return what may have been signed: the model, or the only file that it has."""
    if not model.is_dir():
        return [model]
    inside = [path for path in model.rglob("*") if path != model / SIGNATURE]
    alone = len(inside) == 1 and inside[0].is_file()
    return [model, *(inside if alone else [])]


def _trust(verifier: Any, key: Path) -> None:
    if _CERTIFICATE in key.read_bytes():
        verifier.use_certificate_verifier(certificate_chain=[key])
    else:
        verifier.use_elliptic_key_verifier(public_key=key)


def _signature_of(model: Path) -> Path:
    return (model if model.is_dir() else model.parent) / SIGNATURE


def _is_installed() -> bool:
    return find_spec("model_signing") is not None


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:240]
