"""S3 as an `ObjectStore`: conditional writes by ETag, CRC-64 checked by the service."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deployer.errors import NotFoundError, PreconditionError, ProviderError
from deployer.ports import (
    Clock,
    ObjectInfo,
    ObjectStore,
    Source,
    StoredObject,
    StoredRange,
    StoreSettings,
)
from deployer.providers.aws.bucket import S3Bucket, read_info
from deployer.providers.aws.checksums import read_checksums
from deployer.providers.aws.copying import copy_object
from deployer.providers.aws.upload import S3Upload
from deployer.providers.location import Location
from deployer.providers.patience import Lazy, Patience
from deployer.providers.proof import TOKEN, Written, settle_conflict
from deployer.providers.transfer import (
    Page,
    check_range,
    read_pages,
    read_ranges,
    read_total,
    send_file,
)
from deployer.transfer import Body, Lanes, Limits

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

__all__ = ["S3Store"]

_PAGE = 1000


class S3Store:
    """See `ObjectStore`. Versions are ETags: writing the same bytes again may keep the version."""

    def __init__(
        self,
        location: Location,
        client: "Lazy[S3Client]",
        *,
        clock: Clock,
        patience: Patience,
        limits: Limits,
        settings: StoreSettings,
    ) -> None:
        self._location = location
        self._bucket = S3Bucket(location, client, clock=clock, patience=patience, settings=settings)
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
        return self._bucket.settings.customer_key

    def head(self, key: str) -> ObjectInfo | None:
        """See `ObjectStore.head`."""
        return self._bucket.head(key)

    def get(self, key: str, *, max_bytes: int = 16 << 20) -> StoredObject:
        """See `ObjectStore.get`."""
        return self._get(key, max_bytes)[0]

    def stream(self, key: str, *, if_version: str | None = None) -> Iterator[bytes]:
        """See `ObjectStore.stream`."""
        info = self._find(key)
        resource = self._location.describe(key)
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
            answer = self._put(key, body, metadata=marked, condition=_condition(if_version))
        except (PreconditionError, NotFoundError) as error:
            if if_version is None:
                raise
            written = Written(key, body, token, if_version)
            return settle_conflict(written, lambda: self._read_again(key, len(body)), error)
        return ObjectInfo(
            key,
            len(body),
            answer["ETag"],
            checksums=read_checksums(answer),
            metadata=metadata or {},
        )

    def read_range(
        self, key: str, offset: int, length: int, *, if_version: str | None = None
    ) -> StoredRange:
        """See `ObjectStore.read_range`."""
        resource = self._location.describe(key)
        wanted = {"Range": f"bytes={offset}-{offset + length - 1}"}
        pinned = {} if if_version is None else {"If-Match": if_version}
        name = self._location.full_key(key)
        fast = self._bucket.lane().get_range(name, wanted | pinned, most=length)
        if fast is not None and len(fast.body) == length:
            size = read_total(fast.headers.get("content-range"), resource)
            return StoredRange(fast.body, fast.headers["etag"], size)
        where: Any = {**self._bucket.where(key), **wanted}
        if if_version is not None:
            where["IfMatch"] = if_version

        def read(s3: "S3Client") -> StoredRange:
            answer = s3.get_object(**where)
            with answer["Body"] as body:
                size = read_total(answer.get("ContentRange"), resource)
                found = StoredRange(body.read(), answer["ETag"], size)
            return check_range(found, offset, length, resource)

        return self._bucket.call("read", key, read)

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
        upload = S3Upload(self, self._bucket, key, if_absent=if_absent, metadata=metadata or {})
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
        return read_pages(lambda token: self._list_page(prefix, token))

    def delete(self, key: str) -> None:
        """See `ObjectStore.delete`."""
        where = self._bucket.where(key)
        self._bucket.call("delete", key, lambda s3: s3.delete_object(**where))

    def _find(self, key: str) -> ObjectInfo:
        info = self.head(key)
        if info is None:
            resource = self._location.describe(key)
            raise NotFoundError(f"there is no {resource}", operation="read", resource=resource)
        return info

    def _get(self, key: str, max_bytes: int) -> tuple[StoredObject, str | None]:
        where = self._bucket.where(key)

        def read(s3: "S3Client") -> tuple[StoredObject, str | None]:
            answer: Any = s3.get_object(**where)
            with answer["Body"] as body:
                self._check_size(key, answer["ContentLength"], max_bytes)
                stored = StoredObject(body.read(), read_info(key, answer))
            return stored, answer["Metadata"].get(TOKEN)

        return self._bucket.call("read", key, read)

    def _check_size(self, key: str, size: int, max_bytes: int) -> None:
        if size > max_bytes:
            resource = self._location.describe(key)
            raise ProviderError(
                f"{resource} has {size} bytes, more than the {max_bytes} expected",
                operation="read",
                resource=resource,
            )

    def _read_again(self, key: str, size: int) -> tuple[StoredObject, str | None] | None:
        info = self.head(key)
        if info is None or info.size != size:
            return None
        try:
            return self._get(key, size)
        except ProviderError:
            return None

    def _put(
        self, key: str, body: bytes, *, metadata: Mapping[str, str], condition: Mapping[str, str]
    ) -> Any:
        arguments: Any = {
            **self._bucket.where(key),
            "Body": body,
            "Metadata": metadata,
            **self._bucket.seal.arguments(Body(body)),
            **condition,
        }
        return self._bucket.call("write", key, lambda s3: s3.put_object(**arguments))

    def _list_page(self, prefix: str, token: str | None) -> Page:
        arguments: Any = {
            "Bucket": self._location.bucket,
            "Prefix": self._location.full_key(prefix),
            "MaxKeys": self._page_size,
            **({"ContinuationToken": token} if token else {}),
        }
        answer: Any = self._bucket.call("list", "", lambda s3: s3.list_objects_v2(**arguments))
        infos = [
            ObjectInfo(
                self._location.short_key(item["Key"]),
                item["Size"],
                item["ETag"],
                modified=item["LastModified"],
            )
            for item in answer.get("Contents", ())
        ]
        return infos, answer.get("NextContinuationToken")


def _condition(if_version: str | None) -> dict[str, str]:
    if if_version is None:
        return {}
    return {"IfMatch": if_version} if if_version else {"IfNoneMatch": "*"}
