"""What a client wants kept beside the bytes."""

from deployer.sandbox.loopback import Request
from deployer.sandbox.s3.refusal import RefusedError

__all__ = ["kept_headers", "read_metadata"]

_META = "x-amz-meta-"
_KEPT = (
    "Content-Type",
    "Content-Disposition",
    "Content-Language",
    "Cache-Control",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
)
_REFUSED = (
    "x-amz-server-side-encryption-customer-key",
    "x-amz-acl",
    "x-amz-tagging",
    "x-amz-object-lock-mode",
)


def kept_headers(request: Request) -> dict[str, str]:
    """Return the headers that come back with every read; refuses what would be ignored."""
    for name in _REFUSED:
        if request.header(name):
            raise RefusedError(501, "NotImplemented", f"{name} is not stood in for")
    kept = {name: value for name in _KEPT if (value := request.header(name))}
    encodings = (request.header("Content-Encoding") or "").split(",")
    encoding = ",".join(one for one in encodings if one.strip() not in ("", "aws-chunked"))
    return kept | ({"Content-Encoding": encoding} if encoding else {})


def read_metadata(request: Request) -> dict[str, str]:
    """Return the user metadata, names in lower case."""
    return {
        name[len(_META) :].lower(): value
        for name, value in request.headers.items()
        if name.lower().startswith(_META)
    }
