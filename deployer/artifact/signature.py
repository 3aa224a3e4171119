"""Signatures of models by the OpenSSF's model signing: by a key, a certificate or an identity.

The signature lies beside the model's files (``model.sig``, a sigstore bundle) and is an ordinary
file of the artifact, so that it goes wherever they go. All of them are verified offline.
"""

import hashlib
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from deployer.artifact.bundle import METHOD, Claim, Kind, read_claim
from deployer.artifact.signer import Identity, Signer
from deployer.artifact.trust import TrustedRoot, load_root
from deployer.errors import IntegrityError, SetupError, SourceError

__all__ = ["SIGNATURE", "describe_signature", "screen_signature", "verify_signature"]

SIGNATURE = "model.sig"
"""The name that model signing gives a signature."""

_EXTRA = "pip install 'deployer[signing]'"
_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
_DETAILS = re.compile(r": expected ('Digest\(|log_index=).*| \[type=.*|\[\"|\"\]", re.IGNORECASE)
"""What of the libraries' messages is Python's way to write lists and bytes."""


def screen_signature(model: Path, signer: Signer | None, *, required: bool) -> None:
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
            hint=f"Put {SIGNATURE} beside its files: {_how_to_sign(signer)}",
        )
    if signer is not None and there and (required or _is_installed()):
        verify_signature(model, signer)


def describe_signature(model: Path, signer: Signer | None) -> str:
    """Say who signed a model that `screen_signature` let pass; empty when nobody did."""
    bundle = _signature_of(model)
    if not bundle.is_file():
        return f"the model has no signature ({SIGNATURE})" if signer else ""
    if signer is None:
        return f"{SIGNATURE} was not verified: {_ask_whose(bundle)}"
    if not _is_installed():
        return f"{SIGNATURE} was not verified: {_EXTRA}"
    if isinstance(signer, Identity):
        return f"signed by {signer}{read_claim(bundle).when}, and unchanged since"
    digest = hashlib.sha256(signer.read_bytes()).hexdigest()
    return f"signed with {signer.name} (the file's sha256 is {digest[:16]}…), and unchanged since"


def verify_signature(model: Path, signer: Signer, signature: Path | None = None) -> None:
    """Return when the model's very files, no more and no fewer, were signed by the signer.

    Args:
        model: A folder, or one file. A folder of one file may hold that file's signature, too: as
            a single file is pulled.
        signer: The public key (elliptic curve), or the signer's certificate's authorities, in PEM;
            or an identity.
        signature: The signature; ``model.sig`` in or beside the model when left out.

    Raises:
        SetupError: The extra ``signing`` is not installed, or ships no trusted root.
        SourceError: Key, root or signature cannot be read, or it is not over `METHOD`.
        IntegrityError: The signature is somebody else's, does not hold, or is of other files.
    """
    if not _is_installed():
        raise SetupError("verifying signatures needs packages that are not installed", hint=_EXTRA)
    bundle = signature or _signature_of(model)
    _demand_file(bundle)
    claim = read_claim(bundle)
    if claim.method != METHOD:
        raise SourceError(
            f"{bundle} cannot be verified: it is over {claim.method}",
            hint=f"Sign the model's {METHOD}, which is what model signing does when not told else.",
        )
    signed = _only_file(model) if claim.nameless else model
    if isinstance(signer, Identity):
        _verify_identity(signed, bundle, signer, claim)
    else:
        _verify_key(signed, bundle, signer, claim)


def _only_file(model: Path) -> Path:
    """Return the one file that a folder has beside a signature; else what it was given."""
    if not model.is_dir():
        return model
    inside = [path for path in model.rglob("*") if path != model / SIGNATURE]
    return inside[0] if len(inside) == 1 and inside[0].is_file() else model


def _verify_key(model: Path, bundle: Path, key: Path, claim: Claim) -> None:
    _demand_file(key)
    if claim.kind is Kind.IDENTITY:
        raise IntegrityError(
            f"{model} was not signed with {key}: {bundle} has {claim}",
            hint=_propose(claim),
        )
    with _translated(f"{model} is not what was signed", f"{bundle} was checked with {key}."):
        verifier = _new_verifier(bundle)
        if _CERTIFICATE in key.read_bytes():
            verifier.use_certificate_verifier(certificate_chain=[key])
        else:
            verifier.use_elliptic_key_verifier(public_key=key)
        verifier.verify(model.absolute(), bundle)


