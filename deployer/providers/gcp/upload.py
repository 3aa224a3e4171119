"""Cloud Storage uploads: parts by the XML API's multipart upload, which the JSON API lacks."""

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

from deployer.errors import (
    AccessDeniedError,
    IntegrityError,
    NotFoundError,
    PreconditionError,
    ProviderError,
)
from deployer.ports import Chunk, ObjectInfo, ObjectStore
from deployer.providers.gcp.bucket import GcsBucket, to_base64
from deployer.providers.gcp.copying import rename_object
from deployer.providers.gcp.errors import missing_bucket
from deployer.providers.proof import Sent, confirm_stored, settle_upload
from deployer.transfer import LOOKED_INTO, SentPart

__all__ = ["GcsUpload"]

_MD5_HEX = 32
_STAGED = ".uploading"
_TWINS = 16
"""How often what is staged may be replaced before it has its key: once by each twin."""


class GcsUpload:
    """See `PartUpload`. An unfinished upload of the same key is found in the bucket itself.

    Multipart uploads take no preconditions (XML API reference, "Complete a multipart upload").
    Where the key is to be free, the parts become an object of another name beside it, which the
    service then gives the key, on the condition that it is free, without moving bytes. That name is
    of what is sent: a killed upload is found again, and two of different bytes never meet in one.
    """

    algorithm = "crc32c"

    def __init__(
        self,
        store: ObjectStore,
        bucket: GcsBucket,
        key: str,
        *,
        if_absent: bool,
        metadata: Mapping[str, str],
        identity: str,
    ) -> None:
        self._store = store
        self._bucket = bucket
        self._key = key
        self._if_absent = if_absent
        self._metadata = dict(metadata)
        self._identity = identity
        self._upload = ""

    @cached_property
    def _staged(self) -> str:
        if not self._if_absent:
            return self._key
        tag = hashlib.sha256(self._identity.encode()).hexdigest()[:16]
        return f"{self._key}.{tag}{_STAGED}"

    @cached_property
    def _path(self) -> str:
        location = self._bucket.location
        return f"/{location.bucket}/{quote(location.full_key(self._staged), safe='~')}"

    def put_whole(self, chunk: Chunk) -> ObjectInfo:
        """See `PartUpload.put_whole`. The answer has the checksum that the service keeps."""
        sent = Sent(len(chunk.body), self.algorithm, chunk.checksum(self.algorithm))
        generation = 0 if self._if_absent else None
        try:
            info = self._bucket.put(
                self._key, bytes(chunk.body), self._metadata, generation, crc32c=sent.hexdigest
            )
        except PreconditionError as error:
            return settle_upload(self._store, self._key, sent, error)
        return confirm_stored(self._store, info, sent)

    def find_parts(self) -> Mapping[int, SentPart] | None:
        """See `PartUpload.find_parts`. Who may not list uploads finds none.

        The name of what is staged says what its bytes are; a key's own name does not.
        """
        try:
            uploads = self._find_uploads()
        except (AccessDeniedError, NotFoundError):
            return None
        for self._upload in uploads:
            parts = {part.number: part for part in self._list_parts()}
            if parts or self._if_absent:
                return parts
        return None

    def begin(self) -> None:
        """See `PartUpload.begin`."""
        headers = {
            "Content-Type": "application/octet-stream",
            **{f"x-goog-meta-{name}": value for name, value in self._metadata.items()},
            **self._bucket.key_headers(),
        }
        if self._bucket.key_name:
            headers["x-goog-encryption-kms-key-name"] = self._bucket.key_name
        try:
            answer = self._ask("write", "POST", "?uploads", headers=headers)
        except NotFoundError as error:
            raise missing_bucket(self._store.url) from error
        self._upload = _parse(answer).findtext("{*}UploadId", "")

    def send_part(self, chunk: Chunk) -> SentPart:
        """See `PartUpload.send_part`."""
        checksum = chunk.checksum(self.algorithm)
        query = f"?partNumber={chunk.number}&uploadId={self._upload}"
        tag = self._bucket.put_part(self._path + query, chunk.body, checksum)
        if not tag:
            headers = {
                "X-Goog-Hash": f"crc32c={to_base64(checksum)}",
                **self._bucket.key_headers(),
            }
            answer = self._ask("write", "PUT", query, data=bytes(chunk.body), headers=headers)
            tag = answer.headers["ETag"]
        return SentPart(chunk.number, len(chunk.body), tag, {self.algorithm: checksum})

    def commit(self, parts: Sequence[SentPart], size: int, checksum: str) -> ObjectInfo:
        """See `PartUpload.commit`."""
        sent = Sent(size, self.algorithm, checksum)
        try:
            self._ask("write", "POST", f"?uploadId={self._upload}", data=_describe(parts))
        except NotFoundError as error:
            # It was completed, by a call whose answer was lost or a twin; or a part was replaced.
            self.abort()
            if not self._if_absent:
                return settle_upload(self._store, self._key, sent, error, if_absent=False)
        if self._if_absent:
            return self._publish(sent)
        return confirm_stored(self._store, self._store.head(self._key), sent)

    def _publish(self, sent: Sent) -> ObjectInfo:
        """Give what was staged its key, if that is free.

        A twin that sends the same stages it under the same name. So what is staged goes away only
        when the key is there: who finds it gone finds the key.
        """
        refused = self._rename(sent)
        info = self._store.head(self._key)
        if info is None and refused is not None:
            raise refused
        self._store.delete(self._staged)
        if refused is not None:
            return settle_upload(self._store, self._key, sent, refused)
        return confirm_stored(self._store, info, sent)

    def _rename(self, sent: Sent) -> ProviderError | None:
        """Return None, or why what was staged could not be given the key.

        When it is refused and the key is still free, a twin staged the same anew in between.
        """
        refused: ProviderError = self._gone()
        for _ in range(_TWINS):
            staged = self._store.head(self._staged)
            if staged is None:
                return refused
            self._check_staged(staged, sent)
            try:
                rename_object(self._bucket, staged, self._key, metadata=self._metadata)
            except NotFoundError as error:
                return error
            except PreconditionError as error:
                refused = error
                if self._store.head(self._key) is not None:
                    return refused
            else:
                return None
        return refused

    def _check_staged(self, staged: ObjectInfo, sent: Sent) -> None:
        try:
            confirm_stored(self._store, staged, sent)
        except IntegrityError:
            self._store.delete(self._staged)
            raise

    def abort(self) -> None:
        """See `PartUpload.abort`."""
        try:
            self._ask("abort the upload of", "DELETE", f"?uploadId={self._upload}")
        except NotFoundError:
            return

    def _find_uploads(self) -> list[str]:
        """Return a few unfinished uploads of exactly this key, the newest first."""
        location = self._bucket.location
        name = location.full_key(self._staged)
        path = f"/{location.bucket}?uploads&prefix={quote(name, safe='')}"
        answer = self._bucket.call(
            "list uploads of", self._key, lambda: self._bucket.ask("GET", path)
        )
        uploads = [
            (upload.findtext("{*}Initiated", ""), upload.findtext("{*}UploadId", ""))
            for upload in _parse(answer).iterfind("{*}Upload")
            if upload.findtext("{*}Key") == name
        ]
        return [name for _, name in sorted(uploads, reverse=True)[:LOOKED_INTO]]

    def _list_parts(self) -> list[SentPart]:
        parts: list[SentPart] = []
        marker = "0"
        while marker:
            query = f"?uploadId={self._upload}&part-number-marker={marker}"
            try:
                root = _parse(self._ask("list parts of", "GET", query))
            except (AccessDeniedError, NotFoundError):
                return parts
            parts += [_read_part(part) for part in root.iterfind("{*}Part")]
            more = root.findtext("{*}IsTruncated", "false") == "true"
            marker = root.findtext("{*}NextPartNumberMarker", "") if more else ""
        return parts

    def _ask(self, operation: str, method: str, query: str, **options: Any) -> Any:
        return self._bucket.call(
            operation, self._key, lambda: self._bucket.ask(method, self._path + query, **options)
        )

    def _gone(self) -> NotFoundError:
        resource = self._bucket.location.describe(self._staged)
        return NotFoundError(f"there is no {resource}", operation="write", resource=resource)


def _read_part(part: ET.Element) -> SentPart:
    """Return a listed part; its ETag is the MD5 of its bytes, or proves nothing."""
    tag = part.findtext("{*}ETag", "")
    md5 = tag.strip('"')
    return SentPart(
        int(part.findtext("{*}PartNumber", "0")),
        int(part.findtext("{*}Size", "0")),
        tag,
        {"md5": md5} if len(md5) == _MD5_HEX else {},
    )


def _describe(parts: Sequence[SentPart]) -> bytes:
    root = ET.Element("CompleteMultipartUpload")
    for part in parts:
        element = ET.SubElement(root, "Part")
        ET.SubElement(element, "PartNumber").text = str(part.number)
        ET.SubElement(element, "ETag").text = part.tag
    return ET.tostring(root)


def _parse(answer: Any) -> ET.Element:
    return ET.fromstring(answer.content)  # noqa: S314 - the store's own answer, over its TLS
