"""Blob copies within one storage account: the bytes never pass here."""

from collections.abc import Mapping
from typing import Any

from deployer.errors import PreconditionError, ProviderError, SetupError, TransientError
from deployer.ports import ObjectInfo, ObjectStore
from deployer.providers.azure.container import BlobContainer
from deployer.providers.location import parse_location
from deployer.providers.proof import prove_copy

__all__ = ["copy_blob"]


def copy_blob(
    store: ObjectStore,
    container: BlobContainer,
    key: str,
    *,
    url: str,
    info: ObjectInfo,
    metadata: Mapping[str, str],
) -> ObjectInfo | None:
    """See `ObjectStore.copy`. None, too, when the service refuses: it copies within an account.

    Into an encryption scope, or with a customer's key, it copies nothing in the background, so that
    is not tried.

    Copy Blob works in the background of the service; until it is done the copy is pending, and is
    asked for again as any call that may work later.
    """
    if not url.startswith("az://") or container.scope or container.customer_key:
        return None
    try:
        container.call("copy to", key, lambda: _start(container, key, url, info, metadata))
    except (PreconditionError, TransientError):
        raise
    except (ProviderError, SetupError):
        return None
    container.call("copy to", key, lambda: _check_done(container, key))
    copied = store.head(key)
    return None if copied is None else prove_copy(copied, info)


def _start(
    container: BlobContainer, key: str, url: str, info: ObjectInfo, metadata: Mapping[str, str]
) -> None:
    from azure.core import MatchConditions

    source = parse_location(url, scheme="az")
    account: Any = container.client()
    origin = account._get_blob_service_client().get_blob_client(  # noqa: SLF001 - the SDK gives a container no public way to its account
        source.bucket, source.full_key(info.key)
    )
    container.blob(key).start_copy_from_url(
        origin.url,
        metadata={**metadata},
        source_etag=f'"{info.version}"',
        source_match_condition=MatchConditions.IfNotModified,
    )


def _check_done(container: BlobContainer, key: str) -> None:
    copy = container.blob(key).get_blob_properties().copy
    resource = container.location.describe(key)
    if copy.status == "pending":
        raise TransientError(
            f"the copy to {resource} is under way", operation="copy to", resource=resource
        )
    if copy.status not in {None, "success"}:
        raise ProviderError(
            f"the copy to {resource} ended as {copy.status}", operation="copy to", resource=resource
        )
