"""Customer-provided keys, as Blob Storage takes them ("Provide an encryption key on a request")."""

from deployer.sandbox.blob.refusal import RefusedError
from deployer.sandbox.customer_keys import KeyHeaders, Match, NoKeyError
from deployer.sandbox.loopback import Request

__all__ = ["check_key", "read_key"]

_KEY = KeyHeaders.of("x-ms-encryption", "sha256")
_SOURCE = KeyHeaders.of("x-ms-source-encryption", "sha256")


def read_key(request: Request) -> str:
    """Return the digest of the key that something is to be written with; empty for none."""
    try:
        return _KEY.read(request)
    except NoKeyError as error:
        raise _no_key(error) from error


def check_key(request: Request, kept: str, *, source: bool = False) -> None:
    """Refuse a request for what was written with another key, or with one at all."""
    match = _match(request, kept, _SOURCE if source else _KEY)
    if match is Match.RIGHT:
        return
    if match is Match.MISSING and kept:
        message = (
            "The blob is encrypted with customer specified encryption, but it was not provided in "
            "the request."
        )
        raise RefusedError(409, "BlobUsesCustomerSpecifiedEncryption", message)
    message = "The given customer specified encryption does not match that of the blob."
    raise RefusedError(409, "BlobCustomerSpecifiedEncryptionMismatch", message)


def _match(request: Request, kept: str, headers: KeyHeaders) -> Match:
    try:
        return headers.match(request, kept)
    except NoKeyError as error:
        raise _no_key(error) from error


def _no_key(error: NoKeyError) -> RefusedError:
    return RefusedError(400, "InvalidHeaderValue", str(error))
