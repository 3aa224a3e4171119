"""Containers, and the block blobs in them: immutable values replaced under one lock."""

import base64
import binascii
import itertools
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from deployer.ports.clock import Clock
from deployer.sandbox.blob.conditions import Conditions
from deployer.sandbox.blob.refusal import RefusedError
from deployer.sandbox.checksums import crc64_base64, md5_base64
from deployer.sandbox.listing import Page, list_page

__all__ = ["Blob", "Block", "Containers", "Description", "check_crc64", "check_md5"]

_LONGEST_ID = 64  # bytes, before base64
_MOST_BLOCKS = 50_000


@dataclass(frozen=True, slots=True)
class Description:
    """What a client says of a blob; ``md5`` is of the whole, ``key`` the digest of a key."""

    content_type: str
    content_encoding: str
    md5: str
    metadata: Mapping[str, str]
    key: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """A block by its id, with its bytes and the digest of its customer's key."""

    id: str
    data: bytes
    key: str = ""


@dataclass(frozen=True, slots=True)
class Blob:
    """One committed blob. ``blocks`` is empty when it came by Put Blob."""

    name: str
    data: bytes
    blocks: tuple[Block, ...]
    description: Description
    etag: str
    created: datetime
    modified: datetime


@dataclass(slots=True)
class _Container:
    etag: str
    modified: datetime
    blobs: dict[str, Blob] = field(default_factory=dict)
    staged: dict[str, dict[str, Block]] = field(default_factory=dict)


