"""One bucket and how it is asked: the client, its retries, and the words of its answers."""

import base64
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from deployer.checksums import Buffer, checksum_of
from deployer.errors import AccessDeniedError, NotFoundError
from deployer.ports import Clock, ObjectInfo, ObjectStore, StoredRange, StoreSettings
from deployer.providers.customer_key import CustomerKey, key_explained, read_customer_key
from deployer.providers.gcp.errors import missing_bucket, raise_for_answer, translated
from deployer.providers.gcp.lane import FastLane
from deployer.providers.location import Location, parse_location
from deployer.providers.patience import Lazy, Patience, call_patiently
from deployer.providers.proof import TOKEN
from deployer.providers.transfer import Page, read_total

if TYPE_CHECKING:
    from google.cloud.storage import Client

__all__ = ["GcsBucket", "read_info", "to_base64"]

T = TypeVar("T")


class GcsBucket:
    """A bucket and prefix, as `GcsStore` and its uploads ask it.

    Attributes:
        key_name: The KMS key of new objects; None leaves it to the bucket.
        limits: The SDK's arguments for "no retries of yours, and these timeouts".
    """

    def __init__(
        self,
        location: Location,
        client: "Lazy[Client]",
        *,
        clock: Clock,
        patience: Patience,
        settings: StoreSettings,
    ) -> None:
        self.key_name = settings.encryption or None
        self.customer_key = settings.customer_key
        self.location = location
        self._client = client
        self._clock = clock
        self._seen = False
        self._patience = patience
        self._lane: Lazy[FastLane] = Lazy(lambda: FastLane(client(), patience))
        self._key = Lazy(lambda: read_customer_key(self.customer_key, _address(client())))
        self._timeout = (patience.connect_seconds, patience.attempt_seconds)
        self.limits: dict[str, Any] = {"retry": None, "timeout": self._timeout}

    def call(self, operation: str, key: str, call: Callable[[], T]) -> T:
        """Return ``call()``, retried and in our words."""
        self._client()

        def attempt() -> T:
            resource = self.location.describe(key)
            with key_explained(self.customer_key), translated(operation, resource):
                return call()

        return call_patiently(attempt, clock=self._clock, patience=self._patience)

    def blob(self, key: str) -> Any:
        """Return the SDK's handle of one object; asks nothing."""
        bucket = self._client().bucket(self.location.bucket)
        name, raw = self.location.full_key(key), _raw(self._key())
        return bucket.blob(name, kms_key_name=self.key_name, encryption_key=raw)

    def service(self) -> str:
        """See `ObjectStore.service`."""
        return _address(self._client())

    def source_blob(self, source: ObjectStore, key: str) -> Any:
        """Return the SDK's handle of an object of another store, to copy it here."""
        client, location = self._client(), parse_location(source.url, scheme="gs")
        raw = _raw(read_customer_key(source.customer_key, _address(client)))
        bucket = client.bucket(location.bucket)
        return bucket.blob(location.full_key(key), encryption_key=raw)

    def key_headers(self) -> dict[str, str]:
        """Return what goes with a request that reads or writes an object's bytes."""
        key = self._key()
        if key is None:
            return {}
        return {
            "x-goog-encryption-algorithm": "AES256",
            "x-goog-encryption-key": key.value,
            "x-goog-encryption-key-sha256": key.sha256,
        }

    def find_blob(self, key: str) -> Any:
        """Return the object's facts, or None when there is none."""
        blob = self.blob(key)
        try:
            self.call("read", key, lambda: blob.reload(**self.limits))
        except NotFoundError:
            self.require()
            return None
        return blob

    def head(self, key: str) -> ObjectInfo | None:
        """See `ObjectStore.head`."""
        blob = self.find_blob(key)
        return None if blob is None else read_info(key, blob)

    def put(
        self,
        key: str,
        body: bytes,
        metadata: Mapping[str, str],
        generation: int | None,
        *,
        crc32c: str = "",
    ) -> ObjectInfo:
        """Write in one request, checked by the service by its CRC-32C (hex; computed when empty).

        Raises:
            PreconditionError: The live generation is another one; 0 stands for none.
        """
        crc32c = crc32c or checksum_of("crc32c", body)
        made = self._put_fast(key, body, metadata, generation, crc32c)
        if made is not None:
            return made
        blob = self.blob(key)
        blob.metadata = {**metadata}
        arguments: Any = {"checksum": "crc32c", "if_generation_match": generation, **self.limits}
        try:
            self.call("write", key, lambda: blob.upload_from_string(body, **arguments))
        except NotFoundError as error:
            raise missing_bucket(self.location.url) from error
        return read_info(key, blob)

    def _put_fast(
        self,
        key: str,
        body: bytes,
        metadata: Mapping[str, str],
        generation: int | None,
        crc32c: str,
    ) -> ObjectInfo | None:
        described = {
            "name": self.location.full_key(key),
            "metadata": {**metadata},
            "crc32c": to_base64(crc32c),
        }
        pinned = "" if generation is None else f"&ifGenerationMatch={generation}"
        keyed = f"&kmsKeyName={quote(self.key_name, safe='')}" if self.key_name else ""
        path = f"/upload/storage/v1/b/{self.location.bucket}/o?uploadType=multipart{pinned}{keyed}"
        made = self._lane().put(path, described, body, self.key_headers())
        return None if made is None else _read_description(key, made)

    def put_part(self, path: str, body: Buffer, checksum: str) -> str:
        """Send a part of a multipart upload; return its ETag, or "" when the SDK has to."""
        headers = {"X-Goog-Hash": f"crc32c={to_base64(checksum)}", **self.key_headers()}
        answer = self._lane().ask("PUT", path, headers, (body,), wanted=200)
        return "" if answer is None else answer.headers.get("etag", "")

    def read_range(self, key: str, offset: int, length: int, generation: int | None) -> StoredRange:
        """Read a part of an object, as it is stored; one attempt."""
        name, pinned = quote(self.location.full_key(key), safe=""), ""
        if generation is not None:
            pinned = f"&ifGenerationMatch={generation}"
        path = f"/download/storage/v1/b/{self.location.bucket}/o/{name}?alt=media{pinned}"
        headers = {"Range": f"bytes={offset}-{offset + length - 1}", "Accept-Encoding": "gzip"}
        headers |= self.key_headers()
        fast = self._lane().ask("GET", path, headers, wanted=206, most=length)
        if fast is not None:
            size = read_total(fast.headers.get("content-range"), self.location.describe(key))
            return StoredRange(fast.body, fast.headers["x-goog-generation"], size)
        with self.ask("GET", path, headers=headers, stream=True) as answer:
            body = answer.raw.read(length, decode_content=False)
            size = int(answer.headers["Content-Range"].rpartition("/")[2])
            return StoredRange(body, answer.headers["X-Goog-Generation"], size)

    def ask(self, method: str, path: str, **options: Any) -> Any:
        """Send a request of our own, signed as the SDK signs; return the answer if it is good.

        For what the SDK has no call for, or none that is fast.
        """
        client: Any = self._client()
        url = client._connection.API_BASE_URL + path  # noqa: SLF001 - the SDK's own modules do so
        answer = client._http.request(method, url, timeout=self._timeout, **options)  # noqa: SLF001 - the one session with the credentials
        raise_for_answer(answer)
        return answer

    def list_page(self, prefix: str, token: str | None, size: int) -> Page:
        """Return a page of a listing."""

        def read() -> Page:
            found = self._client().list_blobs(
                self.location.bucket,
                prefix=self.location.full_key(prefix),
                page_token=token,
                page_size=size,
                **self.limits,
            )
            page = next(found.pages, ())
            infos = [read_info(self.location.short_key(blob.name), blob) for blob in page]
            return infos, found.next_page_token

        return self.call("list", "", read)

    def require(self) -> None:
        """Tell "no such object" from "no such bucket": the service says 404 to both.

        Who may not list is told so of a bucket that is there.
        """
        if not self._seen:
            try:
                with suppress(AccessDeniedError):
                    self.list_page("", None, 1)
            except NotFoundError as error:
                raise missing_bucket(self.location.url) from error
            self._seen = True


