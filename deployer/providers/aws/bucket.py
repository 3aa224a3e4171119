"""One bucket and how it is asked: the client, its retries, and the words of its answers."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from deployer.errors import AccessDeniedError, ExpiredLoginError, NotFoundError
from deployer.ports import Clock, ObjectInfo, StoreSettings
from deployer.providers.aws.checksums import read_checksums
from deployer.providers.aws.errors import translated
from deployer.providers.aws.lane import FastLane
from deployer.providers.aws.seals import make_seal
from deployer.providers.customer_key import key_explained, read_customer_key
from deployer.providers.location import Location
from deployer.providers.patience import Lazy, Patience, call_patiently
from deployer.providers.proof import TOKEN

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

__all__ = ["S3Bucket", "read_info"]

T = TypeVar("T")


class S3Bucket:
    """A bucket and prefix, as `S3Store` and its uploads ask it."""

    def __init__(
        self,
        location: Location,
        client: "Lazy[S3Client]",
        *,
        clock: Clock,
        patience: Patience,
        settings: StoreSettings,
    ) -> None:
        self.settings = settings
        self.seal = make_seal(settings)
        self.location = location
        self._client = client
        self._clock = clock
        self._patience = patience
        self._seen = False
        self._lane: FastLane | None = None

    def call(self, operation: str, key: str, call: "Callable[[S3Client], T]") -> T:
        """Return ``call(client)``, retried and in our words.

        A login that ran out is read again once: a long upload outlives a session.
        """
        client = self._client()
        try:
            return self._call(client, operation, key, call)
        except ExpiredLoginError:
            self._client.forget(client)
            return self._call(self._client(), operation, key, call)

    def _call(
        self, client: "S3Client", operation: str, key: str, call: "Callable[[S3Client], T]"
    ) -> T:
        def attempt() -> T:
            resource = self.location.describe(key)
            with key_explained(self.settings.customer_key), translated(operation, resource):
                return call(client)

        return call_patiently(attempt, clock=self._clock, patience=self._patience)

    def lane(self) -> FastLane:
        """Return the short way."""
        client, lane = self._client(), self._lane
        if lane is None or lane.client is not client:
            self._lane = lane = FastLane(
                client,
                self.location.bucket,
                clock=self._clock,
                patience=self._patience,
                settings=self.settings,
            )
        return lane

    def where(self, key: str) -> Any:
        """Return the arguments that name an object."""
        return {"Bucket": self.location.bucket, "Key": self.location.full_key(key)}

    def service(self) -> str:
        """See `ObjectStore.service`. Amazon is one in all regions of a partition."""
        url: str = self._client().meta.endpoint_url
        _, amazon, partition = url.rpartition(".amazonaws.com")
        return amazon + partition if amazon else url

    def source_key(self, reference: str) -> dict[str, str]:
        """Return what a copy says of its source's key, as the SDK takes it."""
        key = read_customer_key(reference, self._client().meta.endpoint_url)
        if key is None:
            return {}
        prefix = "CopySourceSSECustomer"
        return {
            f"{prefix}Algorithm": "AES256",
            f"{prefix}Key": key.value,
            f"{prefix}KeyMD5": key.md5,
        }

    def head(self, key: str) -> ObjectInfo | None:
        """See `ObjectStore.head`."""
        where = self.where(key)
        if not self.settings.compat:
            where["ChecksumMode"] = "ENABLED"
        try:
            answer: Any = self.call("read", key, lambda s3: s3.head_object(**where))
        except NotFoundError:
            self._require()
            return None
        return read_info(key, answer)

    def _require(self) -> None:
        """Tell "no such object" from "no such bucket": HEAD says 404 to both.

        Who may not list is told so of a bucket that is there.
        """
        if not self._seen:
            bucket = self.location.bucket
            with suppress(AccessDeniedError):
                self.call("list", "", lambda s3: s3.list_objects_v2(Bucket=bucket, MaxKeys=1))
            self._seen = True


def read_info(key: str, answer: Mapping[str, Any]) -> ObjectInfo:
    """Return what a HEAD or GET says of an object."""
    metadata = {name.lower(): value for name, value in answer["Metadata"].items()}
    metadata.pop(TOKEN, None)
    return ObjectInfo(
        key,
        answer["ContentLength"],
        answer["ETag"],
        checksums=read_checksums(answer),
        metadata=metadata,
        modified=answer["LastModified"],
    )
