"""S3 as an `ObjectStore`: conditional writes by ETag, CRC-32 checked by the service."""

import base64
import uuid
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from deployer.checksums import Crc32
from deployer.errors import NotFoundError, PreconditionError, ProviderError
from deployer.ports import Clock, ObjectInfo, StoredObject
from deployer.providers.aws.errors import translated
from deployer.providers.aws.multipart import upload_parts
from deployer.providers.location import Location
from deployer.providers.patience import Lazy, Patience, call_patiently
from deployer.providers.proof import TOKEN, Sent, Written, confirm_stored, settle_conflict
from deployer.providers.source import SourceFile
from deployer.providers.transfer import PART, Page, read_pages, read_ranges

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

__all__ = ["S3Store"]

T = TypeVar("T")

_PAGE = 1000


class S3Store:
    """See `ObjectStore`. Versions are ETags: writing the same bytes again may keep the version."""

    def __init__(
        self, location: Location, client: "Lazy[S3Client]", *, clock: Clock, patience: Patience
    ) -> None:
        self._location = location
        self._client = client
        self._clock = clock
        self._patience = patience
        self._bucket_seen = False
        self._page_size = _PAGE

    @property
    def url(self) -> str:
        """See `ObjectStore.url`."""
        return self._location.url

    def head(self, key: str) -> ObjectInfo | None:
        """See `ObjectStore.head`."""
        try:
            return self._head(key)
        except NotFoundError:
            self._require_bucket()
            return None

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
            answer = self._put(key, body, metadata=marked, condition=_condition(if_version))
        except (PreconditionError, NotFoundError) as error:
            if if_version is None:
                raise
            written = Written(key, body, token, if_version)
            return settle_conflict(written, lambda: self._read_again(key, len(body)), error)
        return ObjectInfo(
            key, len(body), answer["ETag"], checksums=_checksums(answer), metadata=metadata or {}
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
        with SourceFile(path, Crc32(), progress=progress) as source:
            if source.size <= PART:
                body = source.read()
                source.check_unchanged()
                self._put(key, body, metadata=metadata or {}, condition={})
            else:
                self._put_parts(key, source, metadata or {})
            sent = Sent(source.size, "crc32", source.hexdigest)
        return confirm_stored(self, self.head(key), sent, Crc32)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """See `ObjectStore.list`."""
        return read_pages(lambda token: self._list_page(prefix, token))

    def delete(self, key: str) -> None:
        """See `ObjectStore.delete`."""
        where = self._where(key)
        self._call("delete", key, lambda s3: s3.delete_object(**where))

    def _call(self, operation: str, key: str, call: "Callable[[S3Client], T]") -> T:
        client = self._client()

        def attempt() -> T:
            with translated(operation, self._location.describe(key)):
                return call(client)

        return call_patiently(attempt, clock=self._clock, patience=self._patience)

    def _where(self, key: str) -> Any:
        return {"Bucket": self._location.bucket, "Key": self._location.full_key(key)}

    def _head(self, key: str) -> ObjectInfo:
        where = self._where(key)
        answer: Any = self._call(
            "read", key, lambda s3: s3.head_object(**where, ChecksumMode="ENABLED")
        )
        return _info(key, answer)

    def _find(self, key: str) -> ObjectInfo:
        info = self.head(key)
        if info is None:
            resource = self._location.describe(key)
            raise NotFoundError(f"there is no {resource}", operation="read", resource=resource)
        return info

    def _require_bucket(self) -> None:
        if not self._bucket_seen:
            bucket = self._location.bucket
            self._call("list", "", lambda s3: s3.list_objects_v2(Bucket=bucket, MaxKeys=1))
            self._bucket_seen = True

    def _get(self, key: str, max_bytes: int) -> tuple[StoredObject, str | None]:
        where = self._where(key)

        def read(s3: "S3Client") -> tuple[StoredObject, str | None]:
            answer: Any = s3.get_object(**where)
            with answer["Body"] as body:
                self._check_size(key, answer["ContentLength"], max_bytes)
                stored = StoredObject(body.read(), _info(key, answer))
            return stored, answer["Metadata"].get(TOKEN)

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
        info = self.head(key)
        if info is None or info.size != size:
            return None
        try:
            return self._get(key, size)
        except ProviderError:
            return None

    def _read_range(self, key: str, version: str, offset: int, length: int) -> bytes:
        where = {
            **self._where(key),
            "IfMatch": version,
            "Range": f"bytes={offset}-{offset + length - 1}",
        }

        def read(s3: "S3Client") -> bytes:
            with s3.get_object(**where)["Body"] as body:
                return body.read()

        return self._call("read", key, read)

    def _put(
        self, key: str, body: bytes, *, metadata: Mapping[str, str], condition: Mapping[str, str]
    ) -> Any:
        arguments: Any = {
            **self._where(key),
            "Body": body,
            "Metadata": metadata,
            "ChecksumAlgorithm": "CRC32",
            "ChecksumCRC32": base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode(),
            **condition,
        }
        return self._call("write", key, lambda s3: s3.put_object(**arguments))

    def _put_parts(self, key: str, source: SourceFile, metadata: Mapping[str, str]) -> None:
        def call(operation: str, step: "Callable[[S3Client], T]") -> T:
            return self._call(operation, key, step)

        upload_parts(call, self._where(key), source, metadata)

    def _list_page(self, prefix: str, token: str | None) -> Page:
        arguments: Any = {
            "Bucket": self._location.bucket,
            "Prefix": self._location.full_key(prefix),
            "MaxKeys": self._page_size,
            **({"ContinuationToken": token} if token else {}),
        }
        answer: Any = self._call("list", "", lambda s3: s3.list_objects_v2(**arguments))
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


def _info(key: str, answer: Mapping[str, Any]) -> ObjectInfo:
    metadata = {name.lower(): value for name, value in answer["Metadata"].items()}
    metadata.pop(TOKEN, None)
    return ObjectInfo(
        key,
        answer["ContentLength"],
        answer["ETag"],
        checksums=_checksums(answer),
        metadata=metadata,
        modified=answer["LastModified"],
    )


_ALGORITHMS = {
    "ChecksumSHA256": "sha256",
    "ChecksumCRC32": "crc32",
    "ChecksumCRC32C": "crc32c",
    "ChecksumCRC64NVME": "crc64nvme",
}


def _checksums(answer: Mapping[str, Any]) -> dict[str, str]:
    """Return those over the whole object; composites (``<base64>-<parts>``) are of no use."""
    if answer.get("ChecksumType") == "COMPOSITE":
        return {}
    return {
        name: base64.b64decode(answer[field]).hex()
        for field, name in _ALGORITHMS.items()
        if field in answer and "-" not in answer[field]
    }
