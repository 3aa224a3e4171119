"""Keys that the customer keeps: with them all is as ever, with others nothing is read."""

import base64
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from deployer.artifact import (
    Artifact,
    has_artifact,
    pull_artifact,
    push_artifact,
    replicate_artifact,
    scan_artifact,
    verify_artifact,
)
from deployer.errors import AccessDeniedError, DeployerError, ProviderError, SetupError
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
from tests.faults.stores import LIMITS, PART, open_store

KEY = StoreSettings(customer_key="env:MODELS_KEY")
OTHER = StoreSettings(customer_key="env:OTHER_KEY")


def make_s3() -> Callable[[Request], Response]:
    clock = SystemClock()
    signature = SignatureV4(ACCESS_KEY, SECRET_KEY, clock)
    return S3Api(signature, clock, region="us-east-1", smallest_part=1, forgetful=False)


CLOUDS: dict[str, tuple[Any, Any, Any]] = {
    "s3": (
        connect_s3,
        make_s3,
        lambda store: store._bucket._client().create_bucket(Bucket="kept"),
    ),
    "gs": (
        connect_gcs,
        lambda: GcsApi(Buckets(SystemClock()), smallest_part=1),
        lambda store: store._bucket._client().create_bucket("kept"),
    ),
    "az": (
        connect_blob,
        lambda: BlobApi(DEVELOPMENT_ACCOUNT, DEVELOPMENT_KEY, SystemClock()),
        lambda store: store._container.client().create_container(),
    ),
}


@dataclass
class Rig:
    scheme: str
    server: RunningServer

    def open(self, settings: StoreSettings, prefix: str = "") -> ObjectStore:
        connect: Callable[..., ObjectStore] = CLOUDS[self.scheme][0]
        url = f"{self.scheme}://kept/{prefix}"
        return open_store(connect, url, self.server.url, 4.0, settings=settings)


@pytest.fixture(params=list(CLOUDS))
def rig(request: pytest.FixtureRequest, credentials: None) -> Iterator[Rig]:
    del credentials
    _, make, create = CLOUDS[request.param]
    path = f"/{DEVELOPMENT_ACCOUNT}" if request.param == "az" else ""
    server = start_server(make(), port=0, path=path)
    rig = Rig(request.param, server)
    create(rig.open(StoreSettings()))
    yield rig
    server.close()


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("OTHER_KEY", base64.b64encode(os.urandom(32)).decode())
    monkeypatch.setenv("MODELS_KEY", base64.b64encode(os.urandom(32)).decode())
    return os.environ["MODELS_KEY"]


def test_what_was_written_with_a_key_is_proven_and_read_with_it(
    rig: Rig, models: Artifact, secret: str, tmp_path: Path
) -> None:
    store = rig.open(KEY)
    pushed = push_artifact(models, store)
    assert secret not in repr((pushed, store))
    assert verify_artifact(store, models.digest, deep=True).good
    pull_artifact(store, models.digest, tmp_path / "to", limits=LIMITS)
    assert scan_artifact(tmp_path / "to").digest == models.digest
    assert push_artifact(models, store).uploaded_bytes == 0


@pytest.mark.parametrize("settings", [OTHER, StoreSettings()])
def test_without_the_right_key_nothing_is_read(
    rig: Rig, models: Artifact, secret: str, settings: StoreSettings, tmp_path: Path
) -> None:
    push_artifact(models, rig.open(KEY))
    store = rig.open(settings)
    with pytest.raises((AccessDeniedError, ProviderError)) as caught:
        pull_artifact(store, models.digest, tmp_path / "to", limits=LIMITS)
    assert not any((tmp_path / "to").rglob("weights"))
    told = f"{caught.value} {caught.value.hint}"
    assert secret not in told
    if settings is OTHER:
        assert "another customer key than env:OTHER_KEY" in told


@pytest.mark.parametrize(
    ("where", "found", "why"),
    [
        ("env:NO_SUCH_KEY", "", "is not set"),
        ("env:SHORT_KEY", "c2hvcnQ=", "is no key"),
        ("file:/no/such/key", "", "can't be read"),
        ("the key itself", "", "env:NAME or file:PATH"),
    ],
)
def test_a_key_that_is_none_is_said_without_showing_it(
    rig: Rig, where: str, found: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHORT_KEY", found)
    with pytest.raises(SetupError, match=why) as caught:
        rig.open(StoreSettings(customer_key=where)).put("k", b"body")
    assert not found or found not in str(caught.value)


def test_a_key_may_lie_in_a_file(rig: Rig, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(os.urandom(32))
    (tmp_path / "text").write_bytes(base64.b64encode((tmp_path / "key").read_bytes()) + b"\n")
    rig.open(StoreSettings(customer_key=f"file:{tmp_path}/key")).put("k", b"body")
    same = rig.open(StoreSettings(customer_key=f"file:{tmp_path}/text"))
    assert same.get("k").body == b"body"
    with pytest.raises(DeployerError):
        rig.open(StoreSettings()).get("k")


@pytest.mark.usefixtures("credentials", "secret")
@pytest.mark.parametrize("scheme", list(CLOUDS))
def test_a_key_never_travels_in_the_clear(scheme: str) -> None:
    connect = CLOUDS[scheme][0]
    store = connect(
        f"{scheme}://kept", clock=SystemClock(), endpoint="http://storage.test/a", settings=KEY
    )
    with pytest.raises(SetupError, match="in the clear"):
        store.put("k", b"body")


@pytest.mark.parametrize(
    ("there", "here"), [(KEY, OTHER), (KEY, KEY), (KEY, StoreSettings()), (StoreSettings(), OTHER)]
)
def test_the_cloud_copies_from_key_to_key(
    rig: Rig, models: Artifact, secret: str, there: StoreSettings, here: StoreSettings
) -> None:
    source, store = rig.open(there, "there"), rig.open(here, "here")
    push_artifact(models, source)
    rig.server.traffic.clear()
    done = replicate_artifact(source, store, models.digest)
    assert (done.copied_bytes, done.moved_bytes) == (models.size, 0)
    assert secret not in repr(done)
    sent = sum(one.received for one in rig.server.traffic.seen() if "weights" in one.target)
    assert sent < PART
    assert verify_artifact(store, models.digest, deep=True).good


def test_a_source_whose_key_is_another_is_not_copied(
    rig: Rig, models: Artifact, secret: str
) -> None:
    push_artifact(models, rig.open(KEY, "there"))
    with pytest.raises((AccessDeniedError, ProviderError)) as caught:
        replicate_artifact(rig.open(OTHER, "there"), rig.open(KEY, "here"), models.digest)
    assert secret not in f"{caught.value} {caught.value.hint}"
    assert not has_artifact(rig.open(KEY, "here"), models.digest)


@pytest.mark.usefixtures("secret")
def test_a_key_goes_to_its_own_service_only(rig: Rig, models: Artifact) -> None:
    source = rig.open(KEY)
    push_artifact(models, source)
    elsewhere = start_server(lambda _request: Response(500))
    try:
        store = replace(rig, server=elsewhere).open(StoreSettings())
        info = next(info for info in source.list() if info.key.endswith("/small"))
        assert store.copy("small", source, info) is None
        assert elsewhere.traffic.seen() == []
    finally:
        elsewhere.close()
