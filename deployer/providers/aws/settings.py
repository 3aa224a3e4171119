"""A bucket's settings as headers, on the SDK's requests and on our own."""

from typing import Any

from deployer.ports import StoreSettings
from deployer.providers.customer_key import CustomerKey, read_customer_key

__all__ = ["creating_headers", "key_headers", "register_settings", "standing_headers"]

_CREATING = ("PutObject", "CreateMultipartUpload", "CopyObject")
_KEYED = (
    "PutObject",
    "CreateMultipartUpload",
    "UploadPart",
    "UploadPartCopy",
    "CopyObject",
    "ListParts",
    "CompleteMultipartUpload",
    "GetObject",
    "HeadObject",
)
"""What takes a customer's key (S3 User Guide, "Using server-side encryption with customer-provided
keys"); of a copy, this is the key of what is made."""


def standing_headers(settings: StoreSettings) -> dict[str, str]:
    """Return what goes with every request."""
    return {"x-amz-request-payer": "requester"} if settings.payer else {}


def creating_headers(settings: StoreSettings) -> dict[str, str]:
    """Return what goes with a request that makes an object, or begins to."""
    if not settings.encryption:
        return {}
    return {
        "x-amz-server-side-encryption": "aws:kms",
        "x-amz-server-side-encryption-aws-kms-key-id": settings.encryption,
    }


def key_headers(key: CustomerKey | None) -> dict[str, str]:
    """Return what goes with a request that reads or writes an object's bytes."""
    if key is None:
        return {}
    prefix = "x-amz-server-side-encryption-customer"
    return {
        f"{prefix}-algorithm": "AES256",
        f"{prefix}-key": key.value,
        f"{prefix}-key-MD5": key.md5,
    }


def register_settings(client: Any, settings: StoreSettings) -> None:
    """Have the SDK send them, too, before it signs."""
    _add_headers(client, "before-call.s3", standing_headers(settings))
    for operation in _CREATING:
        _add_headers(client, f"before-call.s3.{operation}", creating_headers(settings))
    key = read_customer_key(settings.customer_key, client.meta.endpoint_url)
    for operation in _KEYED:
        _add_headers(client, f"before-call.s3.{operation}", key_headers(key))


def _add_headers(client: Any, event: str, headers: dict[str, str]) -> None:
    def add(params: Any, **_: Any) -> None:
        params["headers"].update(headers)

    if headers:
        client.meta.events.register(event, add)
