"""Keys that a client sends with each request: that they are keys, and the right ones.

The three services do it alike: AES256, a key of 32 bytes and a digest of it in base64. They keep
the digest with what was written, and refuse who reads it without that key.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from enum import Enum, auto
from typing import Self

from deployer.sandbox.loopback import Request

__all__ = ["KeyHeaders", "Match", "NoKeyError"]

_BYTES = 32


class NoKeyError(Exception):
    """What was sent as a key is none."""


class Match(Enum):
    """How the key of a request goes with that of an object."""

    RIGHT = auto()
    MISSING = auto()
    WRONG = auto()


@dataclass(frozen=True, slots=True)
class KeyHeaders:
    """The names of a service's three headers, and what its digest is: ``md5`` or ``sha256``."""

    algorithm: str
    key: str
    digest: str
    hash: str

    @classmethod
    def of(cls, prefix: str, digest: str) -> Self:
        """Return those that begin with ``prefix``."""
        name = {"md5": "key-MD5", "sha256": "key-sha256"}[digest]
        return cls(f"{prefix}-algorithm", f"{prefix}-key", f"{prefix}-{name}", digest)

    def read(self, request: Request) -> str:
        """Return the digest of the key that came with a request; empty when none did.

        Raises:
            NoKeyError: One of the headers is missing, or does not go with the others.
        """
        algorithm, key, digest = (
            request.header(name) or "" for name in (self.algorithm, self.key, self.digest)
        )
        if not (algorithm or key or digest):
            return ""
        if algorithm != "AES256":
            raise NoKeyError(f"{self.algorithm} must be AES256")
        try:
            raw = base64.b64decode(key, validate=True)
        except binascii.Error as error:
            raise NoKeyError(f"{self.key} is not base64") from error
        found = hashlib.new(self.hash, raw, usedforsecurity=False).digest()
        if len(raw) != _BYTES or base64.b64encode(found).decode() != digest:
            raise NoKeyError(
                f"{self.key} is no key of 256 bits, or {self.digest} is not its digest"
            )
        return digest

    def match(self, request: Request, kept: str) -> Match:
        """Return how the key of ``request`` goes with the digest ``kept`` (empty for no key)."""
        found = self.read(request)
        if found == kept:
            return Match.RIGHT
        return Match.WRONG if found and kept else Match.MISSING
