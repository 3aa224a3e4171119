"""The checksums that stores keep beside their objects: hashers, and CRCs put together from parts.

The names are those of `ObjectInfo.checksums`. All detect damage; none but sha256 is asked to detect
malice.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, Protocol

__all__ = ["ALGORITHMS", "Buffer", "Crc", "Hasher", "checksum_of", "combine_crcs", "new_hasher"]

Buffer = bytes | memoryview
"""Bytes to read. A view may be of memory that is used again; whoever keeps bytes copies them."""


class Hasher(Protocol):
    """What `hashlib` objects are."""

    def update(self, data: Buffer, /) -> None:
        """Take the next bytes."""
        ...

    def digest(self) -> bytes:
        """Return the digest of all bytes taken."""
        ...


_MODELS: Mapping[str, tuple[str, int]] = {
    "crc32": ("CRC32", 4),
    "crc32c": ("CRC32C", 4),
    "crc64nvme": ("CRC64-NVME", 8),
}
"""As anycrc calls them, and their bytes. Azure's CRC64 is CRC-64/NVME: its SDKs have the polynomial
in their tables (0x9A6C9329AC4BC9B5 in reflected order)."""


class Crc:
    """A CRC as a `Hasher`, big-endian."""

    def __init__(self, algorithm: str) -> None:
        self._model = _model(algorithm)
        self._bytes = _MODELS[algorithm][1]
        self.value = 0

    def update(self, data: Buffer, /) -> None:
        """See `Hasher.update`."""
        self.value = self._model.calc(data, self.value)

    def append(self, value: int, size: int) -> None:
        """Take the next bytes, of which only the CRC and the size are known."""
        self.value = self._model.combine(self.value, value, size)

    def digest(self) -> bytes:
        """See `Hasher.digest`."""
        return int.to_bytes(self.value, self._bytes, "big")


_HASHERS: Mapping[str, Callable[[], Hasher]] = {
    "sha256": hashlib.sha256,
    "crc64nvme": lambda: Crc("crc64nvme"),
    "crc32c": lambda: Crc("crc32c"),
    "crc32": lambda: Crc("crc32"),
    "md5": lambda: hashlib.md5(usedforsecurity=False),
}

ALGORITHMS = tuple(_HASHERS)
"""All names, the one that proves most first."""


def new_hasher(algorithm: str) -> Hasher:
    """Return a hasher by its name; a `KeyError` is a defect."""
    return _HASHERS[algorithm]()


def checksum_of(algorithm: str, data: Buffer) -> str:
    """Return the checksum of ``data`` in lower-case hex."""
    hasher = new_hasher(algorithm)
    hasher.update(data)
    return hasher.digest().hex()


def combine_crcs(algorithm: str, parts: Iterable[tuple[str, int]]) -> str:
    """Return the CRC of bytes of which only each part's CRC (hex) and size are known, in order."""
    whole = Crc(algorithm)
    for checksum, size in parts:
        whole.append(int(checksum, 16), size)
    return whole.digest().hex()


@cache
def _model(name: str) -> Any:
    import anycrc  # noqa: PLC0415 - not for `--help`

    return anycrc.Model(_MODELS[name][0])
