"""The checksums that stores keep beside their objects: hashers, and CRCs put together from parts.

The names are those of `ObjectInfo.checksums`. All detect damage; none but sha256 is asked to detect
malice.
"""

import hashlib
import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

__all__ = [
    "Crc32",
    "Hasher",
    "checksum_of",
    "combine_crcs",
    "new_crc32c",
    "new_hasher",
    "new_md5",
]


class Hasher(Protocol):
    """What `hashlib` objects are."""

    def update(self, data: bytes, /) -> None:
        """Take the next bytes."""
        ...

    def digest(self) -> bytes:
        """Return the digest of all bytes taken."""
        ...


class Crc32:
    """CRC-32 (ISO-HDLC) as a `Hasher`, big-endian: what S3 calls CRC32."""

    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes, /) -> None:
        """See `Hasher.update`."""
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        """See `Hasher.digest`."""
        return self._value.to_bytes(4, "big")


def new_crc32c() -> Hasher:
    """Return a hasher for CRC-32C (Castagnoli), big-endian: what Google Cloud Storage keeps.

    It is computed by the package that comes with that store's SDK.
    """
    import google_crc32c  # noqa: PLC0415 - comes with the one SDK whose store uses it

    checksum: Hasher = google_crc32c.Checksum()  # type: ignore[no-untyped-call]
    return checksum


def new_md5() -> Hasher:
    """Return a hasher for MD5: what Azure Blob Storage keeps, and S3 for small objects."""
    return hashlib.md5(usedforsecurity=False)


_HASHERS: Mapping[str, Callable[[], Hasher]] = {
    "sha256": hashlib.sha256,
    "crc32c": new_crc32c,
    "crc32": Crc32,
    "md5": new_md5,
}


def new_hasher(algorithm: str) -> Hasher:
    """Return a hasher by its name; a `KeyError` is a defect."""
    return _HASHERS[algorithm]()


def checksum_of(algorithm: str, data: bytes) -> str:
    """Return the checksum of ``data`` in lower-case hex."""
    hasher = new_hasher(algorithm)
    hasher.update(data)
    return hasher.digest().hex()


_POLYNOMIALS = {"crc32": 0xEDB88320, "crc32c": 0x82F63B78}
"""Bit-reflected, as both CRCs are defined (RFC 1952; RFC 3720, appendix B.4)."""

_ONE = 1 << 31
"""x^0 in the reflected order of bits: the neutral element of `_multiply`."""


def combine_crcs(algorithm: str, parts: Iterable[tuple[str, int]]) -> str:
    """Return the CRC of bytes of which only each part's CRC (hex) and size are known, in order.

    Appending ``n`` bytes multiplies what is there by x^(8n) modulo the polynomial (the method of
    zlib's ``crc32_combine``).
    """
    polynomial = _POLYNOMIALS[algorithm]
    whole = 0
    shifts: dict[int, int] = {}
    for checksum, size in parts:
        if size not in shifts:
            shifts[size] = _power_of_x(8 * size, polynomial)
        whole = _multiply(shifts[size], whole, polynomial) ^ int(checksum, 16)
    return f"{whole:08x}"


def _power_of_x(exponent: int, polynomial: int) -> int:
    power, square = _ONE, _ONE >> 1
    while exponent:
        if exponent & 1:
            power = _multiply(square, power, polynomial)
        square = _multiply(square, square, polynomial)
        exponent >>= 1
    return power


def _multiply(one: int, other: int, polynomial: int) -> int:
    """Multiply two polynomials over GF(2) modulo ``polynomial``, all of them bit-reflected."""
    product, bit = 0, _ONE
    while bit:
        if one & bit:
            product ^= other
        other = (other >> 1) ^ (polynomial if other & 1 else 0)
        bit >>= 1
    return product
