"""Google Cloud Storage as an `ObjectStore`: conditional writes by generation, CRC32C throughout."""

import base64
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from deployer.checksums import new_crc32c
from deployer.errors import (
    AlreadyExistsError,
    NotFoundError,
    PreconditionError,
    ProviderError,
    TransientError,
)
from deployer.ports import Clock, ObjectInfo, StoredObject
from deployer.providers.gcp.errors import missing_bucket, translated
from deployer.providers.location import Location
from deployer.providers.patience import Lazy, Patience, call_patiently
from deployer.providers.proof import TOKEN, Sent, Written, confirm_stored, settle_conflict
from deployer.providers.source import SourceFile
from deployer.providers.transfer import PART, Page, read_pages, read_ranges

if TYPE_CHECKING:
    from google.cloud.storage import Client

__all__ = ["GcsStore"]

T = TypeVar("T")

_PAGE = 1000
_NO_GENERATION = -1
_RACES = 16


class GcsStore:
    """See `ObjectStore`. Versions are generations."""

    def __init__(
        self, location: Location, client: "Lazy[Client]", *, clock: Clock, patience: Patience
    ) -> None:
        self._location = location
        self._client = client
        self._clock = clock
        self._patience = patience
        self._bucket_seen = False
        self._page_size = _PAGE
        self._limits: dict[str, Any] = {
            "retry": None,
            "timeout": (patience.connect_seconds, patience.attempt_seconds),
        }

    @property
    def url(self) -> str:
        """See `ObjectStore.url`."""
        return self._location.url

    def head(self, key: str) -> ObjectInfo | None:
        """See `ObjectStore.head`."""
        blob = self._find_blob(key)
        return None if blob is None else _info(key, blob)

    def get(self, key: str, *, max_bytes: int = 16 << 20) -> StoredObject:
        """See `ObjectStore.get`."""
        found = self._get(key, max_bytes)
        if found is None:
            raise self._not_found(key)
        return found[0]

    def stream(self, key: str, *, if_version: str | None = None) -> Iterator[bytes]:
        """See `ObjectStore.stream`."""
        blob = self._find_blob(key)
        if blob is None:
            raise self._not_found(key)
        resource = self._location.describe(key)
        if if_version is not None and str(blob.generation) != if_version:
            raise PreconditionError(
                f"{resource} was changed by somebody else", operation="read", resource=resource
            )
        yield from read_ranges(
            blob.size,
            lambda offset, length: self._read_range(key, blob, offset, length),
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
        blob = self._blob(key, chunk_size=PART)
        blob.metadata = {**(metadata or {}), TOKEN: token}
        try:
            self._call(
                "write",
                key,
                lambda: blob.upload_from_string(
                    body,
                    checksum="crc32c",
                    if_generation_match=_generation(if_version),
                    **self._limits,
                ),
            )
        except (PreconditionError, AlreadyExistsError) as error:
            if if_version is None:
                raise
            written = Written(key, body, token, if_version)
            return settle_conflict(written, lambda: self._read_again(key, len(body)), error)
        except NotFoundError as error:
            raise missing_bucket(self.url) from error
        return _info(key, blob)

    def put_file(
        self,
        key: str,
        path: Path,
        *,
        metadata: Mapping[str, str] | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> ObjectInfo:
        """See `ObjectStore.put_file`."""
        self._client()
        with SourceFile(path, new_crc32c(), progress=progress) as source:
            if source.size <= PART:
                body = source.read()
                source.check_unchanged()
                self.put(key, body, metadata=metadata)
            else:
                self._upload(key, source, metadata or {})
            sent = Sent(source.size, "crc32c", source.hexdigest)
        return confirm_stored(self, self.head(key), sent, new_crc32c)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """See `ObjectStore.list`."""
        return read_pages(lambda token: self._list_page(prefix, token, self._page_size))

    def delete(self, key: str) -> None:
        """See `ObjectStore.delete`."""
        blob = self._blob(key)
        try:
            self._call("delete", key, lambda: blob.delete(**self._limits))
        except NotFoundError:
            self._require_bucket()

    def _call(self, operation: str, key: str, call: Callable[[], T]) -> T:
        self._client()

        def attempt() -> T:
            with translated(operation, self._location.describe(key)):
                return call()

        return call_patiently(attempt, clock=self._clock, patience=self._patience)

    def _blob(self, key: str, **options: Any) -> Any:
        bucket = self._client().bucket(self._location.bucket)
        return bucket.blob(self._location.full_key(key), **options)

    def _find_blob(self, key: str) -> Any:
        blob = self._blob(key)
        try:
            self._call("read", key, lambda: blob.reload(**self._limits))
        except NotFoundError:
            self._require_bucket()
            return None
        return blob

    def _not_found(self, key: str) -> NotFoundError:
        resource = self._location.describe(key)
        return NotFoundError(f"there is no {resource}", operation="read", resource=resource)

    def _require_bucket(self) -> None:
        """Tell "no such object" from "no such bucket": the service says 404 to both."""
        if not self._bucket_seen:
            self._list_page("", None, 1)
            self._bucket_seen = True

    def _get(self, key: str, max_bytes: int) -> tuple[StoredObject, str | None] | None:
        for _ in range(_RACES):
            blob = self._find_blob(key)
            if blob is None:
                return None
            self._check_size(key, blob.size, max_bytes)
            try:
                body = self._download(key, blob)
            except (PreconditionError, NotFoundError):  # written since: read the new one
                continue
            return StoredObject(body, _info(key, blob)), (blob.metadata or {}).get(TOKEN)
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
        body: bytes = self._call(
            "read",
            key,
            lambda: blob.download_as_bytes(
                if_generation_match=blob.generation, raw_download=True, **self._limits
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

    def _read_range(self, key: str, blob: Any, offset: int, length: int) -> bytes:
        def read() -> bytes:
            part: bytes = blob.download_as_bytes(
                start=offset,
                end=offset + length - 1,
                if_generation_match=blob.generation,
                checksum=None,
                raw_download=True,
                **self._limits,
            )
            return part

        try:
            return self._call("read", key, read)
        except NotFoundError as error:  # this generation is gone: written or deleted since
            raise PreconditionError(
                f"{error.resource} was changed by somebody else",
                operation="read",
                resource=error.resource,
            ) from error

    def _upload(self, key: str, source: SourceFile, metadata: Mapping[str, str]) -> None:
        """Send in chunks of one resumable session; a chunk that fails is sent again by the SDK.

        The last read happens before the last chunk is sent, and the session publishes with it, so a
        file that changed is noticed in time.
        """
        from google.cloud.storage.retry import DEFAULT_RETRY

        blob = self._blob(key, chunk_size=PART)
        blob.metadata = {**metadata}
        limits = {**self._limits, "retry": DEFAULT_RETRY.with_timeout(self._patience.seconds)}
        with translated("write", self._location.describe(key)):
            blob.upload_from_file(_Watched(source), size=source.size, checksum="crc32c", **limits)

    def _list_page(self, prefix: str, token: str | None, size: int) -> Page:
        def read() -> Page:
            found = self._client().list_blobs(
                self._location.bucket,
                prefix=self._location.full_key(prefix),
                page_token=token,
                page_size=size,
                **self._limits,
            )
            page = next(found.pages, ())
            infos = [_info(self._location.short_key(blob.name), blob) for blob in page]
            return infos, found.next_page_token

        try:
            return self._call("list", "", read)
        except NotFoundError as error:
            raise missing_bucket(self.url) from error


class _Watched:
    """A source that checks itself for changes when its last byte is read."""

    def __init__(self, source: SourceFile) -> None:
        self._source = source

    def read(self, size: int = -1, /) -> bytes:
        data = self._source.read(size)
        if self._source.tell() == self._source.size:
            self._source.check_unchanged()
        return data

    def tell(self) -> int:
        return self._source.tell()

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._source.seek(offset, whence)


def _generation(if_version: str | None) -> int | None:
    """Return the precondition: 0 means no live object; a version that is no number matches none."""
    if if_version is None:
        return None
    if not if_version:
        return 0
    return int(if_version) if if_version.isdigit() else _NO_GENERATION


def _info(key: str, blob: Any) -> ObjectInfo:
    metadata = {name.lower(): value for name, value in (blob.metadata or {}).items()}
    metadata.pop(TOKEN, None)
    return ObjectInfo(
        key,
        blob.size,
        str(blob.generation),
        checksums=_checksums(blob),
        metadata=metadata,
        modified=blob.updated,
    )


def _checksums(blob: Any) -> dict[str, str]:
    held = {"crc32c": blob.crc32c, "md5": blob.md5_hash}
    return {name: base64.b64decode(value).hex() for name, value in held.items() if value}
