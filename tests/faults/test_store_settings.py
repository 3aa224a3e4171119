"""What a bucket asks of those who use it: every request, and every new object, says so."""

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from deployer.artifact import Artifact, pull_artifact, push_artifact, scan_artifact, verify_artifact
from deployer.errors import AlreadyExistsError, ProviderError
from deployer.ports import ObjectInfo, ObjectStore, StoreSettings
from deployer.providers.aws.connect import connect_store as connect_s3
from deployer.providers.azure.connect import connect_store as connect_blob
from deployer.providers.gcp.connect import connect_store as connect_gcs
from deployer.providers.local.clock import SystemClock
from deployer.sandbox.blob.account import DEVELOPMENT_ACCOUNT, DEVELOPMENT_KEY
from deployer.sandbox.blob.routes import BlobApi
from deployer.sandbox.gcs.objects import Buckets
from deployer.sandbox.gcs.routes import GcsApi
from deployer.sandbox.loopback import Request, Response, RunningServer, start_server
from deployer.sandbox.s3.account import ACCESS_KEY, SECRET_KEY
from deployer.sandbox.s3.routes import S3Api
from deployer.sandbox.s3.signature import SignatureV4
from tests.faults.stores import LIMITS, open_store

_TOLD = re.compile(rb"<(Checksum\w+)>[^<]*</\1>")
CHECKSUMS = ("x-amz-checksum-", "x-amz-sdk-checksum", "x-amz-trailer")
Api = Callable[[Request], Response]
Start = Callable[[Api], RunningServer]


@dataclass
class Watched:
    """A service, and the requests that it was asked."""

    api: Api
    asked: list[Request] = field(default_factory=list)

    def __call__(self, request: Request) -> Response:
        self.asked.append(request)
        return self.api(request)

    def missing(self, header: str, of: Callable[[Request], bool] = lambda _one: True) -> list[str]:
        """Return the requests that should have had a header, and had none."""
        return [
            f"{one.method} {one.path}" for one in self.asked if of(one) and not one.header(header)
        ]


def make_s3(clock: SystemClock) -> S3Api:
    signature = SignatureV4(ACCESS_KEY, SECRET_KEY, clock)
    return S3Api(signature, clock, region="us-east-1", smallest_part=1, forgetful=False)


def plain(api: Api) -> Api:
    """Make a store of S3 that only speaks it: a checksum is a header it does not know."""

    def answer(request: Request) -> Response:
        asked = [name.lower() for name in request.headers if name.lower().startswith(CHECKSUMS)]
        if asked:
            return Response(501, b"<Error><Code>NotImplemented</Code></Error>")
        found = api(request)
        kept = {k: v for k, v in found.headers.items() if not k.startswith("x-amz-checksum")}
        return Response(found.status, _TOLD.sub(b"", found.body), kept)

    return answer


@pytest.fixture
def start() -> Iterator[Start]:
    servers: list[RunningServer] = []

    def begin(api: Api, **options: Any) -> RunningServer:
        servers.append(start_server(api, port=0, **options))
        return servers[-1]

    yield begin
    for server in servers:
        server.close()


def open_bucket(
    connect: Callable[..., ObjectStore], url: str, server: RunningServer, settings: StoreSettings
) -> ObjectStore:
    return open_store(connect, url, server.url, 6.0, settings=settings)


def carry_through(store: ObjectStore, artifact: Artifact, to: Path) -> Mapping[str, str]:
    """Push, prove and pull; return what proved each file."""
    pushed = push_artifact(artifact, store)
    assert verify_artifact(store, artifact.digest, deep=True).good
    pull_artifact(store, artifact.digest, to, limits=LIMITS)
    assert scan_artifact(to).digest == artifact.digest
    return pushed.checks


@pytest.mark.usefixtures("credentials")
def test_a_store_that_only_speaks_s3_is_read_back(
    start: Start, models: Artifact, tmp_path: Path
) -> None:
    clock = SystemClock()
    server = start(plain(make_s3(clock)))
    store = open_bucket(connect_s3, "s3://old", server, StoreSettings(compat=True))
    store._bucket._client().create_bucket(Bucket="old")  # type: ignore[attr-defined]
    checks = carry_through(store, models, tmp_path / "to")
    assert set(checks.values()) == {"read back"}
    with pytest.raises(ProviderError, match="NotImplemented"):
        push_artifact(models, open_bucket(connect_s3, "s3://old/b", server, StoreSettings()))


class Met:
    """Two send other last parts to one upload: it gets the first's, the second's, and is completed.

    Only then does the first hear that its part came.
    """

    def __init__(self, api: Api) -> None:
        self._api = api
        self._met, self._came, self._stored = (threading.Event() for _ in range(3))
        self.second: Callable[[], object] | None = None

    def __call__(self, request: Request) -> Response:
        if self.second is None or request.query.get("partNumber") != "4":
            return self._api(request)
        if not self._met.is_set():
            return self._come_between(request, self.second)
        self._came.set()
        self._stored.wait(10)
        return self._api(request)

    def _come_between(self, request: Request, second: Callable[[], object]) -> Response:
        self._met.set()
        with ThreadPoolExecutor(1) as pool:
            going = pool.submit(second)
            self._came.wait(10)
            answer = self._api(request)
            self._stored.set()
            going.result()
        return answer


@pytest.fixture
def met() -> Met:
    return Met(plain(make_s3(SystemClock())))


