"""Agreeing with a store on what it holds: after an upload, and after a conditional write."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from deployer.checksums import Hasher, new_hasher
from deployer.errors import (
    AlreadyExistsError,
    IntegrityError,
    PreconditionError,
    ProviderError,
)
from deployer.ports import ObjectInfo, ObjectStore, StoredObject

__all__ = [
    "READ_BACK",
    "TOKEN",
    "Sent",
    "Written",
    "confirm_stored",
    "prove_copy",
    "settle_conflict",
    "settle_upload",
]

READ_BACK = "read back"
"""How bytes were proven where the store keeps no checksum of them."""


TOKEN = "deployerwrite"  # noqa: S105 - the name of a metadata entry
"""The metadata entry that tells one conditional write from another of the same bytes. Letters only:
Azure takes identifiers, S3 takes header names."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent: its size, and its digest in lower-case hex."""

    size: int
    algorithm: str
    hexdigest: str


@dataclass(frozen=True, slots=True)
class Written:
    """A conditional write: what it wrote, its own token, and the condition."""

    key: str
    body: bytes
    token: str
    if_version: str


def confirm_stored(store: ObjectStore, info: ObjectInfo | None, sent: Sent) -> ObjectInfo:
    """Return ``info``, its ``proof`` set, when it is proven that the store holds what was sent.

    By the store's own checksum; where it keeps none of the kind, by reading everything back.

    Raises:
        IntegrityError: It holds something else, or nothing.
    """
    if info is None:
        raise IntegrityError(f"{store.url} lost an object right after its upload")
    held = info.checksums.get(sent.algorithm)
    found = held or _read_back(store, info, new_hasher(sent.algorithm))
    if (info.size, found) != (sent.size, sent.hexdigest):
        raise IntegrityError(
            f"{store.url}/{info.key} is not what was sent: {info.size} bytes with "
            f"{sent.algorithm} {found} instead of {sent.size} with {sent.hexdigest}"
        )
    return replace(info, proof=sent.algorithm if held else READ_BACK)


def settle_upload(
    store: ObjectStore, key: str, sent: Sent, error: ProviderError, *, if_absent: bool = True
) -> ObjectInfo:
    """Return the info of an object whose upload was refused only because it is there already.

    A response that was lost, or somebody who sent the same.

    Raises:
        AlreadyExistsError: The key was to be free, and holds other bytes.
        ProviderError: It holds nothing, or may hold anything: ``error``, as it came.
    """
    info = store.head(key)
    if info is None:
        raise error
    try:
        return confirm_stored(store, info, sent)
    except IntegrityError:
        if not if_absent:
            raise error from None
        raise AlreadyExistsError(
            f"{error.resource} exists already, with other bytes",
            operation=error.operation,
            resource=error.resource,
        ) from error


def prove_copy(copied: ObjectInfo, info: ObjectInfo) -> ObjectInfo:
    """Return ``copied``, its ``proof`` a checksum that both objects keep; each is the service's."""
    common = [name for name, value in info.checksums.items() if copied.checksums.get(name) == value]
    return replace(copied, proof=common[0] if common and copied.size == info.size else "")


def _read_back(store: ObjectStore, info: ObjectInfo, hasher: Hasher) -> str:
    for chunk in store.stream(info.key, if_version=info.version):
        hasher.update(chunk)
    return hasher.digest().hex()


def settle_conflict(
    written: Written,
    read: Callable[[], tuple[StoredObject, str | None] | None],
    error: ProviderError,
) -> ObjectInfo:
    """Return the info of a write that was refused only because it had already succeeded.

    A response that is lost after the write makes the retry fail on its own result. A create counts
    as ours when the bytes are there, a replacement only when our token is too: two writers may
    well want the same bytes, and just one of them replaced the version both had seen.

    Raises:
        AlreadyExistsError: Somebody else's object is there, and the key was to be free.
        PreconditionError: Somebody else wrote in between.
    """
    found = read()
    if found is not None:
        stored, token = found
        if stored.body == written.body and (not written.if_version or token == written.token):
            return stored.info
    kind = PreconditionError if written.if_version else AlreadyExistsError
    what = "was changed by somebody else" if written.if_version else "exists already"
    raise kind(
        f"{error.resource} {what}", operation=error.operation, resource=error.resource
    ) from error
