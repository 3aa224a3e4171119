"""Customer-supplied keys, as Cloud Storage takes them ("Customer-supplied encryption keys")."""

from deployer.sandbox.customer_keys import KeyHeaders, Match, NoKeyError
from deployer.sandbox.gcs.refusal import RefusedError
from deployer.sandbox.loopback import Request

__all__ = ["check_key", "has_key", "read_key"]


_KEY = KeyHeaders.of("x-goog-encryption", "sha256")
_SOURCE = KeyHeaders.of("x-goog-copy-source-encryption", "sha256")


def read_key(request: Request) -> str:
    """Return the digest of the key that something is to be written with; empty for none."""
    try:
        return _KEY.read(request)
    except NoKeyError as error:
        raise RefusedError(400, "invalidParameter", str(error)) from error


def has_key(request: Request, kept: str) -> bool:
    """Say whether a request has the key with the digest ``kept``; refuses a wrong one."""
    match = _KEY.match(request, kept)
    if match is Match.WRONG:
        raise _wrong()
    return match is Match.RIGHT


def check_key(request: Request, kept: str, *, source: bool = False) -> None:
    """Refuse a request for bytes that were written with another key, or with one at all."""
    match = (_SOURCE if source else _KEY).match(request, kept)
    if match is Match.WRONG:
        raise _wrong()
    if match is Match.MISSING and kept:
        message = "The target object is encrypted by a customer-supplied encryption key."
        raise RefusedError(400, "resourceIsEncryptedWithCustomerEncryptionKey", message)
    if match is Match.MISSING:
        message = "The target object is not encrypted by a customer-supplied encryption key."
        raise RefusedError(400, "resourceNotEncryptedWithCustomerEncryptionKey", message)


def _wrong() -> RefusedError:
    message = "The provided encryption key is incorrect."
    return RefusedError(400, "customerEncryptionKeyIsIncorrect", message)
