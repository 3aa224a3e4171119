"""The checksums that stores keep beside their objects, each as a hasher that takes bytes in order.

The names are those of `ObjectInfo.checksums`. All detect damage; none but sha256 is asked to detect
malice.
"""

import hashlib
import zlib
from typing import Protocol

__all__ = ["Crc32", "Hasher", "new_crc32c", "new_md5"]


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
