"""What a bucket asks of those who use it: every request, and every new object, says so."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from deployer.artifact import Artifact, pull_artifact, push_artifact, scan_artifact, verify_artifact
from deployer.errors import ProviderError
from deployer.ports import ObjectStore, StoreSettings
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
        return Response(found.status, found.body, kept)

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
