"""What a client wants kept beside the bytes."""

from collections.abc import Mapping

from deployer.sandbox.customer_keys import KeyHeaders, Match, NoKeyError
from deployer.sandbox.loopback import Request
from deployer.sandbox.s3.refusal import RefusedError

__all__ = ["check_key", "kept_headers", "read_metadata"]

_META = "x-amz-meta-"
_CUSTOMER = "server-side-encryption-customer"
_KEY = KeyHeaders.of(f"x-amz-{_CUSTOMER}", "md5")
_SOURCE = KeyHeaders.of(f"x-amz-copy-source-{_CUSTOMER}", "md5")
_KEPT = (
    "Content-Type",
    "Content-Disposition",
    "Content-Language",
    "Cache-Control",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
)
_REFUSED = (
    "x-amz-acl",
    "x-amz-tagging",
    "x-amz-object-lock-mode",
)


def kept_headers(request: Request) -> dict[str, str]:
    """Return the headers that come back with every read; refuses what would be ignored."""
    for name in _REFUSED:
        if request.header(name):
            raise RefusedError(501, "NotImplemented", f"{name} is not stood in for")
    if digest := _read_key(request):
        return _kept(request) | {_KEY.algorithm: "AES256", _KEY.digest: digest}
    return _kept(request)


def check_key(request: Request, kept: Mapping[str, str], *, source: bool = False) -> None:
    """Refuse a request for what was written with another key: ``kept`` by `kept_headers`."""
    try:
        match = (_SOURCE if source else _KEY).match(request, kept.get(_KEY.digest, ""))
    except NoKeyError as error:
        raise RefusedError(400, "InvalidArgument", str(error)) from error
    if match is Match.WRONG:
        message = "The provided encryption parameters did not match the ones used originally."
        raise RefusedError(403, "AccessDenied", message)
    if match is Match.MISSING:
        message = (
            "The object was stored using a form of Server Side Encryption. The correct parameters "
            "must be provided to retrieve the object."
            if _KEY.digest in kept
            else "The encryption parameters are not applicable to this object."
        )
        raise RefusedError(400, "InvalidRequest", message)


def _read_key(request: Request) -> str:
    try:
        return _KEY.read(request)
    except NoKeyError as error:
        raise RefusedError(400, "InvalidArgument", str(error)) from error


def _kept(request: Request) -> dict[str, str]:
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
