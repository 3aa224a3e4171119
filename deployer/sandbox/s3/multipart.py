"""Multipart uploads: parts in any order, put together at the end, invisible until then."""

import hashlib
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from deployer.ports.clock import Clock
from deployer.sandbox.s3.checksums import (
    COMPOSITE,
    Checksum,
    check_type,
    compose,
    compute,
)
from deployer.sandbox.s3.conditions import Conditions
from deployer.sandbox.s3.objects import Buckets, Draft, StoredObject
from deployer.sandbox.s3.payload import Payload
from deployer.sandbox.s3.refusal import RefusedError

__all__ = ["SMALLEST_PART", "Part", "Upload", "Uploads", "Wanted"]

SMALLEST_PART = 5 << 20
_MOST_PARTS = 10_000
_DEFAULT = "CRC64NVME"


@dataclass(frozen=True, slots=True)
class Part:
    """A part as it came."""

    number: int
    data: bytes
    etag: str
    checksum: Checksum
    modified: datetime


@dataclass(slots=True)
class Upload:
    """One upload. ``asked`` says whether its client chose the algorithm and so must use it."""

    id: str
    bucket: str
    key: str
    algorithm: str
    type: str
    asked: bool
    headers: Mapping[str, str]
    metadata: Mapping[str, str]
    begun: datetime
    parts: dict[int, Part] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a completion asks for.

    Attributes:
        parts: Number, ETag, and checksums by element name, of each.
        checksum: Of the object, as the client knows it.
        type: Of that checksum; None when it is not said.
        size: Of the object; None when it is not said.
    """

    parts: tuple[tuple[int, str, Mapping[str, str]], ...]
    checksum: Checksum | None
    type: str | None
    size: int | None


class Uploads:
    """The uploads into ``buckets``; unfinished ones are kept until aborted.

    Args:
        buckets: Where completed ones go.
        clock: For when they began.
        smallest_part: In bytes, of every part but the last.
        forgetful: Whether a completion asked for twice finds no upload the second time, as with
            MinIO, or the same answer again, as with S3.
    """

    def __init__(
        self, buckets: Buckets, clock: Clock, *, smallest_part: int, forgetful: bool
    ) -> None:
        self._buckets = buckets
        self._clock = clock
        self._smallest = smallest_part
        self._forgetful = forgetful
        self._open: dict[str, Upload] = {}
        self._done: dict[str, StoredObject] = {}
        self._lock = threading.RLock()

    def begin(
        self,
        bucket: str,
        key: str,
        *,
        algorithm: str | None,
        checksum_type: str | None,
        headers: Mapping[str, str],
        metadata: Mapping[str, str],
    ) -> Upload:
        """Open an upload."""
        chosen = (algorithm or _DEFAULT).upper()
        upload = Upload(
            id=uuid.uuid4().hex,
            bucket=bucket,
            key=key,
            algorithm=chosen,
            type=check_type(chosen, checksum_type),
            asked=algorithm is not None,
            headers=headers,
            metadata=metadata,
            begun=self._clock.now(),
        )
        with self._lock:
            self._open[upload.id] = upload
        return upload

    def find(self, bucket: str, key: str, number: str) -> Upload:
        """Return the open upload of this object; refuses one that is not."""
        with self._lock:
            upload = self._open.get(number)
        if upload is None or (upload.bucket, upload.key) != (bucket, key):
            raise _no_upload()
        return upload

    def headers_of(self, number: str) -> Mapping[str, str] | None:
        """Return the headers of an upload that is open, or done; None for any other."""
        with self._lock:
            if number in self._open:
                return self._open[number].headers
            done = self._done.get(number)
            return done.draft.headers if done else None

    def list(self, bucket: str, prefix: str) -> list[Upload]:
        """Return the bucket's open uploads by key and age."""
        with self._lock:
            ours = [one for one in self._open.values() if one.bucket == bucket]
        return sorted(
            (one for one in ours if one.key.startswith(prefix)),
            key=lambda one: (one.key, one.begun),
        )

    def put_part(self, upload: Upload, number: int, payload: Payload) -> Part:
        """Keep a part; one of the same number is replaced."""
        if not 1 <= number <= _MOST_PARTS:
            message = f"Part number must be an integer between 1 and {_MOST_PARTS}, inclusive"
            raise RefusedError(400, "InvalidArgument", message)
        _check_algorithm(upload, payload.checksum)
        return self._keep(upload, number, payload.data)

    def copy_part(self, upload: Upload, number: int, data: bytes) -> Part:
        """Keep a part whose bytes the service has already."""
        return self._keep(upload, number, data)

    def complete(
        self, bucket: str, key: str, number: str, wanted: Wanted, conditions: Conditions
    ) -> StoredObject:
        """Publish the object; refuses parts, checksums and sizes that are not as claimed."""
        with self._lock:
            done = self._done.get(number)
            if done is not None and not self._forgetful:
                return done
            upload = self.find(bucket, key, number)
            draft = self._assemble(upload, wanted)
            stored = self._buckets.put(bucket, key, draft, conditions)
            del self._open[number]
            self._done[number] = stored
            return stored

    def abort(self, upload: Upload) -> None:
        """Drop an upload with its parts."""
        with self._lock:
            self._open.pop(upload.id, None)

    def _keep(self, upload: Upload, number: int, data: bytes) -> Part:
        etag = hashlib.md5(data, usedforsecurity=False).hexdigest()
        checksum = compute(upload.algorithm, data)
        part = Part(number, data, etag, checksum, self._clock.now())
        with self._lock:
            if upload.id not in self._open:
                raise _no_upload()
            upload.parts[number] = part
        return part

    def _assemble(self, upload: Upload, wanted: Wanted) -> Draft:
        parts = [_choose(upload, *one) for one in wanted.parts]
        _check_order([part.number for part in parts])
        if any(len(part.data) < self._smallest for part in parts[:-1]):
            message = "Your proposed upload is smaller than the minimum allowed size"
            raise RefusedError(400, "EntityTooSmall", message)
        data = b"".join(part.data for part in parts)
        _check_size(wanted.size, len(data))
        checksum = _total(upload, parts, data)
        _check_total(upload, wanted, checksum)
        return Draft(data, _etag(parts), checksum, upload.headers, upload.metadata)


