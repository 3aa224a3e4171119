"""What a signature file (a sigstore bundle) says of itself, before anybody has verified it.

Only for saying what was found: whether it is true is the verifying library's business.
"""

import base64
import json
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from deployer.errors import IntegrityError
from deployer.values import Json

if TYPE_CHECKING:
    from cryptography import x509

__all__ = ["METHOD", "Claim", "Kind", "read_claim"]

METHOD = "files by sha256"
"""How model signing hashes a model unless it is told otherwise."""

_ISSUER = "1.3.6.1.4.1.57264.1.1"
"""Fulcio's extension for the issuer: github.com/sigstore/fulcio/blob/main/docs/oid-info.md."""

_HERE = "."
"""What model signing calls a file that is the whole model: its path from itself."""

_LONGEST = 200


class Kind(StrEnum):
    """What a signature was made with."""

    KEY = "a key"
    CERTIFICATE = "a certificate"
    IDENTITY = "an identity"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a signature says of itself; empty and None where it says nothing."""

    kind: Kind
    name: str = ""
    issuer: str = ""
    valid: tuple[datetime, datetime] | None = None
    """From when until when the signer's certificate is valid."""
    logged_at: datetime | None = None
    log: bytes = b""
    """The id of the log of signatures that it is in."""
    certificate_log: bytes = b""
    """The same of the log of certificates."""
    proven: bool = False
    """Whether it comes with a proof that the log includes it."""
    method: str = METHOD
    """What of the model was hashed, and by what."""
    nameless: bool = False
    """Whether it is over one file that has no name: a model which is that file."""

    def __str__(self) -> str:
        if self.kind is not Kind.IDENTITY:
            return f"a signature by {self.kind}"
        said = f"a signature by {self.name or 'nobody'} of {self.issuer or 'no issuer'}"
        if self.valid:
            said += f", certified from {_show(self.valid[0])} to {_show(self.valid[1])}"
        said += self.when
        return said if self.proven else f"{said}, without an inclusion proof"

    @property
    def when(self) -> str:
        """When it was logged, to go behind who signed; empty when it does not say."""
        return f", logged at {_show(self.logged_at)}" if self.logged_at else ""


def read_claim(bundle: Path) -> Claim:
    """Return what the signature file says of itself.

    Raises:
        IntegrityError: It is no sigstore bundle.
    """
    try:
        found = json.loads(bundle.read_bytes())
        claim = _read(found["verificationMaterial"])
        return replace(claim, method=_method_of(found), nameless=_is_nameless(found))
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise IntegrityError(
            f"{bundle} is no signature of a model: it is not in sigstore's bundle format"
        ) from error


def _read(material: Json) -> Claim:
    if "publicKey" in material:
        return Claim(Kind.KEY)
    entries = material.get("tlogEntries") or ()
    if "certificate" not in material and not entries:
        return Claim(Kind.CERTIFICATE)
    certificate = _certificate_of(material)
    entry = entries[0] if entries else {}
    seconds = entry.get("integratedTime")
    return Claim(
        Kind.IDENTITY,
        name=_name_of(certificate),
        issuer=_issuer_of(certificate),
        valid=(certificate.not_valid_before_utc, certificate.not_valid_after_utc),
        logged_at=datetime.fromtimestamp(int(seconds), UTC) if seconds else None,
        log=base64.b64decode(entry.get("logId", {}).get("keyId", "")),
        certificate_log=_log_of(certificate),
        proven="inclusionProof" in entry,
    )


def _certificate_of(material: Json) -> "x509.Certificate":
    from cryptography import x509  # noqa: PLC0415 - comes with the extra

    chain = material.get("x509CertificateChain", {}).get("certificates", ())
    found = material.get("certificate") or chain[0]
    try:
        certificate = x509.load_der_x509_certificate(base64.b64decode(found["rawBytes"]))
        len(certificate.extensions)  # reads all of them
    except (
        x509.InvalidVersion,
        x509.DuplicateExtension,
        x509.UnsupportedGeneralNameType,
    ) as error:
        raise ValueError(f"the certificate cannot be read: {error}") from error
    return certificate


def _name_of(certificate: "x509.Certificate") -> str:
    from cryptography import x509  # noqa: PLC0415 - comes with the extra

    with suppress(x509.ExtensionNotFound):
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        texts = [name.value for name in names.value if isinstance(name.value, str)]
        return _clean(", ".join(texts))
    return ""


def _issuer_of(certificate: "x509.Certificate") -> str:
    from cryptography import x509  # noqa: PLC0415 - comes with the extra

    with suppress(x509.ExtensionNotFound):
        found = certificate.extensions.get_extension_for_oid(x509.ObjectIdentifier(_ISSUER))
        return _clean(found.value.public_bytes().decode())
    return ""


def _log_of(certificate: "x509.Certificate") -> bytes:
    from cryptography import x509  # noqa: PLC0415 - comes with the extra

    with suppress(x509.ExtensionNotFound):
        kind = x509.PrecertificateSignedCertificateTimestamps
        for promise in certificate.extensions.get_extension_for_class(kind).value:
            return bytes(promise.log_id)
    return b""


def _method_of(bundle: Json) -> str:
    with suppress(ValueError, LookupError, TypeError):
        how = _statement_of(bundle)["predicate"]["serialization"]
        return _clean(f"{how['method']} by {how['hash_type']}")
    return METHOD  # before model signing 1.0 there was no other


def _is_nameless(bundle: Json) -> bool:
    with suppress(ValueError, LookupError, TypeError):
        names = [one["name"] for one in _statement_of(bundle)["predicate"]["resources"]]
        return names == [_HERE]
    return False


def _statement_of(bundle: Json) -> Json:
    return json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))


def _clean(text: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in text[:_LONGEST])


def _show(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC"
