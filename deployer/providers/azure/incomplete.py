"""Blob Storage's uncommitted blocks: of blobs that were never committed, and for a week."""

from collections.abc import Iterator, Sequence
from typing import Any

from deployer.errors import AlreadyExistsError, NotFoundError
from deployer.ports import Clock, StoreSettings
from deployer.ports.incomplete import IncompleteUpload
from deployer.providers.azure.connect import _make_client
from deployer.providers.azure.container import BlobContainer
from deployer.providers.location import parse_location
from deployer.providers.patience import Lazy, Patience
from deployer.transfer import Limits

__all__ = ["BlobUploads", "connect_uploads"]


def connect_uploads(
    url: str,
    *,
    clock: Clock,
    endpoint: str | None = None,
    patience_seconds: float = 60.0,
    settings: StoreSettings | None = None,
) -> "BlobUploads":
    """Return the unfinished uploads of the store at ``url``; as `connect_store` otherwise."""
    patience = Patience(patience_seconds)
    location = parse_location(url, scheme="az")
    client = Lazy(lambda: _make_client(location.bucket, endpoint, patience, Limits()))
    return BlobUploads(
        BlobContainer(
            location,
            client,
            clock=clock,
            patience=patience,
            settings=settings or StoreSettings(),
        )
    )


class BlobUploads:
    """See `IncompleteUploads`.

    A listing says nothing of an uncommitted blob but its name (List Blobs, REST reference), so no
    age is known. Blocks staged for a blob that is there are not listed at all. Nothing drops blocks
    but a commit: an empty blob is put and deleted again, and only where there is none.
    """

    def __init__(self, container: BlobContainer) -> None:
        self._container = container

    def list(self, prefix: str = "") -> Iterator[IncompleteUpload]:
        """See `IncompleteUploads.list`."""
        token: str | None = None
        while True:
            blobs, token = self._page(prefix, token)
            for blob in blobs:
                if blob.etag is None:
                    yield IncompleteUpload(self._container.location.short_key(blob.name), "", None)
            if not token:
                return

    def abort(self, upload: IncompleteUpload) -> None:
        """See `IncompleteUploads.abort`."""
        try:
            self._container.put(upload.key, b"", {}, "")
        except AlreadyExistsError:
            return
        blob = self._container.blob(upload.key)
        try:
            self._container.call("abort the upload of", upload.key, blob.delete_blob)
        except NotFoundError:
            return

    def _page(self, prefix: str, token: str | None) -> tuple[Sequence[Any], str | None]:
        def read() -> tuple[Sequence[Any], str | None]:
            pages = (
                self._container.client()
                .list_blobs(
                    name_starts_with=self._container.location.full_key(prefix) or None,
                    include=["uncommittedblobs"],
                )
                .by_page(continuation_token=token)
            )
            blobs = tuple(next(pages, ()))
            following: str | None = getattr(pages, "continuation_token", None)
            return blobs, following

        return self._container.call("list uploads of", "", read)