def _check_algorithm(upload: Upload, given: Checksum | None) -> None:
    """Refuse another algorithm than the upload's; parts of a composite need one."""
    missing = given is None and upload.asked and upload.type == COMPOSITE
    if missing or (given is not None and given.algorithm != upload.algorithm):
        expected = upload.algorithm.lower() if upload.asked else "null"
        actual = given.algorithm.lower() if given else "null"
        message = (
            "Checksum Type mismatch occurred, "
            f"expected checksum Type: {expected}, actual checksum Type: {actual}"
        )
        raise RefusedError(400, "InvalidRequest", message)


def _choose(upload: Upload, number: int, etag: str, claims: Mapping[str, str]) -> Part:
    part = upload.parts.get(number)
    checksum = part.checksum if part else None
    claim = claims.get(checksum.element) if checksum else None
    if part is None or part.etag != etag or claim not in (None, part.checksum.value):
        message = "One or more of the specified parts could not be found."
        raise RefusedError(400, "InvalidPart", message, PartNumber=str(number))
    if claim is None and upload.asked and upload.type == COMPOSITE:
        message = (
            f"The upload was created using a {upload.algorithm.lower()} checksum. The complete "
            f"request must include the checksum for each part. It was missing for part {number}"
        )
        raise RefusedError(400, "InvalidRequest", message)
    return part


def _check_order(numbers: list[int]) -> None:
    if not numbers:
        raise RefusedError(400, "MalformedXML", "You must specify at least one part")
    if numbers != sorted(set(numbers)):
        message = "The list of parts was not in ascending order."
        raise RefusedError(400, "InvalidPartOrder", message)


def _check_size(claimed: int | None, size: int) -> None:
    if claimed not in (None, size):
        message = f"The provided 'x-amz-mp-object-size' header does not match: {size}"
        raise RefusedError(400, "InvalidRequest", message)


def _total(upload: Upload, parts: list[Part], data: bytes) -> Checksum:
    if upload.type == COMPOSITE:
        return compose(upload.algorithm, [part.checksum.value for part in parts])
    return compute(upload.algorithm, data)


def _check_total(upload: Upload, wanted: Wanted, checksum: Checksum) -> None:
    if wanted.type not in (None, upload.type):
        message = f"The upload was created with the {upload.type} checksum type."
        raise RefusedError(400, "InvalidRequest", message)
    claim = wanted.checksum
    if claim is None:
        return
    if claim.algorithm != upload.algorithm:
        message = f"The upload was created using a {upload.algorithm.lower()} checksum."
        raise RefusedError(400, "InvalidRequest", message)
    if claim.value not in (checksum.value, checksum.value.partition("-")[0]):
        message = f"The {claim.algorithm} you specified did not match the calculated checksum."
        raise RefusedError(400, "BadDigest", message)


def _etag(parts: list[Part]) -> str:
    digests = b"".join(bytes.fromhex(part.etag) for part in parts)
    return f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}"


def _no_upload() -> RefusedError:
    message = "The specified multipart upload does not exist. The upload ID may be invalid."
    return RefusedError(404, "NoSuchUpload", message)