def _verify_identity(model: Path, bundle: Path, who: Identity, claim: Claim) -> None:
    what = f"{model} is not what {who.name} signed"
    if claim.kind is not Kind.IDENTITY:
        raise IntegrityError(
            f"{what}: {bundle} has {claim}, and {who} was demanded",
            hint="Name the key or the authority's certificate: model: {signer: FILE}.",
        )
    root = load_root(who.trust)
    verifier = _new_verifier(bundle)
    with _translated(f"{root.title} cannot be used", error=SourceError), root.as_config() as config:
        verifier.use_sigstore_verifier(
            identity=who.name, oidc_issuer=who.issuer, trust_config=config
        )
    if unknown := root.list_unknown(claim):
        what += f": {root.title} does not know {' nor '.join(unknown)}"
    hint = f"Found {claim}. Demanded is one by {who}, trusting {root.title}.{_renew(root)}"
    with _translated(what, hint):
        verifier.verify(model.absolute(), bundle)


def _renew(root: TrustedRoot) -> str:
    if not root.shipped:
        return ""
    return (
        f" Its newest key is of {root.describe_age()}: for newer signatures upgrade "
        "sigstore, or name a root: model: {signer: {trust: FILE}}."
    )


def _new_verifier(bundle: Path) -> Any:
    from model_signing import hashing, verifying  # noqa: PLC0415 - an extra, and slow

    ignored = hashing.Config()  # type: ignore[no-untyped-call]
    # Absolute, as the model is: what is relative it takes to be relative to the model.
    ignored.set_ignored_paths(paths=[bundle.absolute()], ignore_git_paths=False)
    verifier = verifying.Config()  # type: ignore[no-untyped-call]
    return verifier.set_hashing_config(ignored)


@contextmanager
def _translated(
    what: str, hint: str | None = None, error: type[IntegrityError | SourceError] = IntegrityError
) -> Iterator[None]:
    """Raise whatever the libraries refuse with as ``error``, and print nothing among results."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - comes with the extra
    from cryptography.x509 import ExtensionNotFound  # noqa: PLC0415 - the same
    from OpenSSL.crypto import X509StoreContextError  # noqa: PLC0415 - the same
    from sigstore.errors import Error  # noqa: PLC0415 - the same

    try:
        with redirect_stdout(sys.stderr):  # model signing prints its warnings
            yield
    except (Error, InvalidSignature, ExtensionNotFound, X509StoreContextError) as found:
        raise error(f"{what}: {_first_line(found)}", hint=hint) from found
    except (ValueError, LookupError, TypeError, AttributeError) as found:
        # Model signing reads bundles as they come and stumbles over what is missing.
        raise error(f"{what}: {_first_line(found)}", hint=hint) from found


def _ask_whose(bundle: Path) -> str:
    with suppress(IntegrityError, ImportError):
        claim = read_claim(bundle)
        if claim.kind is Kind.IDENTITY:
            return f"it has {claim}. {_propose(claim)}"
    return "name whose it is, model: {signer: FILE}"


def _propose(claim: Claim) -> str:
    named = f"identity: {claim.name}, issuer: {claim.issuer}"
    return f"If that is who should have: model: {{signer: {{{named}}}}}."


def _how_to_sign(signer: Signer | None) -> str:
    if isinstance(signer, Identity):
        return "model_signing sign sigstore MODEL"
    return "model_signing sign key MODEL --private-key …"


def _demand_file(path: Path) -> None:
    if not path.is_file():
        raise SourceError(f"there is no {path}")


def _signature_of(model: Path) -> Path:
    return (model if model.is_dir() else model.parent) / SIGNATURE


def _is_installed() -> bool:
    return find_spec("model_signing") is not None


def _first_line(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return _DETAILS.sub("", text)[:240]
