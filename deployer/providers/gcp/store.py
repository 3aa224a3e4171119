"""Google Cloud Storage as an `ObjectStore`: conditional writes by generation, CRC32C throughout."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from deployer.providers.gcp.bucket import GcsBucket, read_info
from deployer.providers.gcp.copying import copy_object
from deployer.providers.gcp.errors import missing_bucket
from deployer.providers.gcp.upload import GcsUpload
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
    from google.cloud.storage import Client

__all__ = ["GcsStore"]

_PAGE = 1000
_NO_GENERATION = -1
_RACES = 16


class GcsStore:
    """See `ObjectStore`. Versions are generations."""

    def __init__(
        self,
        location: Location,
        client: "Lazy[Client]",
        *,
        clock: Clock,
        patience: Patience,
        limits: Limits,
        settings: StoreSettings,
    ) -> None:
        self._location = location
        self._bucket = GcsBucket(
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
        return self._bucket.service()

    @property
    def customer_key(self) -> str:
        """See `ObjectStore.customer_key`."""
        return self._bucket.customer_key

    def head(self, key: str) -> ObjectInfo | None:
        """See `ObjectStore.head`."""
        return self._bucket.head(key)

    def get(self, key: str, *, max_bytes: int = 16 << 20) -> StoredObject:
        """See `ObjectStore.get`."""
        found = self._get(key, max_bytes)
        if found is None:
            raise self._not_found(key)
        return found[0]

    def stream(self, key: str, *, if_version: str | None = None) -> Iterator[bytes]:
        """See `ObjectStore.stream`."""
        blob = self._bucket.find_blob(key)
        if blob is None:
            raise self._not_found(key)
        resource = self._location.describe(key)
        if if_version is not None and str(blob.generation) != if_version:
            raise PreconditionError(
                f"{resource} was changed by somebody else", operation="read", resource=resource
            )
        yield from read_ranges(
            blob.size,
            lambda offset, length: (
                self.read_range(key, offset, length, if_version=str(blob.generation)).body
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
            return self._bucket.put(key, body, marked, _generation(if_version))
        except (PreconditionError, AlreadyExistsError) as error:
            if if_version is None:
                raise
            written = Written(key, body, token, if_version)
            return settle_conflict(written, lambda: self._read_again(key, len(body)), error)

    def read_range(
        self, key: str, offset: int, length: int, *, if_version: str | None = None
    ) -> StoredRange:
        """See `ObjectStore.read_range`."""
        resource = self._location.describe(key)

        def read() -> StoredRange:
            found = self._bucket.read_range(key, offset, length, _generation(if_version))
            return check_range(found, offset, length, resource)

        try:
            return self._bucket.call("read", key, read)
        except NotFoundError:
            self._bucket.require()
            raise

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
        upload = GcsUpload(
            self,
            self._bucket,
            key,
            if_absent=if_absent,
            metadata=metadata or {},
            identity=_identify(source, metadata or {}),
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
        return copy_object(
            self, self._bucket, key, source=source, info=info, metadata=metadata or {}
        )

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """See `ObjectStore.list`."""
        return read_pages(lambda token: self._list_page(prefix, token, self._page_size))

    def delete(self, key: str) -> None:
        """See `ObjectStore.delete`."""
        blob = self._bucket.blob(key)
        try:
            self._bucket.call("delete", key, lambda: blob.delete(**self._bucket.limits))
        except NotFoundError:
            self._bucket.require()

    def _not_found(self, key: str) -> NotFoundError:
        resource = self._location.describe(key)
        return NotFoundError(f"there is no {resource}", operation="read", resource=resource)

    def _get(self, key: str, max_bytes: int) -> tuple[StoredObject, str | None] | None:
        for _ in range(_RACES):
            blob = self._bucket.find_blob(key)
            if blob is None:
                return None
            self._check_size(key, blob.size, max_bytes)
            try:
                body = self._download(key, blob)
            except (PreconditionError, NotFoundError):  # written since: read the new one
                continue
            return StoredObject(body, read_info(key, blob)), (blob.metadata or {}).get(TOKEN)
        resource = self._location.describe(key)
        raise TransientError(
            f"{resource} changes faster than it can be read", operation="read", resource=resource
        )

    def _check_size(self, key: str, size: int, max_bytes: int) -> None:
        if size > max_bytes:
            resource = self._location.describe(key)
            raise ProviderError(
                f"{resource} has {size} bytes, more than the {max_bytes} expected",
                operation="read",
                resource=resource,
            )

    def _download(self, key: str, blob: Any) -> bytes:
        body: bytes = self._bucket.call(
            "read",
            key,
            lambda: blob.download_as_bytes(
                if_generation_match=blob.generation, raw_download=True, **self._bucket.limits
            ),
        )
        return body

    def _read_again(self, key: str, size: int) -> tuple[StoredObject, str | None] | None:
        try:
            return self._get(key, size)
        except TransientError:
            raise
        except ProviderError:
            return None

    def _list_page(self, prefix: str, token: str | None, size: int) -> Page:
        try:
            return self._bucket.list_page(prefix, token, size)
        except NotFoundError as error:
            raise missing_bucket(self.url) from error


def _generation(if_version: str | None) -> int | None:
    """Return the precondition: 0 means no live object; a version that is no number matches none."""
    if if_version is None:
        return None
    if not if_version:
        return 0
    return int(if_version) if if_version.isdigit() else _NO_GENERATION


def _identify(source: Path | Source, metadata: Mapping[str, str]) -> str:
    """Return what tells this upload from one of other bytes to the same key."""
    if "sha256" in metadata:
        return metadata["sha256"]
    if not isinstance(source, Path):
        return f"{source.name} {source.size}"
    try:
        found = source.stat()
    except OSError:  # said when it is opened
        return str(source)
    return f"{source} {found.st_size} {found.st_mtime_ns}"
