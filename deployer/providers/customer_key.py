"""A key that a customer keeps, and that goes with each request which reads or writes an object.

The service encrypts with it, keeps a digest of it, and forgets it. A reference says where it is:
``env:NAME`` or ``file:PATH``. Only the reference is ever written down; the key is read when a store
is first used, and goes over TLS or to this very machine.
"""

import base64
import binascii
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from deployer.errors import AccessDeniedError, ProviderError, SetupError, TransientError

__all__ = ["CustomerKey", "key_explained", "read_customer_key"]

_BYTES = 32
_HINT = "It is 32 random bytes in base64: openssl rand -base64 32"


@dataclass(frozen=True, slots=True)
class CustomerKey:
    """A key of AES-256, and its digests, in base64. Never shown in a repr."""

    value: str = field(repr=False)
    md5: str
    sha256: str


def read_customer_key(reference: str, url: str) -> CustomerKey | None:
    """Return the key that ``reference`` names, for a service at ``url``; None for no reference.

    Raises:
        SetupError: It is not there, is no key, or would travel in the clear.
    """
    if not reference:
        return None
    if url.startswith("http://") and not _is_here(urlsplit(url).hostname or ""):
        raise SetupError(
            f"the customer key {reference} would go to {url} in the clear",
            hint="Use an endpoint with https://.",
        )
    raw = _decode(reference, _read(reference))
    return CustomerKey(
        base64.b64encode(raw).decode(),
        base64.b64encode(hashlib.md5(raw, usedforsecurity=False).digest()).decode(),
        base64.b64encode(hashlib.sha256(raw).digest()).decode(),
    )


@contextmanager
def key_explained(reference: str) -> Iterator[None]:
    """Say of what a store refuses that another key may be the reason."""
    try:
        yield
    except TransientError:
        raise
    except ProviderError as error:
        if reference and type(error) in (AccessDeniedError, ProviderError):
            hint = f"Was it written with another customer key than {reference}?"
            error.hint = f"{error.hint} {hint}" if error.hint else hint
        raise


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _read(reference: str) -> bytes:
    kind, _, name = reference.partition(":")
    if kind == "env":
        text = os.environ.get(name, "")
        if not text:
            raise SetupError(f"the customer key {reference} is not set", hint=_HINT)
        return text.encode()
    if kind != "file" or not name:
        raise SetupError(
            "a customer key is named as env:NAME or file:PATH", hint="Never write the key itself."
        )
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise SetupError(f"the customer key {reference} can't be read: {error.strerror}") from error


def _decode(reference: str, found: bytes) -> bytes:
    try:
        raw = found if len(found) == _BYTES else base64.b64decode(found.strip(), validate=True)
    except binascii.Error:
        raw = b""
    if len(raw) != _BYTES:
        raise SetupError(f"the customer key {reference} is no key", hint=_HINT)
    return raw
