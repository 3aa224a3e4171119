"""The checksums that stores keep beside their objects: hashers, and CRCs put together from parts.

The names are those of `ObjectInfo.checksums`. All detect damage; none but sha256 is asked to detect
malice.
"""

import hashlib
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

__all__ = [
    "Crc32",
    "Crc64Nvme",
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


class Crc64Nvme:
    """CRC-64/NVME as a `Hasher`, big-endian: S3's CRC64NVME; Azure's CRC64 is the same.

    Its polynomial is that of both: the S3 User Guide's name says so, Azure's SDKs have it in their
    tables (0x9A6C9329AC4BC9B5 in reflected order).
    """

    def __init__(self) -> None:
        import anycrc  # noqa: PLC0415 - comes with the stores that use it

        self._crc = anycrc.Model("CRC64-NVME")
        self._value = 0

    def update(self, data: bytes, /) -> None:
        """See `Hasher.update`."""
        self._value = self._crc.calc(data, self._value)

    def digest(self) -> bytes:
        """See `Hasher.digest`."""
        return self._value.to_bytes(8, "big")


def new_md5() -> Hasher:
    """Return a hasher for MD5: what Azure Blob Storage keeps, and S3 for small objects."""
    return hashlib.md5(usedforsecurity=False)


_HASHERS: Mapping[str, Callable[[], Hasher]] = {
    "sha256": hashlib.sha256,
    "crc32c": new_crc32c,
    "crc32": Crc32,
    "crc64nvme": Crc64Nvme,
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


_POLYNOMIALS = {
    "crc32": (32, 0xEDB88320),
    "crc32c": (32, 0x82F63B78),
    "crc64nvme": (64, 0x9A6C9329AC4BC9B5),
}
"""Bits and polynomial, bit-reflected, as all three are defined (RFC 1952; RFC 3720, appendix B.4;
NVM Express NVM Command Set 1.0, section 5.2.1.3.4)."""


def combine_crcs(algorithm: str, parts: Iterable[tuple[str, int]]) -> str:
    """Return the CRC of bytes of which only each part's CRC (hex) and size are known, in order.

    Appending ``n`` bytes multiplies what is there by x^(8n) modulo the polynomial (the method of
    zlib's ``crc32_combine``).
    """
    field = _Field(*_POLYNOMIALS[algorithm])
    whole = 0
    shifts: dict[int, int] = {}
    for checksum, size in parts:
        if size not in shifts:
            shifts[size] = field.power_of_x(8 * size)
        whole = field.multiply(shifts[size], whole) ^ int(checksum, 16)
    return f"{whole:0{field.bits // 4}x}"


@dataclass(frozen=True, slots=True)
class _Field:
    """Polynomials over GF(2) modulo one of them, all of them bit-reflected."""

    bits: int
    polynomial: int

    def power_of_x(self, exponent: int) -> int:
        power, square = self._one, self._one >> 1
        while exponent:
            if exponent & 1:
                power = self.multiply(square, power)
            square = self.multiply(square, square)
            exponent >>= 1
        return power

    def multiply(self, one: int, other: int) -> int:
        product, bit = 0, self._one
        while bit:
            if one & bit:
                product ^= other
            other = (other >> 1) ^ (self.polynomial if other & 1 else 0)
            bit >>= 1
        return product

    @property
    def _one(self) -> int:
        """x^0 in the reflected order of bits: the neutral element of `multiply`."""
        return 1 << (self.bits - 1)
