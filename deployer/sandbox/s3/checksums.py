"""The service's five checksums, of whole objects, of parts, and of parts' checksums.

By the S3 User Guide, "Checking object integrity in Amazon S3".
"""

import base64
import binascii
import hashlib
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import anycrc

from deployer.sandbox.checksums import crc32c_of
from deployer.sandbox.s3.refusal import RefusedError

__all__ = [
    "ALGORITHMS",
    "COMPOSITE",
    "FULL_OBJECT",
    "Checksum",
    "check_type",
    "compose",
    "compute",
    "find_claim",
    "verify",
]

FULL_OBJECT = "FULL_OBJECT"
COMPOSITE = "COMPOSITE"
_PREFIX = "x-amz-checksum-"
_CRC64 = anycrc.Model("CRC64-NVME")


ALGORITHMS: Mapping[str, Callable[[bytes], bytes]] = {
    "CRC64NVME": lambda data: _CRC64.calc(data).to_bytes(8, "big"),
    "CRC32": lambda data: zlib.crc32(data).to_bytes(4, "big"),
    "CRC32C": crc32c_of,
    "SHA1": lambda data: hashlib.sha1(data, usedforsecurity=False).digest(),
    "SHA256": lambda data: hashlib.sha256(data).digest(),
}
"""By name; the first is what the service computes by itself when a client sends none."""

_TYPES = {
    "CRC64NVME": (FULL_OBJECT,),
    "CRC32": (COMPOSITE, FULL_OBJECT),
    "CRC32C": (COMPOSITE, FULL_OBJECT),
    "SHA1": (COMPOSITE,),
    "SHA256": (COMPOSITE,),
}
"""What a multipart upload may have, the default first."""


@dataclass(frozen=True, slots=True)
class Checksum:
    """One checksum: its algorithm, its value in base64 (``-N`` behind it when composite)."""

    algorithm: str
    value: str
    type: str = FULL_OBJECT

    @property
    def header(self) -> str:
        """The name of the header it travels in."""
        return _PREFIX + self.algorithm.lower()

    @property
    def element(self) -> str:
        """The name of the XML element it travels in."""
        return "Checksum" + self.algorithm


def compute(algorithm: str, data: bytes) -> Checksum:
    """Return the checksum of the data."""
    return Checksum(algorithm, base64.b64encode(ALGORITHMS[algorithm](data)).decode())


def compose(algorithm: str, parts: Sequence[str]) -> Checksum:
    """Return the checksum of the parts' checksums, each in base64."""
    raw = b"".join(base64.b64decode(part) for part in parts)
    value = f"{compute(algorithm, raw).value}-{len(parts)}"
    return Checksum(algorithm, value, COMPOSITE)


def check_type(algorithm: str, wanted: str | None) -> str:
    """Return the type a multipart upload has; refuses one that the algorithm cannot have."""
    if algorithm not in _TYPES:
        raise RefusedError(400, "InvalidRequest", f"Checksum algorithm {algorithm} is not known.")
    if wanted is None:
        return _TYPES[algorithm][0]
    if wanted not in _TYPES[algorithm]:
        message = f"The {wanted} checksum type cannot be used with the {algorithm} algorithm."
        raise RefusedError(400, "InvalidRequest", message)
    return wanted


def find_claim(headers: Mapping[str, str]) -> Checksum | None:
    """Return the one checksum among headers or trailers, names in lower case.

    Refuses two, and one that is not base64 of its algorithm's length.
    """
    claims = [
        Checksum(name, headers[_PREFIX + name.lower()])
        for name in ALGORITHMS
        if _PREFIX + name.lower() in headers
    ]
    if len(claims) > 1:
        message = (
            "Expecting a single x-amz-checksum- header. Multiple checksum types are not allowed."
        )
        raise RefusedError(400, "InvalidRequest", message)
    for claim in claims:
        _check_form(claim)
    return claims[0] if claims else None


def verify(claim: Checksum, data: bytes) -> Checksum:
    """Return the claim when it holds of the data."""
    if compute(claim.algorithm, data).value != claim.value:
        message = f"The {claim.algorithm} you specified did not match the calculated checksum."
        raise RefusedError(400, "BadDigest", message)
    return claim


def _check_form(claim: Checksum) -> None:
    value, _, parts = claim.value.partition("-")
    try:
        right = len(base64.b64decode(value, validate=True)) == len(ALGORITHMS[claim.algorithm](b""))
    except binascii.Error:
        right = False
    if not right or not (parts or "0").isdigit():
        message = f"Value for {claim.header} header is invalid."
        raise RefusedError(400, "InvalidRequest", message)