def _raw(key: CustomerKey | None) -> bytes | None:
    return None if key is None else base64.b64decode(key.value)


def _address(client: Any) -> str:
    url: str = client._connection.API_BASE_URL  # noqa: SLF001 - the SDK's own modules do so
    return url


def read_info(key: str, blob: Any) -> ObjectInfo:
    """Return what the SDK's handle knows of an object."""
    return ObjectInfo(
        key,
        blob.size,
        str(blob.generation),
        checksums=_checksums(crc32c=blob.crc32c, md5=blob.md5_hash),
        metadata=_own(blob.metadata or {}),
        modified=blob.updated,
    )


def _read_description(key: str, made: Mapping[str, Any]) -> ObjectInfo:
    """Return what the service's own description says of an object (JSON API, "Objects")."""
    return ObjectInfo(
        key,
        int(made["size"]),
        str(made["generation"]),
        checksums=_checksums(crc32c=made.get("crc32c"), md5=made.get("md5Hash")),
        metadata=_own(made.get("metadata", {})),
        modified=datetime.fromisoformat(made["updated"]),
    )


def _own(metadata: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in metadata.items() if name.lower() != TOKEN}


def _checksums(**held: str | None) -> dict[str, str]:
    return {name: base64.b64decode(value).hex() for name, value in held.items() if value}


def to_base64(hexdigest: str) -> str:
    """Return a checksum as Cloud Storage writes it."""
    return base64.b64encode(bytes.fromhex(hexdigest)).decode()
