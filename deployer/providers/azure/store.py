"""Azure Blob Storage as an `ObjectStore`: conditional writes by ETag, MD5 checked per block."""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from deployer.checksums import new_md5
from deployer.errors import (
    AlreadyExistsError,
    NotFoundError,
    PreconditionError,
    ProviderError,
    TransientError,
)
from deployer.ports import Clock, ObjectInfo, StoredObject
from deployer.providers.azure.errors import translated
from deployer.providers.location import Location
from deployer.providers.patience import Lazy, Patience, call_patiently
from deployer.providers.proof import TOKEN, Sent, Written, confirm_stored, settle_conflict
from deployer.providers.source import SourceFile
from deployer.providers.transfer import PART, Page, read_pages, read_ranges

if TYPE_CHECKING:
    from azure.storage.blob import ContainerClient

__all__ = ["BlobStore", "block_size"]

T = TypeVar("T")

_PAGE = 5000
_MAX_BLOCKS = 50_000
_MEBIBYTE = 1 << 20


class BlobStore:
    """See `ObjectStore`. Versions are ETags; block blobs only.

    The service computes MD5 itself for what is sent in one request. For a blob of blocks it checks
    each block's MD5 as it arrives and keeps the whole file's as we state it at the commit.
    """

    def __init__(
        self,
        location: Location,
        client: "Lazy[ContainerClient]",
        *,
        clock: Clock,
        patience: Patience,
    ) -> None:
        self._location = location
        self._client = client
        self._clock = clock
        self._patience = patience
        self._container_seen = False
        self._page_size = _PAGE

    @property
    def url(self) -> str:
        """See `ObjectStore.url`."""
        return self._location.url

    def head(self, key: str) -> ObjectInfo | None:
        """See `ObjectStore.head`."""
        try:
            found = self._call("read", key, lambda: self._blob(key).get_blob_properties())
        except NotFoundError:
            self._require_container()
            return None
        return _info(key, found)

    def get(self, key: str, *, max_bytes: int = 16 << 20) -> StoredObject:
        """See `ObjectStore.get`."""
        return self._get(key, max_bytes)[0]

    def stream(self, key: str, *, if_version: str | None = None) -> Iterator[bytes]:
        """See `ObjectStore.stream`."""
        resource = self._location.describe(key)
        info = self.head(key)
        if info is None:
            raise NotFoundError(f"there is no {resource}", operation="read", resource=resource)
        if if_version is not None and info.version != if_version:
            raise PreconditionError(
                f"{resource} was changed by somebody else", operation="read", resource=resource
            )
        yield from read_ranges(
            info.size,
            lambda offset, length: self._read_range(key, info.version, offset, length),
            resource=resource,
        )

    def put(
        self,
        key: str,
        body: bytes,
        *,
        if_version: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> ObjectInfo:
        """See `ObjectStore.put`."""
        token = uuid.uuid4().hex
        marked = {**(metadata or {}), TOKEN: token}
        try:
            answer = self._upload(key, body, marked, _condition(if_version))
        except (PreconditionError, AlreadyExistsError, NotFoundError) as error:
            if if_version is None:
                raise
            written = Written(key, body, token, if_version)
            return settle_conflict(written, lambda: self._read_again(key, len(body)), error)
        return ObjectInfo(
            key,
            len(body),
            _version(answer["etag"]),
            checksums=_checksums(answer.get("content_md5")),
            metadata=metadata or {},
            modified=answer["last_modified"],
        )

    def put_file(
        self,
        key: str,
        path: Path,
        *,
        metadata: Mapping[str, str] | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> ObjectInfo:
        """See `ObjectStore.put_file`."""
        with SourceFile(path, new_md5(), progress=progress) as source:
            if source.size <= PART:
                body = source.read()
                source.check_unchanged()
                self._upload(key, body, metadata or {}, _condition(None))
            else:
                self._upload_blocks(key, source, metadata or {})
            sent = Sent(source.size, "md5", source.hexdigest)
        return confirm_stored(self, self.head(key), sent, new_md5)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """See `ObjectStore.list`."""
        return read_pages(lambda token: self._list_page(prefix, token, self._page_size))

    def delete(self, key: str) -> None:
        """See `ObjectStore.delete`."""
        try:
            self._call(
                "delete", key, lambda: self._blob(key).delete_blob(delete_snapshots="include")
            )
        except NotFoundError:
            self._require_container()

    def _call(self, operation: str, key: str, call: Callable[[], T]) -> T:
        self._client()

        def attempt() -> T:
            with translated(operation, self._location.describe(key)):
                return call()

        return call_patiently(attempt, clock=self._clock, patience=self._patience)

    def _blob(self, key: str) -> Any:
        return self._client().get_blob_client(self._location.full_key(key))

    def _require_container(self) -> None:
        """Tell "no such blob" from "no such container", whatever code a HEAD came back with."""
        if not self._container_seen:
            self._list_page("", None, 1)
            self._container_seen = True

    def _get(self, key: str, max_bytes: int) -> tuple[StoredObject, str | None]:
        def read() -> tuple[StoredObject, str | None]:
            found = self._blob(key).download_blob(max_concurrency=1)
            self._check_size(key, found.size, max_bytes)
            stored = StoredObject(found.readall(), _info(key, found.properties))
            return stored, (found.properties.metadata or {}).get(TOKEN)

        return self._call("read", key, read)

    def _check_size(self, key: str, size: int, max_bytes: int) -> None:
        if size > max_bytes:
            resource = self._location.describe(key)
            raise ProviderError(
                f"{resource} has {size} bytes, more than the {max_bytes} expected",
                operation="read",
                resource=resource,
            )

    def _read_again(self, key: str, size: int) -> tuple[StoredObject, str | None] | None:
        try:
            return self._get(key, size)
        except TransientError:
            raise
        except ProviderError:
            return None

    def _read_range(self, key: str, version: str, offset: int, length: int) -> bytes:
        part: bytes = self._call(
            "read",
            key,
            lambda: (
                self._blob(key)
                .download_blob(offset, length, max_concurrency=1, **_matching(version))
                .readall()
            ),
        )
        return part

    def _upload(
        self, key: str, body: bytes, metadata: Mapping[str, str], condition: Mapping[str, Any]
    ) -> Any:
        return self._call(
            "write",
            key,
            lambda: self._blob(key).upload_blob(
                body,
                length=len(body),
                metadata={**metadata},
                validate_content=True,
                **condition,
            ),
        )

    def _upload_blocks(self, key: str, source: SourceFile, metadata: Mapping[str, str]) -> None:
        """Stage every block under names of this upload alone, then publish all at once.

        Blocks that are never committed vanish after a week (Put Block, REST reference).
        """
        upload = uuid.uuid4().hex
        blocks: Sequence[str] = []
        size = block_size(source.size)
        while body := source.read(size):
            blocks = [*blocks, f"{upload}{len(blocks):08}"]
            self._stage(key, blocks[-1], body)
        source.check_unchanged()
        self._commit(key, blocks, source.hexdigest, metadata)

    def _stage(self, key: str, block: str, body: bytes) -> None:
        self._call(
            "write",
            key,
            lambda: self._blob(key).stage_block(
                block, body, length=len(body), validate_content=True
            ),
        )

    def _commit(
        self, key: str, blocks: Sequence[str], hexdigest: str, metadata: Mapping[str, str]
    ) -> None:
        from azure.storage.blob import BlobBlock, ContentSettings

        settings = ContentSettings(
            content_type="application/octet-stream",
            content_md5=bytearray.fromhex(hexdigest),
        )
        self._call(
            "write",
            key,
            lambda: self._blob(key).commit_block_list(
                [BlobBlock(block) for block in blocks],
                content_settings=settings,
                metadata={**metadata},
            ),
        )

    def _list_page(self, prefix: str, token: str | None, size: int) -> Page:
        def read() -> Page:
            pages = (
                self._client()
                .list_blobs(
                    name_starts_with=self._location.full_key(prefix) or None,
                    results_per_page=size,
                )
                .by_page(continuation_token=token)
            )
            infos = [_info(self._location.short_key(blob.name), blob) for blob in next(pages, ())]
            following: str | None = getattr(pages, "continuation_token", None)
            return infos, following

        return self._call("list", "", read)


def block_size(size: int) -> int:
    """Return the bytes per block for a file of ``size`` bytes: whole MiB, within 50 000 blocks."""
    needed = -(-size // _MAX_BLOCKS)
    return max(PART, -(-needed // _MEBIBYTE) * _MEBIBYTE)


def _matching(version: str) -> dict[str, Any]:
    from azure.core import MatchConditions

    return {"etag": f'"{version}"', "match_condition": MatchConditions.IfNotModified}


def _condition(if_version: str | None) -> dict[str, Any]:
    if if_version is None:
        return {"overwrite": True}
    return {"overwrite": True, **_matching(if_version)} if if_version else {"overwrite": False}


def _info(key: str, properties: Any) -> ObjectInfo:
    metadata = {name.lower(): value for name, value in (properties.metadata or {}).items()}
    metadata.pop(TOKEN, None)
    return ObjectInfo(
        key,
        properties.size,
        _version(properties.etag),
        checksums=_checksums(properties.content_settings.content_md5),
        metadata=metadata,
        modified=properties.last_modified,
    )


def _version(etag: str) -> str:
    """Return an ETag without quotes: listings send it so, headers with them."""
    return etag.strip('"')


def _checksums(md5: bytes | None) -> dict[str, str]:
    return {"md5": bytes(md5).hex()} if md5 else {}
