"""The checksums that the clouds put on the wire, in base64."""

import base64
import hashlib

from deployer.checksums import Crc64Nvme, new_crc32c

__all__ = ["crc32c_base64", "crc64_base64", "md5_base64"]


def crc32c_base64(body: bytes) -> str:
    """Return Google Cloud Storage's ``crc32c`` of the body."""
    hasher = new_crc32c()
    hasher.update(body)
    return base64.b64encode(hasher.digest()).decode()


def crc64_base64(body: bytes) -> str:
    """Return Azure's ``x-ms-content-crc64`` of the body: the lowest byte first."""
    hasher = Crc64Nvme()
    hasher.update(body)
    return base64.b64encode(hasher.digest()[::-1]).decode()


def md5_base64(body: bytes) -> str:
    """Return the ``Content-MD5`` of the body."""
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
