"""S3 uploads: every part checked by the service, the whole published at once or never."""

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from deployer.errors import AccessDeniedError, NotFoundError, PreconditionError, ProviderError
from deployer.ports import Chunk, ObjectInfo, ObjectStore
from deployer.providers.aws.bucket import S3Bucket
from deployer.providers.aws.checksums import (
    CHECKSUM,
    FIELD,
    HEADER,
    read_checksums,
)
from deployer.providers.proof import Sent, confirm_stored, settle_upload
from deployer.transfer import LOOKED_INTO, SentPart

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

__all__ = ["S3Upload"]

T = TypeVar("T")


class S3Upload:
    """See `PartUpload`. An unfinished upload of the same key is found in the bucket itself.

    CRC-64/NVME: S3 recommends it, computes it itself where a client sends nothing, and puts it
    together over the parts (``FULL_OBJECT``; S3 User Guide, "Checking object integrity").
    """

    algorithm = CHECKSUM

    def __init__(
        self,
        store: ObjectStore,
        bucket: S3Bucket,
        key: str,
        *,
        if_absent: bool,
        metadata: Mapping[str, str],
    ) -> None:
        self._store = store
        self._bucket = bucket
        self._key = key
        self._metadata = dict(metadata)
        self._condition: Any = {"IfNoneMatch": "*"} if if_absent else {}
        self._upload: Any = {}
        self._name = bucket.location.full_key(key)

    def put_whole(self, chunk: Chunk) -> ObjectInfo:
        """See `PartUpload.put_whole`. The answer has the checksum that S3 computed and keeps."""
        sent = Sent(len(chunk.body), self.algorithm, chunk.checksum(self.algorithm))
        info = self._put_fast(chunk, sent)
        if info is None:
            try:
                info = self._put(chunk, sent)
            except PreconditionError as error:
                return settle_upload(self._store, self._key, sent, error)
        if self.algorithm not in info.checksums:
            return self._look_again(info, sent)
        return confirm_stored(self._store, info, sent)

    def _look_again(self, written: ObjectInfo, sent: Sent) -> ObjectInfo:
        """Prove what a store that tells no checksum holds: ours, or who else's came since."""
        held = self._store.head(self._key)
        if self._condition and held is not None and held.version != written.version:
            return self._settle(sent, self._taken("was replaced"))
        return confirm_stored(self._store, held, sent)

    def _put_fast(self, chunk: Chunk, sent: Sent) -> ObjectInfo | None:
        headers = {
            **self._bucket.seal.headers(chunk),
            **{f"x-amz-meta-{name}": value for name, value in self._metadata.items()},
            **({"If-None-Match": "*"} if self._condition else {}),
        }
        answer = self._bucket.lane().put(self._name, chunk.body, headers, part={})
        if answer is None:
            return None
        told = answer.headers
        return self._info(sent, told["etag"], {FIELD: told.get(HEADER)})

    def _put(self, chunk: Chunk, sent: Sent) -> ObjectInfo:
        arguments: Any = {
            **self._bucket.where(self._key),
            "Body": bytes(chunk.body),
            "Metadata": self._metadata,
            **self._bucket.seal.arguments(chunk),
            **self._condition,
        }
        answer: Any = self._call("write", lambda s3: s3.put_object(**arguments))
        return self._info(sent, answer["ETag"], answer)

    def _info(self, sent: Sent, version: str, told: Mapping[str, Any]) -> ObjectInfo:
        checksums = read_checksums(told)
        return ObjectInfo(
            self._key, sent.size, version, checksums=checksums, metadata=self._metadata
        )

    def find_parts(self) -> Mapping[int, SentPart] | None:
        """See `PartUpload.find_parts`. Who may not list uploads finds none."""
        for found in self._find_uploads():
            self._upload = {**self._bucket.where(self._key), "UploadId": found}
            if parts := {part.number: part for part in self._list_parts()}:
                return parts
        return None

    def begin(self) -> None:
        """See `PartUpload.begin`."""
        arguments = {
            **self._bucket.where(self._key),
            "Metadata": self._metadata,
            **self._bucket.seal.begin(),
        }
        answer: Any = self._call("write", lambda s3: s3.create_multipart_upload(**arguments))
        self._upload = {**self._bucket.where(self._key), "UploadId": answer["UploadId"]}

    def send_part(self, chunk: Chunk) -> SentPart:
        """See `PartUpload.send_part`."""
        tag = self._send_fast(chunk) or self._send(chunk)
        return SentPart(chunk.number, len(chunk.body), tag, self._bucket.seal.known(chunk))

    def _send_fast(self, chunk: Chunk) -> str:
        part = {"partNumber": str(chunk.number), "uploadId": self._upload["UploadId"]}
        headers = self._bucket.seal.headers(chunk)
        answer = self._bucket.lane().put(self._name, chunk.body, headers, part=part)
        return "" if answer is None else answer.headers["etag"]

    def _send(self, chunk: Chunk) -> str:
        arguments: Any = {
            **self._upload,
            "PartNumber": chunk.number,
            "Body": bytes(chunk.body),
            **self._bucket.seal.arguments(chunk),
        }
        tag: str = self._call("write", lambda s3: s3.upload_part(**arguments))["ETag"]
        return tag

    def commit(self, parts: Sequence[SentPart], size: int, checksum: str) -> ObjectInfo:
        """See `PartUpload.commit`."""
        sent = Sent(size, self.algorithm, checksum)
        arguments: Any = {
            **self._upload,
            "MultipartUpload": {"Parts": [_describe(part) for part in parts]},
            **self._bucket.seal.complete(checksum, size),
            **self._condition,
        }
        try:
            answer: Any = self._call("write", lambda s3: s3.complete_multipart_upload(**arguments))
        except (NotFoundError, PreconditionError) as error:
            self.abort()
            return self._settle(sent, error)
        if not self._is_ours(answer, parts, checksum):
            return self._settle(sent, self._taken("was completed"))
        return confirm_stored(self._store, self._store.head(self._key), sent)

    def _is_ours(self, answer: Mapping[str, Any], parts: Sequence[SentPart], checksum: str) -> bool:
        """An upload that somebody else completed, with other parts, answers as it did to them.

        Where the store tells no checksum, its ETag shows it. One that is made in another way than
        Amazon's shows nothing; what is there is looked at, one way or the other.
        """
        told = read_checksums(answer).get(self.algorithm)
        return told == checksum if told else answer.get("ETag") == _join_tags(parts)

    def _settle(self, sent: Sent, error: ProviderError) -> ObjectInfo:
        if_absent = bool(self._condition)
        return settle_upload(self._store, self._key, sent, error, if_absent=if_absent)

    def _taken(self, how: str) -> NotFoundError:
        resource = self._bucket.location.describe(self._key)
        return NotFoundError(
            f"the upload of {resource} {how} by somebody else, with other bytes",
            operation="write",
            resource=resource,
        )

    def abort(self) -> None:
        """See `PartUpload.abort`."""
        upload = self._upload
        try:
            self._call("abort the upload of", lambda s3: s3.abort_multipart_upload(**upload))
        except NotFoundError:
            return

    def _find_uploads(self) -> list[str]:
        """Return a few unfinished uploads of exactly this key, the newest first."""
        where = self._bucket.where(self._key)
        bucket, key = where["Bucket"], where["Key"]
        try:
            answer: Any = self._call(
                "list uploads of",
                lambda s3: s3.list_multipart_uploads(Bucket=bucket, Prefix=key),
            )
        except AccessDeniedError:
            return []
        found = [one for one in answer.get("Uploads", ()) if one["Key"] == key]
        found.sort(key=lambda one: one["Initiated"], reverse=True)
        return [one["UploadId"] for one in found[:LOOKED_INTO]]

    def _list_parts(self) -> Iterator[SentPart]:
        marker = 0
        while True:
            arguments = {**self._upload, "PartNumberMarker": marker}
            try:
                answer: Any = self._call("list parts of", lambda s3: s3.list_parts(**arguments))  # noqa: B023 - called at once
            except (AccessDeniedError, NotFoundError):
                return
            yield from (_read_part(part) for part in answer.get("Parts", ()))
            if not answer.get("IsTruncated"):
                return
            marker = answer["NextPartNumberMarker"]

    def _call(self, operation: str, step: "Callable[[S3Client], T]") -> T:
        return self._bucket.call(operation, self._key, step)


def _read_part(part: Mapping[str, Any]) -> SentPart:
    """Return a listed part with what proves its bytes: a CRC, or the MD5 that its ETag is.

    The ETag of a part is its MD5 unless it is encrypted with a KMS or customer key; then it is
    none, matches nothing, and the part is sent again.
    """
    tag = part["ETag"]
    held = {CHECKSUM: base64.b64decode(part[FIELD]).hex()} if part.get(FIELD) else {}
    checksums = held or {"md5": tag.strip('"')}
    return SentPart(part["PartNumber"], part["Size"], tag, checksums)


def _join_tags(parts: Sequence[SentPart]) -> str:
    """Return the ETag of an object of these parts (S3 User Guide, "Checking object integrity")."""
    tags = [part.tag.strip('"') for part in parts]
    try:
        whole = hashlib.md5(b"".join(map(bytes.fromhex, tags)), usedforsecurity=False)
    except ValueError:  # not the MD5s of parts
        return ""
    return f'"{whole.hexdigest()}-{len(tags)}"'


def _describe(part: SentPart) -> dict[str, Any]:
    return {"PartNumber": part.number, "ETag": part.tag}
