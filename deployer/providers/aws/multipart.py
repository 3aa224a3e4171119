"""S3 multipart uploads: every part checked by the service, the whole published at once or never."""

import base64
import zlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from deployer.errors import NotFoundError, PreconditionError, ProviderError
from deployer.providers.source import SourceFile
from deployer.providers.transfer import PART

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

__all__ = ["part_size", "upload_parts"]

T = TypeVar("T")

_MAX_PARTS = 9_500
"""S3 allows 10 000 parts; the rest is room for a file that is measured in other units elsewhere."""

_MEBIBYTE = 1 << 20


class _Call(Protocol):
    """Makes one call on the client: ``call(operation, step)``."""

    def __call__(self, operation: str, step: "Callable[[S3Client], T]", /) -> T:
        """Return ``step(client)``, retried and translated."""
        ...


def part_size(size: int) -> int:
    """Return the bytes per part for a file of ``size`` bytes: whole MiB, within S3's part limit."""
    needed = -(-size // _MAX_PARTS)
    return max(PART, -(-needed // _MEBIBYTE) * _MEBIBYTE)


def upload_parts(
    call: _Call, where: Mapping[str, str], source: SourceFile, metadata: Mapping[str, str]
) -> None:
    """Upload ``source`` to the key ``where``, one part in memory at a time.

    On any failure the upload is aborted, so that no invisible parts are billed.
    """
    upload: Any = {**where}
    upload["UploadId"] = call(
        "write",
        lambda s3: s3.create_multipart_upload(
            **upload,
            Metadata=metadata,
            ChecksumAlgorithm="CRC32",
            ChecksumType="FULL_OBJECT",
        ),
    )["UploadId"]
    try:
        parts = _send_parts(call, upload, source)
        source.check_unchanged()
        _complete(call, upload, source, parts)
    except BaseException as error:
        _abort(call, upload, error)
        raise


def _send_parts(call: _Call, upload: Any, source: SourceFile) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    size = part_size(source.size)
    while body := source.read(size):
        parts.append(_send_part(call, upload, len(parts) + 1, body))
    return parts


def _send_part(call: _Call, upload: Any, number: int, body: bytes) -> dict[str, Any]:
    checksum = base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()
    answer = call(
        "write",
        lambda s3: s3.upload_part(**upload, PartNumber=number, Body=body, ChecksumCRC32=checksum),
    )
    return {"PartNumber": number, "ETag": answer["ETag"], "ChecksumCRC32": checksum}


def _complete(call: _Call, upload: Any, source: SourceFile, parts: list[dict[str, Any]]) -> None:
    """Publish.

    A completion retried after a lost response finds no upload on some servers; what is stored then
    is compared with what was sent by the caller, as after every upload.
    """
    arguments: Any = {
        **upload,
        "MultipartUpload": {"Parts": parts},
        "ChecksumCRC32": base64.b64encode(bytes.fromhex(source.hexdigest)).decode(),
        "ChecksumType": "FULL_OBJECT",
        "MpuObjectSize": source.size,
    }
    try:
        call("write", lambda s3: s3.complete_multipart_upload(**arguments))
    except (NotFoundError, PreconditionError):
        call("read", lambda s3: s3.head_object(Bucket=upload["Bucket"], Key=upload["Key"]))


def _abort(call: _Call, upload: Any, error: BaseException) -> None:
    try:
        call("abort the upload of", lambda s3: s3.abort_multipart_upload(**upload))
    except NotFoundError:
        return
    except ProviderError as failed:
        error.add_note(f"The incomplete upload {upload['UploadId']} was left behind: {failed}")
