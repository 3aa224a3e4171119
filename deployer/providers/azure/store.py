"""Azure Blob Storage as an `ObjectStore`: conditional writes by ETag, MD5 checked per block."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from deployer.errors import (
    AlreadyExistsError,
    NotFoundError,
    PreconditionError,
    ProviderError,
    TransientError,
)
from deployer.ports import (
    Clock,
    ObjectInfo,
    ObjectStore,
    Source,
    StoredObject,
    StoredRange,
    StoreSettings,
)
from deployer.providers.azure.container import (
    BlobContainer,
    matching,
    read_info,
    read_version,
)
from deployer.providers.azure.copying import copy_blob
from deployer.providers.azure.upload import BlobUpload
from deployer.providers.location import Location
from deployer.providers.patience import Lazy, Patience
from deployer.providers.proof import TOKEN, Written, settle_conflict
from deployer.providers.transfer import (
    Page,
    check_range,
    read_pages,
    read_ranges,
    send_file,
)
from deployer.transfer import Lanes, Limits

if TYPE_CHECKING:
    from azure.storage.blob import ContainerClient

__all__ = ["BlobStore"]

_PAGE = 5000


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
        limits: Limits,
        settings: StoreSettings,
    ) -> None:
        self._location = location
        self._container = BlobContainer(
            location, client, clock=clock, patience=patience, settings=settings
        )
        self._limits = limits
        self._lanes = Lanes(limits.workers)
        self._page_size = _PAGE

    @property
    def url(self) -> str:
        """See `ObjectStore.url`."""
        return self._location.url

    @property
    def service(self) -> str:
        """See `ObjectStore.service`."""
        return self._container.service()

    @property
    def customer_key(self) -> str:
        """See `ObjectStore.customer_key`."""
        return self._container.customer_key

    def head(self, key: str) -> ObjectInfo | None:
        """See `ObjectStore.head`."""
        return self._container.head(key)

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
            lambda offset, length: (
                self.read_range(key, offset, length, if_version=info.version).body
            ),
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
            return self._container.put(key, body, marked, if_version)
        except (PreconditionError, AlreadyExistsError, NotFoundError) as error:
            if if_version is None:
                raise
            written = Written(key, body, token, if_version)
            return settle_conflict(written, lambda: self._read_again(key, len(body)), error)

    def read_range(
        self, key: str, offset: int, length: int, *, if_version: str | None = None
    ) -> StoredRange:
        """See `ObjectStore.read_range`."""
        condition = {} if if_version is None else matching(if_version)
        fast = self._container.read_fast(key, offset, length, if_version)
        if fast is not None:
            return fast

        def read() -> StoredRange:
            blob = self._container.blob(key)
            headers = self._container.key_headers()
            found = blob.download_blob(
                offset, length, max_concurrency=1, headers=headers, **condition
            )
            properties = found.properties
            size = int(properties.content_range.rpartition("/")[2])
            body = StoredRange(found.readall(), read_version(properties.etag), size)
            return check_range(body, offset, length, self._location.describe(key))

        return self._container.call("read", key, read)

    def put_file(
        self,
        key: str,
        source: Path | Source,
        *,
        if_absent: bool = False,
        metadata: Mapping[str, str] | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> ObjectInfo:
        """See `ObjectStore.put_file`."""
        upload = BlobUpload(
            self, self._container, key, if_absent=if_absent, metadata=metadata or {}
        )
        return send_file(upload, source, self._limits, self._lanes, progress)

    def copy(
        self,
        key: str,
        source: ObjectStore,
        info: ObjectInfo,
        *,
        metadata: Mapping[str, str] | None = None,
    ) -> ObjectInfo | None:
        """See `ObjectStore.copy`."""
        return copy_blob(
            self, self._container, key, source=source, info=info, metadata=metadata or {}
        )

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """See `ObjectStore.list`."""
        return read_pages(lambda token: self._list_page(prefix, token, self._page_size))

    def delete(self, key: str) -> None:
        """See `ObjectStore.delete`."""
        try:
            self._container.call(
                "delete",
                key,
                lambda: self._container.blob(key).delete_blob(delete_snapshots="include"),
            )
        except NotFoundError:
            self._container.require()

    def _get(self, key: str, max_bytes: int) -> tuple[StoredObject, str | None]:
        def read() -> tuple[StoredObject, str | None]:
            headers = self._container.key_headers()
            found = self._container.blob(key).download_blob(max_concurrency=1, headers=headers)
            self._check_size(key, found.size, max_bytes)
            stored = StoredObject(found.readall(), read_info(key, found.properties))
            return stored, (found.properties.metadata or {}).get(TOKEN)

        return self._container.call("read", key, read)

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

    def _list_page(self, prefix: str, token: str | None, size: int) -> Page:
        def read() -> Page:
            pages = (
                self._container.client()
                .list_blobs(
                    name_starts_with=self._location.full_key(prefix) or None,
                    results_per_page=size,
                )
                .by_page(continuation_token=token)
            )
            infos = [
                read_info(self._location.short_key(blob.name), blob) for blob in next(pages, ())
            ]
            following: str | None = getattr(pages, "continuation_token", None)
            return infos, following

        return self._container.call("list", "", read)