class Containers:
    """All that is stored. Safe to use from many threads; every write is atomic."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._containers: dict[str, _Container] = {}
        self._lock = threading.RLock()
        self._versions = itertools.count(int(clock.now().timestamp() * 1e7))

    def create(self, name: str) -> None:
        """Make a container; refuses one that is there."""
        with self._lock:
            if name in self._containers:
                raise RefusedError(409, "ContainerAlreadyExists", f"Container {name} exists.")
            self._containers[name] = _Container(self._etag(), self._clock.now())

    def drop(self, name: str) -> None:
        """Delete a container with all that is in it."""
        with self._lock:
            self._container(name)
            del self._containers[name]

    def describe(self, name: str) -> tuple[str, datetime]:
        """Return the container's ETag and date; refuses one that does not exist."""
        with self._lock:
            container = self._container(name)
            return container.etag, container.modified

    def names(self) -> list[str]:
        """Return the containers' names in order."""
        with self._lock:
            return sorted(self._containers)

    def put(
        self, container: str, name: str, data: bytes, said: Description, conditions: Conditions
    ) -> Blob:
        """Store a whole blob; its MD5 is computed when the client gave none."""
        described = replace(said, md5=said.md5 or md5_base64(data))
        with self._lock:
            return self._commit(container, name, (data, ()), described, conditions)

    def stage(self, container: str, name: str, block: Block) -> None:
        """Keep a block until a block list names it. All ids of a blob have one length."""
        length = _id_length(block.id)
        with self._lock:
            staged = self._container(container).staged.setdefault(name, {})
            known = [*staged, *(block.id for block in self._committed(container, name))]
            if known and _id_length(known[0]) != length:
                message = "The specified blob or block content is invalid."
                raise RefusedError(400, "InvalidBlobOrBlock", message)
            staged[block.id] = block

    def commit(
        self,
        container: str,
        name: str,
        wanted: Sequence[tuple[str, str]],
        described: Description,
        conditions: Conditions,
    ) -> Blob:
        """Make the blob of blocks, each (``Latest``, ``Committed`` or ``Uncommitted``, id)."""
        with self._lock:
            blocks = self._choose(container, name, wanted)
            if any(block.key != described.key for block in blocks):
                message = "The blocks were written with another key."
                raise RefusedError(409, "BlobCustomerSpecifiedEncryptionMismatch", message)
            data = b"".join(block.data for block in blocks)
            return self._commit(container, name, (data, blocks), described, conditions)

    def blocks(self, container: str, name: str) -> tuple[Blob | None, tuple[Block, ...]]:
        """Return the committed blob, if any, and the uncommitted blocks."""
        with self._lock:
            owner = self._container(container)
            blob, staged = owner.blobs.get(name), owner.staged.get(name, {})
            if blob is None and not staged:
                raise _no_blob()
            return blob, tuple(staged.values())

    def get(self, container: str, name: str, conditions: Conditions) -> Blob:
        """Return the blob."""
        blob = self._blob(container, name)
        conditions.check_read(blob.etag)
        return blob

    def set_metadata(
        self, container: str, name: str, metadata: Mapping[str, str], conditions: Conditions
    ) -> Blob:
        """Replace the metadata: a new ETag for the same bytes."""
        with self._lock:
            blob = self._blob(container, name)
            conditions.check_write(blob.etag)
            described = replace(blob.description, metadata=dict(metadata))
            changed = replace(
                blob, description=described, etag=self._etag(), modified=self._clock.now()
            )
            self._container(container).blobs[name] = changed
            return changed

    def delete(self, container: str, name: str, conditions: Conditions) -> None:
        """Delete the blob."""
        with self._lock:
            conditions.check_write(self._blob(container, name).etag)
            del self._container(container).blobs[name]

    def page(
        self,
        container: str,
        *,
        prefix: str,
        delimiter: str,
        after: str,
        limit: int,
        uncommitted: bool = False,
    ) -> tuple[Page, list[Blob | str]]:
        """Return one page of names, and the blobs on it.

        Names alone stand for blobs that are uncommitted blocks and nothing else.
        """
        with self._lock:
            owner = self._container(container)
            names: dict[str, Blob | str] = {**owner.blobs}
            if uncommitted:
                staged = {name: name for name, blocks in owner.staged.items() if blocks}
                names = {**staged, **names}
            page = list_page(names, prefix=prefix, delimiter=delimiter, after=after, limit=limit)
            return page, [names[name] for name in page.names]

    def _commit(
        self,
        container: str,
        name: str,
        content: tuple[bytes, tuple[Block, ...]],
        described: Description,
        conditions: Conditions,
    ) -> Blob:
        owner = self._container(container)
        old = owner.blobs.get(name)
        conditions.check_write(old.etag if old else None)
        now = self._clock.now()
        created = old.created if old else now
        blob = Blob(name, *content, described, self._etag(), created, now)
        owner.blobs[name] = blob
        owner.staged.pop(name, None)
        return blob

    def _choose(
        self, container: str, name: str, wanted: Sequence[tuple[str, str]]
    ) -> tuple[Block, ...]:
        staged = self._container(container).staged.get(name, {})
        committed = {block.id: block for block in self._committed(container, name)}
        sources = {"Latest": committed | staged, "Committed": committed, "Uncommitted": staged}
        if len(wanted) > _MOST_BLOCKS:
            raise RefusedError(400, "BlockListTooLong", f"More than {_MOST_BLOCKS} blocks.")
        try:
            return tuple(sources[kind][number] for kind, number in wanted)
        except KeyError as error:
            message = "The specified block list is invalid."
            raise RefusedError(400, "InvalidBlockList", message) from error

    def _committed(self, container: str, name: str) -> tuple[Block, ...]:
        blob = self._container(container).blobs.get(name)
        return blob.blocks if blob else ()

    def _container(self, name: str) -> _Container:
        if name not in self._containers:
            message = "The specified container does not exist."
            raise RefusedError(404, "ContainerNotFound", message)
        return self._containers[name]

    def _blob(self, container: str, name: str) -> Blob:
        with self._lock:
            blob = self._container(container).blobs.get(name)
        if blob is None:
            raise _no_blob()
        return blob

    def _etag(self) -> str:
        return f'"0x8D{next(self._versions):014X}"'


def check_md5(claimed: str | None, data: bytes) -> None:
    """Refuse bytes that are not what their sender hashed."""
    if claimed is None or claimed == md5_base64(data):
        return
    if len(_decode(claimed, "InvalidMd5")) != 16:  # noqa: PLR2004 - bytes of an MD5
        raise RefusedError(400, "InvalidMd5", "The MD5 value specified in the request is invalid.")
    message = "The MD5 value specified in the request did not match with the one calculated."
    raise RefusedError(400, "Md5Mismatch", message)


def check_crc64(claimed: str | None, data: bytes) -> None:
    """Refuse bytes that are not what their sender summed up."""
    if claimed is None or claimed == crc64_base64(data):
        return
    message = "The CRC64 value specified in the request did not match with the one calculated."
    raise RefusedError(400, "Crc64Mismatch", message)


def _id_length(number: str) -> int:
    length = len(_decode(number, "InvalidQueryParameterValue"))
    if not 0 < length <= _LONGEST_ID:
        message = "A block id has 1 to 64 bytes before base64."
        raise RefusedError(400, "InvalidQueryParameterValue", message)
    return length


def _decode(text: str, code: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise RefusedError(400, code, f"not base64: {text!r}") from error


def _no_blob() -> RefusedError:
    return RefusedError(404, "BlobNotFound", "The specified blob does not exist.")