@pytest.fixture
def open_old(start: Start, met: Met, credentials: None) -> Callable[[], ObjectStore]:
    """Open a store that only speaks S3: it keeps no checksum."""
    del credentials
    server = start(met)

    def connect() -> ObjectStore:
        return open_bucket(connect_s3, "s3://old", server, StoreSettings(compat=True))

    made: Any = connect()
    made._bucket._client().create_bucket(Bucket="old")
    return connect


@pytest.mark.parametrize("if_absent", [True, False])
def test_of_two_contents_in_one_upload_of_an_old_store_the_later_is_told(
    open_old: Callable[[], ObjectStore],
    met: Met,
    models: Artifact,
    tmp_path: Path,
    if_absent: bool,
) -> None:
    store, body = open_old(), (models.root / "weights").read_bytes()
    other = tmp_path / "other"
    other.write_bytes(body[:-1] + b"?")
    met.second = partial(open_old().put_file, "name", other)
    put = partial(store.put_file, "name", models.root / "weights")
    if if_absent:
        with pytest.raises(AlreadyExistsError):
            put(if_absent=True)
    else:
        put()
    assert store.get("name").body == (other.read_bytes() if if_absent else body)


@pytest.mark.usefixtures("credentials")
def test_a_store_with_etags_of_its_own_making_is_looked_at(start: Start, models: Artifact) -> None:
    plainly = plain(make_s3(SystemClock()))

    def answer(request: Request) -> Response:
        found = plainly(request)
        if request.method != "POST" or "uploadId" not in request.query:
            return found
        return Response(found.status, re.sub(b"<ETag>.*?</ETag>", b"<ETag>1</ETag>", found.body))

    watched = Watched(answer)
    store = open_bucket(connect_s3, "s3://odd", start(watched), StoreSettings(compat=True))
    store._bucket._client().create_bucket(Bucket="odd")  # type: ignore[attr-defined]
    assert store.put_file("name", models.root / "weights", if_absent=True).proof == "read back"
    assert "DELETE" not in {one.method for one in watched.asked}


def test_a_small_file_that_is_replaced_before_it_is_read_back_was_not_alone(
    open_old: Callable[[], ObjectStore], models: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_old()
    head = store.head

    def replaced(key: str) -> ObjectInfo | None:
        store.put(key, b"other")
        return head(key)

    monkeypatch.setattr(store, "head", replaced)
    with pytest.raises(AlreadyExistsError):
        store.put_file("small", models.root / "small", if_absent=True)


@pytest.mark.usefixtures("credentials")
def test_s3_is_told_who_pays_and_the_key(start: Start, models: Artifact, tmp_path: Path) -> None:
    clock = SystemClock()
    watched = Watched(make_s3(clock))
    settings = StoreSettings(payer="requester", encryption="arn:aws:kms:eu-west-1:1:key/a")
    store = open_bucket(connect_s3, "s3://paid", start(watched), settings)
    store._bucket._client().create_bucket(Bucket="paid")  # type: ignore[attr-defined]
    carry_through(store, models, tmp_path / "to")
    assert watched.missing("x-amz-request-payer") == []
    key = "x-amz-server-side-encryption-aws-kms-key-id"
    assert watched.missing(key, lambda one: "uploads" in one.query and one.method == "POST") == []
    puts = [one for one in watched.asked if one.method == "PUT" and one.path.count("/") > 1]
    assert {one.header(key) for one in puts if "partNumber" not in one.query} == {
        settings.encryption
    }
    assert {one.header(key) for one in puts if "partNumber" in one.query} == {None}


def test_cloud_storage_is_told_who_pays_and_the_key(
    start: Start, models: Artifact, tmp_path: Path
) -> None:
    watched = Watched(GcsApi(Buckets(SystemClock()), smallest_part=1))
    settings = StoreSettings(payer="acme", encryption="projects/acme/keyRings/r/cryptoKeys/k")
    store = open_bucket(connect_gcs, "gs://paid", start(watched), settings)
    store._bucket._client().create_bucket("paid")  # type: ignore[attr-defined]
    carry_through(store, models, tmp_path / "to")
    assert watched.missing("x-goog-user-project") == []
    begun = [one for one in watched.asked if one.method == "POST" and "uploads" in one.query]
    assert [one.header("x-goog-encryption-kms-key-name") for one in begun] == [settings.encryption]
    made = [one.query for one in watched.asked if one.path.startswith("/upload/")]
    made += [one.query for one in watched.asked if "/rewriteTo/" in one.path]
    keys = {query.get("kmsKeyName") or query.get("destinationKmsKeyName") for query in made}
    assert keys == {settings.encryption}


@pytest.mark.usefixtures("credentials")
def test_blob_storage_is_told_the_scope(start: Any, models: Artifact, tmp_path: Path) -> None:
    watched = Watched(BlobApi(DEVELOPMENT_ACCOUNT, DEVELOPMENT_KEY, SystemClock()))
    server = start(watched, path=f"/{DEVELOPMENT_ACCOUNT}")
    store = open_bucket(connect_blob, "az://scoped", server, StoreSettings(encryption="finance"))
    store._container.client().create_container()  # type: ignore[attr-defined]
    carry_through(store, models, tmp_path / "to")
    written = [one for one in watched.asked if one.method == "PUT" and one.path.count("/") > 2]
    assert {one.header("x-ms-encryption-scope") for one in written} == {"finance"}
