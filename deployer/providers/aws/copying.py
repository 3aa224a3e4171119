"""S3 copies within the service: the bytes never pass here."""

from collections.abc import Mapping
from typing import Any

from deployer.errors import PreconditionError, ProviderError, SetupError, TransientError
from deployer.ports import ObjectInfo, ObjectStore
from deployer.providers.aws.bucket import S3Bucket
from deployer.providers.aws.checksums import ALGORITHM
from deployer.providers.location import parse_location
from deployer.providers.proof import prove_copy

__all__ = ["copy_object"]

_IN_ONE = 5 << 30
"""What one CopyObject may copy (S3 User Guide, "Copying objects")."""

_PART = 1 << 30


def copy_object(
    store: ObjectStore,
    bucket: S3Bucket,
    key: str,
    *,
    source: ObjectStore,
    info: ObjectInfo,
    metadata: Mapping[str, str],
) -> ObjectInfo | None:
    """See `ObjectStore.copy`. None, too, when the service refuses."""
    if source.service != store.service:
        return None
    try:
        _Copy(bucket, key, source, info, metadata).run()
    except (PreconditionError, TransientError):
        raise
    except (ProviderError, SetupError):
        return None
    copied = store.head(key)
    return None if copied is None else prove_copy(copied, info)


class _Copy:
    def __init__(
        self,
        bucket: S3Bucket,
        key: str,
        source: ObjectStore,
        info: ObjectInfo,
        metadata: Mapping[str, str],
    ) -> None:
        origin = parse_location(source.url, scheme="s3")
        self._bucket = bucket
        self._key = key
        self._size = info.size
        self._metadata = dict(metadata)
        self._where = bucket.where(key)
        self._source: Any = {
            "CopySource": {"Bucket": origin.bucket, "Key": origin.full_key(info.key)},
            "CopySourceIfMatch": info.version,
            **bucket.source_key(source.customer_key),
        }

    def run(self) -> None:
        if self._size > _IN_ONE:
            self._copy_parts()
            return
        arguments: Any = {
            **self._where,
            **self._source,
            "Metadata": self._metadata,
            "MetadataDirective": "REPLACE",
            **({} if self._bucket.settings.compat else {"ChecksumAlgorithm": ALGORITHM}),
        }
        self._bucket.call("copy to", self._key, lambda s3: s3.copy_object(**arguments))

    def _copy_parts(self) -> None:
        begin: Any = {
            **self._where,
            "Metadata": self._metadata,
            **self._bucket.seal.begin(),
        }
        answer = self._bucket.call(
            "copy to", self._key, lambda s3: s3.create_multipart_upload(**begin)
        )
        upload: Any = {**self._where, "UploadId": answer["UploadId"]}
        try:
            self._send_parts(upload)
        except ProviderError:
            self._bucket.call(
                "abort the copy to", self._key, lambda s3: s3.abort_multipart_upload(**upload)
            )
            raise

    def _send_parts(self, upload: Any) -> None:
        offsets = range(0, self._size, _PART)
        parts = [self._copy_part(upload, number, at) for number, at in enumerate(offsets, 1)]
        order: Any = {**upload, "MultipartUpload": {"Parts": parts}}
        self._bucket.call("copy to", self._key, lambda s3: s3.complete_multipart_upload(**order))

    def _copy_part(self, upload: Any, number: int, offset: int) -> dict[str, Any]:
        end = min(offset + _PART, self._size) - 1
        arguments: Any = {
            **upload,
            **self._source,
            "PartNumber": number,
            "CopySourceRange": f"bytes={offset}-{end}",
        }
        answer = self._bucket.call(
            "copy to", self._key, lambda s3: s3.upload_part_copy(**arguments)
        )
        return {"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]}
