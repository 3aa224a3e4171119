"""Small values that everything speaks: no I/O, no imports from the rest."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

__all__ = [
    "LATENCY_BOUNDS",
    "ROUTER_STATUS",
    "Cloud",
    "Digest",
    "Json",
    "Money",
    "canonical_json",
    "digest_of",
    "format_count",
]

Json = Any
"""What ``json.loads`` returns."""


class Cloud(StrEnum):
    """A provider's name in the spec."""

    AWS = "aws"
    GCP = "gcp"
    AZURE = "azure"
    KUBERNETES = "kubernetes"
    LOCAL = "local"


LATENCY_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Seconds at which routers count answers: a goal between two of them could only be guessed at."""

ROUTER_STATUS = "deployer/router-status/v1"
"""The schema of the page on which routers say what they see."""

_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """A sha256, written ``sha256:<64 hex digits>``."""

    hex: str

    def __post_init__(self) -> None:
        if not _HEX.fullmatch(self.hex):
            raise ValueError(f"not a sha256 in hexadecimal: {self.hex[:80]!r}")

    @classmethod
    def parse(cls, text: str) -> "Digest":
        """Read ``sha256:<hex>``; a bare ``<hex>`` is accepted.

        Raises:
            ValueError: It is neither.
        """
        return cls(text.strip().removeprefix("sha256:"))

    @property
    def short(self) -> str:
        """The first twelve digits, for people."""
        return self.hex[:12]

    def __str__(self) -> str:
        return f"sha256:{self.hex}"


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in one currency; amounts of different currencies do not add."""

    amount: Decimal
    currency: str = "USD"

    def __add__(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}")
        return Money(self.amount + other.amount, self.currency)

    def __mul__(self, factor: Decimal | int) -> "Money":
        return Money(self.amount * factor, self.currency)

    def __str__(self) -> str:
        return f"{self.amount:,.2f} {self.currency}"


def canonical_json(document: Json) -> bytes:
    """Encode so that equal documents give equal bytes.

    Sorted keys, no spaces, UTF-8: RFC 8785's form for the types we use, as no floats that need its
    number rules are ever digested.
    """
    import json  # noqa: PLC0415 - `--help` reads this module and encodes nothing

    return json.dumps(
        document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def digest_of(document: Mapping[str, Json] | list[Json]) -> Digest:
    """Return the sha256 of the canonical JSON of ``document``."""
    import hashlib  # noqa: PLC0415 - the same

    return Digest(hashlib.sha256(canonical_json(document)).hexdigest())


def format_count(number: int, noun: str) -> str:
    """Return ``1 object``, ``2 objects``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
