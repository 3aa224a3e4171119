"""One container and how it is asked: the client, its retries, and the words of its answers."""

import base64
from collections.abc import Callable, Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeVar

from deployer.checksums import checksum_of
from deployer.errors import AccessDeniedError, ExpiredLoginError, NotFoundError
from deployer.ports import Clock, ObjectInfo, StoredRange, StoreSettings
from deployer.providers.azure.errors import translated
from deployer.providers.azure.lane import FastLane
from deployer.providers.customer_key import CustomerKey, key_explained, read_customer_key
from deployer.providers.location import Location
from deployer.providers.patience import Lazy, Patience, call_patiently
from deployer.providers.proof import TOKEN
from deployer.providers.transfer import read_total

if TYPE_CHECKING:
    from azure.storage.blob import ContainerClient

__all__ = [
    "BlobContainer",
    "condition_of",
    "key_headers",
    "matching",
    "read_checksums",
    "read_info",
    "read_version",
]

T = TypeVar("T")


class BlobContainer:
    """A container and prefix, as `BlobStore` and its uploads ask it.

    Attributes:
        scope: The encryption scope of what is written, as the SDK takes it.
        scope_header: The same on the wire.
    """

    def __init__(
        self,
        location: Location,
        client: "Lazy[ContainerClient]",
        *,
        clock: Clock,
        patience: Patience,
        settings: StoreSettings,
    ) -> None:
        scope = settings.encryption
        self.scope: dict[str, Any] = {"encryption_scope": scope} if scope else {}
        self.scope_header = {"x-ms-encryption-scope": scope} if scope else {}
        self.customer_key = settings.customer_key
        self._key = Lazy(lambda: read_customer_key(self.customer_key, client().url))
        self.location = location
        self.client = client
        self.clock = clock
        self._patience = patience
        self._seen = False
        self._lane: FastLane | None = None

    def lane(self) -> FastLane:
        """Return the short way."""
        client, lane = self.client(), self._lane
        if lane is None or lane.client is not client:
            self._lane = lane = FastLane(client, clock=self.clock, patience=self._patience)
        return lane

    def call(self, operation: str, key: str, call: Callable[[], T]) -> T:
        """Return ``call()``, retried and in our words.

        ``call`` asks for the client anew each time: a token that the service takes for too old,
        though nobody here does, is asked for again once, with a new client.
        """
        client = self.client()
        try:
            return self._call(operation, key, call)
        except ExpiredLoginError:
            self.client.forget(client)
            return self._call(operation, key, call)

    def _call(self, operation: str, key: str, call: Callable[[], T]) -> T:
        self.client()

        def attempt() -> T:
            resource = self.location.describe(key)
            with key_explained(self.customer_key), translated(operation, resource):
                return call()

        return call_patiently(attempt, clock=self.clock, patience=self._patience)

    def blob(self, key: str) -> Any:
        """Return the SDK's client of one blob."""
        return self.client().get_blob_client(self.location.full_key(key))

    def service(self) -> str:
        """See `ObjectStore.service`: an account."""
        url: str = self.client().url
        return url.partition("?")[0].rpartition("/")[0]

    def key_headers(self) -> dict[str, str]:
        """Return what goes with a request that reads or writes a blob."""
        return key_headers(self._key(), "x-ms-encryption")

    def head(self, key: str) -> ObjectInfo | None:
        """See `ObjectStore.head`."""
        try:
            found = self.call(
                "read", key, lambda: self.blob(key).get_blob_properties(headers=self.key_headers())
            )
        except NotFoundError:
            self.require()
            return None
        return read_info(key, found)

    def put(
        self,
        key: str,
        body: bytes,
        metadata: Mapping[str, str],
        if_version: str | None,
        *,
        md5: str = "",
    ) -> ObjectInfo:
        """Write in one request, checked by the service by its MD5 (hex; computed when empty)."""
        md5 = md5 or checksum_of("md5", body)
        made = self._put_fast(key, body, metadata, if_version, md5)
        return made or self._put(key, body, metadata, if_version)

    def _put_fast(
        self,
        key: str,
        body: bytes,
        metadata: Mapping[str, str],
        if_version: str | None,
        md5: str,
    ) -> ObjectInfo | None:
        headers = {
            "x-ms-blob-type": "BlockBlob",
            "Content-MD5": _to_base64(md5),
            **{f"x-ms-meta-{name}": value for name, value in metadata.items()},
            **_condition_headers(if_version),
            **self.scope_header,
            **self.key_headers(),
        }
        answer = self.lane().put(self.location.full_key(key), body, headers, query={})
        if answer is None:
            return None
        return ObjectInfo(
            key,
            len(body),
            read_version(answer.headers["etag"]),
            checksums=read_checksums(base64.b64decode(answer.headers.get("content-md5", ""))),
            metadata=_without_token(metadata),
            modified=parsedate_to_datetime(answer.headers["last-modified"]),
        )

    def _put(
        self, key: str, body: bytes, metadata: Mapping[str, str], if_version: str | None
    ) -> ObjectInfo:
        answer = self.call(
            "write",
            key,
            lambda: self.blob(key).upload_blob(
                body,
                length=len(body),
                metadata={**metadata},
                validate_content=True,
                **condition_of(if_version),
                headers=self.key_headers(),
                **self.scope,
            ),
        )
        return ObjectInfo(
            key,
            len(body),
            read_version(answer["etag"]),
            checksums=read_checksums(answer.get("content_md5")),
            metadata=_without_token(metadata),
            modified=answer["last_modified"],
        )

    def read_fast(
        self, key: str, offset: int, length: int, if_version: str | None
    ) -> StoredRange | None:
        """Read a part of a blob the short way; None when the SDK has to."""
        headers = {"x-ms-range": f"bytes={offset}-{offset + length - 1}"}
        headers |= _condition_headers(if_version) | self.key_headers()
        answer = self.lane().get_range(self.location.full_key(key), headers, most=length)
        if answer is None or len(answer.body) != length:
            return None
        size = read_total(answer.headers.get("content-range"), self.location.describe(key))
        return StoredRange(answer.body, read_version(answer.headers["etag"]), size)

    def require(self) -> None:
        """Tell "no such blob" from "no such container", whatever code a HEAD came back with.

        Who may not list is told so of a container that is there.
        """
        if not self._seen:
            pages = self.client().list_blobs(results_per_page=1).by_page()
            with suppress(AccessDeniedError):
                self.call("list", "", lambda: next(pages, None))
            self._seen = True


def key_headers(key: CustomerKey | None, prefix: str) -> dict[str, str]:
    """Return what says which key it is; nothing for none."""
    if key is None:
        return {}
    return {
        f"{prefix}-algorithm": "AES256",
        f"{prefix}-key": key.value,
        f"{prefix}-key-sha256": key.sha256,
    }


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
    return ObjectInfo(
        key,
        properties.size,
        read_version(properties.etag),
        checksums=read_checksums(properties.content_settings.content_md5),
        metadata=_without_token(metadata),
        modified=properties.last_modified,
    )


def read_version(etag: str) -> str:
    """Return an ETag without quotes: listings send it so, headers with them."""
    return etag.strip('"')


def read_checksums(md5: bytes | None) -> dict[str, str]:
    """Return the MD5 that a blob keeps, if it does."""
    return {"md5": bytes(md5).hex()} if md5 else {}


def _to_base64(hexdigest: str) -> str:
    return base64.b64encode(bytes.fromhex(hexdigest)).decode()


def _condition_headers(if_version: str | None) -> dict[str, str]:
    if if_version is None:
        return {}
    return {"If-Match": f'"{if_version}"'} if if_version else {"If-None-Match": "*"}


def _without_token(metadata: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in metadata.items() if name != TOKEN}
