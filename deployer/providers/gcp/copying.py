"""Cloud Storage copies within the service: the bytes never pass here."""

from collections.abc import Mapping
from typing import Any

from deployer.errors import PreconditionError, ProviderError, SetupError, TransientError
from deployer.ports import ObjectInfo, ObjectStore
from deployer.providers.gcp.bucket import GcsBucket, read_info
from deployer.providers.proof import prove_copy

__all__ = ["copy_object", "rename_object"]


def copy_object(
    store: ObjectStore,
    bucket: GcsBucket,
    key: str,
    *,
    source: ObjectStore,
    info: ObjectInfo,
    metadata: Mapping[str, str],
) -> ObjectInfo | None:
    """See `ObjectStore.copy`. None, too, when the service refuses."""
    if source.service != store.service:
        return None
    blob = bucket.blob(key)
    blob.metadata = {**metadata}
    blob.content_type = "application/octet-stream"
    origin = bucket.source_blob(source, info.key)
    try:
        _rewrite(bucket, key, blob, origin, int(info.version))
    except (PreconditionError, TransientError):
        raise
    except (ProviderError, SetupError):
        return None
    return prove_copy(read_info(key, blob), info)


def rename_object(
    bucket: GcsBucket, staged: ObjectInfo, key: str, *, metadata: Mapping[str, str]
) -> None:
    """Give an object of this bucket another key, too, if that is free.

    Raises:
        NotFoundError: There is no such object.
        PreconditionError: The key is taken.
    """
    blob = bucket.blob(key)
    blob.metadata = {**metadata}
    blob.content_type = "application/octet-stream"
    origin = bucket.blob(staged.key)
    _rewrite(bucket, key, blob, origin, int(staged.version), if_generation_match=0)


def _rewrite(
    bucket: GcsBucket, key: str, blob: Any, origin: Any, generation: int, **conditions: int
) -> None:
    """Copy in as many calls as the service asks for: it hands back a token until it is done."""
    token: str | None = None
    while True:

        def step(token: str | None = token) -> str | None:
            following, _, _ = blob.rewrite(
                origin,
                token=token,
                if_source_generation_match=generation,
                **conditions,
                **bucket.limits,
            )
            answer: str | None = following
            return answer

        token = bucket.call("copy to", key, step)
        if token is None:
            return
