"""Cloud Storage's unfinished multipart uploads; resumable sessions end by themselves in a week."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode
from xml.etree import ElementTree as ET

from deployer.errors import NotFoundError
from deployer.ports import Clock, StoreSettings
from deployer.ports.incomplete import IncompleteUpload
from deployer.providers.gcp.bucket import GcsBucket
from deployer.providers.gcp.connect import _make_client
from deployer.providers.location import parse_location
from deployer.providers.patience import Lazy, Patience

__all__ = ["GcsUploads", "connect_uploads"]


def connect_uploads(
    url: str,
    *,
    clock: Clock,
    endpoint: str | None = None,
    patience_seconds: float = 60.0,
    settings: StoreSettings | None = None,
) -> "GcsUploads":
    """Return the unfinished uploads of the store at ``url``; as `connect_store` otherwise."""
    patience = Patience(patience_seconds)
    asked = settings or StoreSettings()
    client = Lazy(lambda: _make_client(endpoint, asked))
    location = parse_location(url, scheme="gs")
    return GcsUploads(GcsBucket(location, client, clock=clock, patience=patience, settings=asked))


class GcsUploads:
    """See `IncompleteUploads`. Asked by the XML API: the JSON API has no multipart uploads."""

    def __init__(self, bucket: GcsBucket) -> None:
        self._bucket = bucket

    def list(self, prefix: str = "") -> Iterator[IncompleteUpload]:
        """See `IncompleteUploads.list`."""
        location = self._bucket.location
        asked = {"prefix": location.full_key(prefix)}
        while True:
            page = self._page(asked)
            for found in page.iterfind("{*}Upload"):
                yield IncompleteUpload(
                    location.short_key(found.findtext("{*}Key", "")),
                    found.findtext("{*}UploadId", ""),
                    _moment(found.findtext("{*}Initiated")),
                )
            if page.findtext("{*}IsTruncated", "false") != "true":
                return
            asked |= {
                "key-marker": page.findtext("{*}NextKeyMarker", ""),
                "upload-id-marker": page.findtext("{*}NextUploadIdMarker", ""),
            }

    def abort(self, upload: IncompleteUpload) -> None:
        """See `IncompleteUploads.abort`."""
        location = self._bucket.location
        name = quote(location.full_key(upload.key), safe="~")
        path = f"/{location.bucket}/{name}?{urlencode({'uploadId': upload.id})}"
        try:
            self._bucket.call(
                "abort the upload of", upload.key, lambda: self._bucket.ask("DELETE", path)
            )
        except NotFoundError:
            return

    def _page(self, asked: dict[str, str]) -> ET.Element:
        path = f"/{self._bucket.location.bucket}?uploads&{urlencode(asked, quote_via=quote)}"
        answer: Any = self._bucket.call(
            "list uploads of", "", lambda: self._bucket.ask("GET", path)
        )
        return ET.fromstring(answer.content)  # noqa: S314 - from the service, over its own session


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
