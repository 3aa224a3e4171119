"""One container and how it is asked: the client, its retries, and the words of its answers."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from deployer.errors import NotFoundError
from deployer.ports import Clock, ObjectInfo
from deployer.providers.azure.errors import translated
from deployer.providers.location import Location
from deployer.providers.patience import Lazy, Patience, call_patiently
from deployer.providers.proof import TOKEN

if TYPE_CHECKING:
    from azure.storage.blob import ContainerClient

__all__ = [
    "BlobContainer",
    "condition_of",
    "matching",
    "read_checksums",
    "read_info",
    "read_version",
]

T = TypeVar("T")


class BlobContainer:
    """A container and prefix, as `BlobStore` and its uploads ask it."""

    def __init__(
        self,
        location: Location,
        client: "Lazy[ContainerClient]",
        *,
        clock: Clock,
        patience: Patience,
    ) -> None:
        self.location = location
        self.client = client
        self._clock = clock
        self._patience = patience
        self._seen = False

    def call(self, operation: str, key: str, call: Callable[[], T]) -> T:
        """Return ``call()``, retried and in our words."""
        self.client()

        def attempt() -> T:
            with translated(operation, self.location.describe(key)):
                return call()

        return call_patiently(attempt, clock=self._clock, patience=self._patience)

    def blob(self, key: str) -> Any:
        """Return the SDK's client of one blob."""
        return self.client().get_blob_client(self.location.full_key(key))

    def head(self, key: str) -> ObjectInfo | None:
        """See `ObjectStore.head`."""
        try:
            found = self.call("read", key, lambda: self.blob(key).get_blob_properties())
        except NotFoundError:
            self.require()
            return None
        return read_info(key, found)

    def put(
        self, key: str, body: bytes, metadata: Mapping[str, str], if_version: str | None
    ) -> Any:
        """Write in one request, MD5 checked by the service; return its answer."""
        return self.call(
            "write",
            key,
            lambda: self.blob(key).upload_blob(
                body,
                length=len(body),
                metadata={**metadata},
                validate_content=True,
                **condition_of(if_version),
            ),
        )

    def require(self) -> None:
        """Tell "no such blob" from "no such container", whatever code a HEAD came back with."""
        if not self._seen:
            pages = self.client().list_blobs(results_per_page=1).by_page()
            self.call("list", "", lambda: next(pages, None))
            self._seen = True


def matching(version: str) -> dict[str, Any]:
    """Return the SDK's words for "only this version"."""
    from azure.core import MatchConditions

    return {"etag": f'"{version}"', "match_condition": MatchConditions.IfNotModified}


def condition_of(if_version: str | None) -> dict[str, Any]:
    """Return the SDK's words for `ObjectStore.put`'s ``if_version``."""
    if if_version is None:
        return {"overwrite": True}
    return {"overwrite": True, **matching(if_version)} if if_version else {"overwrite": False}


def read_info(key: str, properties: Any) -> ObjectInfo:
    """Return what a HEAD, a GET or a listing says of a blob."""
    metadata = {name.lower(): value for name, value in (properties.metadata or {}).items()}
    metadata.pop(TOKEN, None)
    return ObjectInfo(
        key,
        properties.size,
        read_version(properties.etag),
        checksums=read_checksums(properties.content_settings.content_md5),
        metadata=metadata,
        modified=properties.last_modified,
    )


def read_version(etag: str) -> str:
    """Return an ETag without quotes: listings send it so, headers with them."""
    return etag.strip('"')


def read_checksums(md5: bytes | None) -> dict[str, str]:
    """Return the MD5 that a blob keeps, if it does."""
    return {"md5": bytes(md5).hex()} if md5 else {}
