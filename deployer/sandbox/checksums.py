"""The checksums that the clouds put on the wire, in base64.

CRC-32C comes from another library than the clients' here: neither can be wrong alone.
"""

import base64
import hashlib

from deployer.checksums import checksum_of

__all__ = ["crc32c_base64", "crc32c_of", "crc64_base64", "md5_base64"]


def crc32c_of(body: bytes) -> bytes:
    """Return the CRC-32C of the body, big-endian."""
    import google_crc32c  # noqa: PLC0415 - comes with the extra

    value: int = google_crc32c.value(body)
    return value.to_bytes(4, "big")


def crc32c_base64(body: bytes) -> str:
    """Return Google Cloud Storage's ``crc32c`` of the body."""
    return base64.b64encode(crc32c_of(body)).decode()


def crc64_base64(body: bytes) -> str:
    """Return Azure's ``x-ms-content-crc64`` of the body: the lowest byte first."""
    found = bytes.fromhex(checksum_of("crc64nvme", body))
    return base64.b64encode(found[::-1]).decode()


def md5_base64(body: bytes) -> str:
    """Return the ``Content-MD5`` of the body."""
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
