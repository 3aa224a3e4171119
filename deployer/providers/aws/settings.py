"""A bucket's settings as headers, on the SDK's requests and on our own."""

from typing import Any

from deployer.ports import StoreSettings

__all__ = ["creating_headers", "register_settings", "standing_headers"]

_CREATING = ("PutObject", "CreateMultipartUpload", "CopyObject")


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


def register_settings(client: Any, settings: StoreSettings) -> None:
    """Have the SDK send them, too, before it signs."""
    _add_headers(client, "before-call.s3", standing_headers(settings))
    for operation in _CREATING:
        _add_headers(client, f"before-call.s3.{operation}", creating_headers(settings))


def _add_headers(client: Any, event: str, headers: dict[str, str]) -> None:
    def add(params: Any, **_: Any) -> None:
        params["headers"].update(headers)

    if headers:
        client.meta.events.register(event, add)
