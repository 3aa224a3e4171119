"""S3's unfinished multipart uploads."""

from collections.abc import Iterator
from typing import Any

from deployer.errors import NotFoundError
from deployer.ports import Clock, StoreSettings
from deployer.ports.incomplete import IncompleteUpload
from deployer.providers.aws.bucket import S3Bucket
from deployer.providers.aws.connect import _make_client
from deployer.providers.location import parse_location
from deployer.providers.patience import Lazy, Patience

__all__ = ["S3Uploads", "connect_uploads"]


def connect_uploads(
    url: str,
    *,
    clock: Clock,
    endpoint: str | None = None,
    patience_seconds: float = 60.0,
    settings: StoreSettings | None = None,
) -> "S3Uploads":
    """Return the unfinished uploads of the store at ``url``; as `connect_store` otherwise."""
    patience = Patience(patience_seconds)
    asked = settings or StoreSettings()
    client = Lazy(lambda: _make_client(endpoint, patience, asked))
    location = parse_location(url, scheme="s3")
    return S3Uploads(S3Bucket(location, client, clock=clock, patience=patience, settings=asked))


class S3Uploads:
    """See `IncompleteUploads`."""

    def __init__(self, bucket: S3Bucket) -> None:
        self._bucket = bucket

    def list(self, prefix: str = "") -> Iterator[IncompleteUpload]:
        """See `IncompleteUploads.list`."""
        location = self._bucket.location
        asked: dict[str, Any] = {"Bucket": location.bucket, "Prefix": location.full_key(prefix)}
        while True:
            page = self._page(asked)
            for found in page.get("Uploads", ()):
                key = location.short_key(found["Key"])
                yield IncompleteUpload(key, found["UploadId"], found["Initiated"])
            if not page.get("IsTruncated"):
                return
            asked |= {
                "KeyMarker": page["NextKeyMarker"],
                "UploadIdMarker": page["NextUploadIdMarker"],
            }

    def abort(self, upload: IncompleteUpload) -> None:
        """See `IncompleteUploads.abort`."""
        where = {**self._bucket.where(upload.key), "UploadId": upload.id}
        try:
            self._bucket.call(
                "abort the upload of", upload.key, lambda s3: s3.abort_multipart_upload(**where)
            )
        except NotFoundError:
            return

    def _page(self, asked: dict[str, Any]) -> Any:
        return self._bucket.call(
            "list uploads of", "", lambda s3: s3.list_multipart_uploads(**asked)
        )
