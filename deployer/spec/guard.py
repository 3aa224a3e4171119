"""The spec's ``routing.guard``: who may ask, and how often. Hashes and public keys only."""

import json
from typing import Annotated, Literal

from pydantic import Field

from deployer.spec.part import Part
from deployer.spec.scalars import HEADER, HTTP, PATH, SHA256, DnsLabel, Seconds, Text
from deployer.values import Json

__all__ = ["Cors", "Guard", "Key", "Rate", "Tokens", "parse_public_keys"]

_PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
"""What only private and shared keys have (RFC 7518, 6.2.2, 6.3.2 and 6.4)."""


class Rate(Part):
    """A token bucket."""

    per_second: float = Field(gt=0, le=1e6, description="Requests a second, for long.")
    burst: int = Field(1, ge=1, le=1_000_000, description="Requests at once.")


class Key(Part):
    """An API key, by its hash: `deployer router key` makes both."""

    name: DnsLabel = Field(description="Whose it is; shown instead of the key.")
    sha256: Annotated[str, Field(pattern=SHA256)] = Field(description="The hash, in hexadecimal.")
    rate: Rate | None = Field(None, description="Instead of the guard's rate.")
    paths: tuple[Annotated[str, Field(pattern=PATH)], ...] = Field(
        (), description="What it is for: these and all below; everything when left out."
    )


class Tokens(Part):
    """Which JSON Web Tokens are accepted."""

    jwks: Text = Field(description="A JWK Set of public keys: a file, recorded with each release.")
    algorithm: Literal["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"] = Field(
        "RS256", description="The one algorithm; a token's own word for it is not asked."
    )
    issuer: Text | None = Field(None, description="Who must have issued it.")
    audience: Text | None = Field(None, description="Whom it must be for.")
    leeway: Seconds = Field(30.0, description="By how much clocks may differ.")


class Cors(Part):
    """Which pages of other origins may ask, from within a browser."""

    origins: tuple[Annotated[str, Field(pattern=HTTP)] | Literal["*"], ...] = Field(
        min_length=1, description="Such as https://app.example.com, or *."
    )
    methods: tuple[Text, ...] = Field(("GET", "POST"), description="What they may do.")
    headers: tuple[Annotated[str, Field(pattern=HEADER)], ...] = Field(
        ("Content-Type", "Authorization", "X-API-Key"), description="What they may send."
    )
    max_age: Seconds = Field(600.0, description="How long a browser may remember that.")


class Guard(Part):
    """Who may ask, and how often. With keys or tokens every request needs one of them."""

    header: Annotated[str, Field(pattern=HEADER)] = Field(
        "X-API-Key", description="Where an API key stands."
    )
    keys: tuple[Key, ...] = Field((), description="API keys, by their hashes.")
    tokens: Tokens | None = Field(None, description="JSON Web Tokens, in Authorization: Bearer.")
    rate: Rate | None = Field(
        None, description="Of each caller; of each address where nobody needs a key."
    )
    cors: Cors | None = Field(None, description="Pages of other origins that may ask.")
    public: tuple[Annotated[str, Field(pattern=PATH)], ...] = Field(
        (), description="Paths below which no key and no token is needed."
    )


def parse_public_keys(text: str) -> Json:
    """Return the keys of a JWK Set (RFC 7517), which may have no private part.

    Raises:
        ValueError: It is none, or it would give a secret away.
    """
    document = json.loads(text)
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list) or not keys or not all(isinstance(key, dict) for key in keys):
        raise ValueError('expected {"keys": […]} with at least one key')
    if any(key.get("kty") == "oct" or _PRIVATE & set(key) for key in keys):
        raise ValueError("it holds a private or a shared key; only public ones may be recorded")
    return keys
