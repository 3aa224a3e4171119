"""What goes with written bytes so that the service can check them: headers, and the SDK's words.

Amazon checks CRC-64/NVME and keeps it. A store that only speaks S3 may know neither; what all of
them check is the MD5 of a body, and what they hold is read back.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from deployer.ports import Chunk, StoreSettings
from deployer.providers.aws.checksums import ALGORITHM, CHECKSUM, FIELD, HEADER, to_base64

__all__ = ["Seal", "make_seal"]


class Seal(Protocol):
    """How one store is shown what the bytes are."""

    def headers(self, chunk: Chunk) -> dict[str, str]:
        """Return the headers of a body."""
        ...

    def arguments(self, chunk: Chunk) -> dict[str, Any]:
        """Return the same as the SDK takes it."""
        ...

    def begin(self) -> dict[str, Any]:
        """Return what the SDK begins an upload with."""
        ...

    def complete(self, checksum: str, size: int) -> dict[str, Any]:
        """Return what the SDK completes an upload with."""
        ...

    def known(self, chunk: Chunk) -> Mapping[str, str]:
        """Return the checksums that the store has checked."""
        ...


def make_seal(settings: StoreSettings) -> Seal:
    """Return what the store understands."""
    return _Md5() if settings.compat else _Crc()


class _Crc:
    def headers(self, chunk: Chunk) -> dict[str, str]:
        checksum = to_base64(chunk.checksum(CHECKSUM))
        return {HEADER: checksum, "x-amz-sdk-checksum-algorithm": ALGORITHM}

    def arguments(self, chunk: Chunk) -> dict[str, Any]:
        return {"ChecksumAlgorithm": ALGORITHM, FIELD: to_base64(chunk.checksum(CHECKSUM))}

    def begin(self) -> dict[str, Any]:
        return {"ChecksumAlgorithm": ALGORITHM, "ChecksumType": "FULL_OBJECT"}

    def complete(self, checksum: str, size: int) -> dict[str, Any]:
        whole = {FIELD: to_base64(checksum), "ChecksumType": "FULL_OBJECT"}
        return {**whole, "MpuObjectSize": size}

    def known(self, chunk: Chunk) -> Mapping[str, str]:
        return {CHECKSUM: chunk.checksum(CHECKSUM)}


class _Md5:
    def headers(self, chunk: Chunk) -> dict[str, str]:
        return {"Content-MD5": to_base64(chunk.checksum("md5"))}

    def arguments(self, chunk: Chunk) -> dict[str, Any]:
        return {"ContentMD5": to_base64(chunk.checksum("md5"))}

    def begin(self) -> dict[str, Any]:
        return {}

    def complete(self, checksum: str, size: int) -> dict[str, Any]:
        del checksum, size
        return {}

    def known(self, chunk: Chunk) -> Mapping[str, str]:
        return {"md5": chunk.checksum("md5")}
