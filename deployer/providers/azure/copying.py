"""Blob copies within one storage account: the bytes never pass here.

The service copies in the background (Copy Blob), or at once (Put Blob From URL). Only the second
takes an encryption scope and customers' keys: of the copy, and of the source since version
2026-02-06 of the service. It reads the source as a stranger does, so it is given a login for it.
"""

from collections.abc import Mapping

from deployer.errors import PreconditionError, ProviderError, SetupError, TransientError
from deployer.ports import ObjectInfo, ObjectStore
from deployer.providers.azure.container import BlobContainer
from deployer.providers.azure.source import CopySource, find_source
from deployer.providers.proof import prove_copy

__all__ = ["copy_blob"]

_AT_ONCE = 5_000 << 20
"""The largest source of Put Blob From URL (REST reference)."""


def copy_blob(
    store: ObjectStore,
    container: BlobContainer,
    key: str,
    *,
    source: ObjectStore,
    info: ObjectInfo,
    metadata: Mapping[str, str],
) -> ObjectInfo | None:
    """See `ObjectStore.copy`. None, too, when the service refuses: it copies within an account.

    None as well for a blob that is too large to be copied at once, and asks for that: a key of the
    customer's or an encryption scope goes with it.
    """
    if source.service != store.service:
        return None
    at_once = bool(container.scope or container.customer_key or source.customer_key)
    if at_once and info.size > _AT_ONCE:
        return None
    try:
        origin = find_source(container, source, info)
        copy = _put_from_url if at_once else _copy_behind
        copy(container, key, origin, metadata)
    except (PreconditionError, TransientError):
        raise
    except (ProviderError, SetupError):
        return None
    copied = store.head(key)
    return None if copied is None else prove_copy(copied, info)


def _put_from_url(
    container: BlobContainer, key: str, origin: CopySource, metadata: Mapping[str, str]
) -> None:
    """Have the service write what it reads; it compares the bytes with the MD5 the source keeps."""
    container.call(
        "copy to",
        key,
        lambda: container.blob(key).upload_blob_from_url(
            origin.readable_url(),
            metadata={**metadata},
            overwrite=True,
            source_content_md5=origin.md5,
            source_authorization=origin.authorization(),
            headers={**container.key_headers(), **origin.key_headers},
            **origin.condition,
            **container.scope,
        ),
    )


def _copy_behind(
    container: BlobContainer, key: str, origin: CopySource, metadata: Mapping[str, str]
) -> None:
    """Begin a copy, and wait for it: while it is pending, it is asked for as what may work later.

    Where it ended badly, the caller's own copy replaces what it left.
    """
    container.call(
        "copy to",
        key,
        lambda: container.blob(key).start_copy_from_url(
            origin.url, metadata={**metadata}, **origin.condition
        ),
    )
    container.call("copy to", key, lambda: _check_done(container, key))


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
