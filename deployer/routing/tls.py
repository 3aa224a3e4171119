"""What the router presents and whom it trusts, over TLS; read again when the files change."""

import ssl
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from deployer.errors import SetupError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

__all__ = ["WARN_BEFORE", "BackendTls", "BackendTrust", "KeyPair", "ListenerTls"]

WARN_BEFORE = timedelta(days=14)
"""A certificate of 90 days is renewed 30 before its end (RFC 9773, 4.2, and certbot); two weeks
later somebody should know that it was not."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate with those that lead to its authority, and its private key; PEM files."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class BackendTls:
    """Whom to trust for https backends, beside the system's authorities, and who we are there."""

    authority: Path | None = None
    identity: KeyPair | None = None


class _Reread(ABC):
    """Contexts from files that somebody renews."""

    def __init__(self, pairs: Sequence[KeyPair], authority: Path | None) -> None:
        self._pairs = pairs
        self._authority = authority
        self._certificates: list[Certificate] = []
        self._seen: list[int] = []

    def refresh(self) -> Iterator[str]:
        """Read files again that have changed; yield what happened, in words.

        What can't be used leaves the certificates as they were.
        """
        if self._seen == self._look():
            return
        try:
            self._load()
        except SetupError as error:
            self._seen = self._look()
            yield f"not read again: {error.message}"
        else:
            yield "read again"

    def warn(self, now: datetime) -> Iterator[str]:
        """Yield a line for each certificate that ends soon or has ended."""
        for pair, certificate in zip(self._pairs, self._certificates, strict=True):
            left = certificate.not_valid_after_utc - now
            if left < timedelta(0):
                yield f"{pair.certificate} expired {_days(-left)} ago"
            elif left < WARN_BEFORE:
                yield f"{pair.certificate} expires in {_days(left)}"

    def _load(self) -> None:
        seen = self._look()
        try:
            certificates = [_read_certificate(pair.certificate) for pair in self._pairs]
            self._make(certificates)
        except (OSError, ValueError) as error:
            raise SetupError(f"TLS: {_say(error)}", hint="Give PEM files.") from error
        self._certificates = certificates
        self._seen = seen

    @abstractmethod
    def _make(self, certificates: "list[Certificate]") -> None:
        """Make the contexts anew, all or none."""

    def _look(self) -> list[int]:
        files = [file for pair in self._pairs for file in (pair.certificate, pair.key)]
        found = [file for file in [*files, self._authority] if file is not None]
        return [file.stat().st_mtime_ns if file.exists() else 0 for file in found]


class BackendTrust(_Reread):
    """The context of connections to https backends.

    Raises:
        SetupError: A file can't be read, or is no certificate or key.
    """

    def __init__(self, tls: BackendTls) -> None:
        super().__init__([tls.identity] if tls.identity is not None else [], tls.authority)
        self.context = ssl.create_default_context()
        self._load()

    def _make(self, certificates: "list[Certificate]") -> None:
        del certificates
        for context in (ssl.create_default_context(), self.context):  # the first is a rehearsal
            if self._authority is not None:
                context.load_verify_locations(self._authority)
            for pair in self._pairs:
                context.load_cert_chain(pair.certificate, pair.key)


class ListenerTls(_Reread):
    """The contexts of a listener: the client names a host, and gets the certificate that fits it.

    Args:
        pairs: The first is for clients that name no host, or one that no certificate is for.
        authority: Clients must present a certificate that it has issued; they need none without.

    Raises:
        SetupError: A file can't be read, or is no certificate or key.
    """

    def __init__(self, pairs: Sequence[KeyPair], *, authority: Path | None = None) -> None:
        super().__init__(pairs, authority)
        self._load()
        self.context = _make_context(pairs[0], authority)
        self.context.sni_callback = self._choose

    def _make(self, certificates: "list[Certificate]") -> None:
        contexts = [_make_context(pair, self._authority) for pair in self._pairs]
        self._names = [_list_names(certificate) for certificate in certificates]
        self._contexts = contexts

    def _choose(
        self, connection: ssl.SSLSocket | ssl.SSLObject, name: str | None, _: ssl.SSLContext
    ) -> None:
        at = next((i for i, names in enumerate(self._names) if _fits(name or "", names)), 0)
        connection.context = self._contexts[at]


def _make_context(pair: KeyPair, authority: Path | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(pair.certificate, pair.key)
    if authority is not None:
        context.load_verify_locations(authority)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _read_certificate(file: Path) -> "Certificate":
    try:
        from cryptography.x509 import load_pem_x509_certificate  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise SetupError(
            "a listener with TLS needs cryptography", hint="pip install 'deployer[tls]'"
        ) from error
    return load_pem_x509_certificate(file.read_bytes())


def _list_names(certificate: "Certificate") -> set[str]:
    from cryptography.x509 import (  # noqa: PLC0415 - an extra
        DNSName,
        ExtensionNotFound,
        SubjectAlternativeName,
    )

    try:
        found = certificate.extensions.get_extension_for_class(SubjectAlternativeName)
    except ExtensionNotFound:
        return set()
    return {name.lower() for name in found.value.get_values_for_type(DNSName)}


def _fits(host: str, names: set[str]) -> bool:
    lower = host.lower()
    return lower in names or f"*.{lower.partition('.')[2]}" in names


def _days(span: timedelta) -> str:
    return f"{span.days} day{'' if span.days == 1 else 's'}"


def _say(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error)[:200]
