"""A model in four parts, and a store of each cloud on a server of ours whose faults are at hand."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient
from google.cloud.storage import Client

from deployer.artifact import Artifact, scan_artifact
from deployer.ports import ObjectStore
from deployer.providers.aws.connect import connect_store as connect_s3
from deployer.providers.aws.session import open_session
from deployer.providers.azure.connect import connect_store as connect_blob
from deployer.providers.gcp.connect import connect_store as connect_gcs
from deployer.sandbox.blob.account import DEVELOPMENT_ACCOUNT, DEVELOPMENT_KEY
from deployer.sandbox.blob_server import start_blob_server
from deployer.sandbox.faults import Fault, Order
from deployer.sandbox.gcs_server import start_gcs_server
from deployer.sandbox.loopback import RunningServer
from deployer.sandbox.s3.account import ACCESS_KEY, SECRET_KEY
from deployer.sandbox.s3_server import start_s3_server
from tests.faults.stores import PART, open_store

PARTS = 4
PATIENCE_SECONDS = 6.0
BUCKET = "faults"


@dataclass(frozen=True)
class Cloud:
    """How a cloud is stood in for, and which requests do what: method and part of the target."""

    start: Callable[..., RunningServer]
    make_bucket: Callable[[str], None]
    connect: Callable[..., ObjectStore]
    url: str
    requests: dict[str, tuple[str, str]]
    options: dict[str, Any] = field(default_factory=dict)


def make_s3_bucket(url: str) -> None:
    client: Any = open_session().client("s3", endpoint_url=url, region_name="us-east-1")
    client.create_bucket(Bucket=BUCKET)
    client.close()


def make_gcs_bucket(url: str) -> None:
    options = {"api_endpoint": url}
    client = Client(project="t", client_options=options, use_auth_w_custom_endpoint=False)
    client.create_bucket(BUCKET)
    client.close()


def make_container(url: str) -> None:
    credential = {"account_name": DEVELOPMENT_ACCOUNT, "account_key": DEVELOPMENT_KEY}
    with BlobServiceClient(url, credential=credential) as service:
        service.create_container(BUCKET)


XML = {
    "begin": ("POST", "uploads"),
    "part": ("PUT", "partNumber="),
    "commit": ("POST", "uploadId="),
}
ANY = {"any": ("", ""), "manifest": ("PUT", ".manifest.json")}
CLOUDS = {
    "s3": Cloud(
        start_s3_server,
        make_s3_bucket,
        connect_s3,
        f"s3://{BUCKET}",
        {**ANY, **XML, "read": ("GET", "weights")},
        {"smallest_part": 1},
    ),
    "gcs": Cloud(
        start_gcs_server,
        make_gcs_bucket,
        connect_gcs,
        f"gs://{BUCKET}",
        {**ANY, **XML, "read": ("GET", "/download/"), "manifest": ("POST", "/upload/")},
        {"smallest_part": 1},
    ),
    "blob": Cloud(
        start_blob_server,
        make_container,
        connect_blob,
        f"az://{BUCKET}",
        {
            **ANY,
            "begin": ("POST", "nothing-begins-an-upload"),
            "part": ("PUT", "blockid="),
            "commit": ("PUT", "comp=blocklist"),
            "read": ("GET", "weights"),
        },
    ),
}


@dataclass(frozen=True)
class Place:
    """A running store: two ways into it, and its server."""

    cloud: Cloud
    server: RunningServer
    store: ObjectStore

    def again(self, patience_seconds: float = PATIENCE_SECONDS) -> ObjectStore:
        """Return another client, which knows nothing of what the first did."""
        return open_store(self.cloud.connect, self.cloud.url, self.server.url, patience_seconds)

    def order(self, wanted: dict[str, Any], *, skip: int = 0) -> None:
        """Take an order of the table."""
        settings = dict(wanted)
        method, part = self.cloud.requests[settings.pop("at")]
        place = settings.pop("byte", None)
        fault = Fault(settings.pop("fault"))
        self.server.faults.add([Order(fault, method, part, skip=skip, at=place, **settings)])


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AZURE_STORAGE_CONNECTION_STRING"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    monkeypatch.setenv("AZURE_STORAGE_KEY", DEVELOPMENT_KEY)


@pytest.fixture
def start_place(credentials: None) -> Iterator[Callable[..., Place]]:
    """Start a store of a cloud by its name; settings go to the server."""
    del credentials
    servers: list[RunningServer] = []

    def start(name: str, **settings: Any) -> Place:
        cloud = CLOUDS[name]
        server = cloud.start(**{**cloud.options, **settings})
        servers.append(server)
        store = open_store(cloud.connect, cloud.url, server.url, PATIENCE_SECONDS)
        return Place(cloud, server, store)

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def place(start_place: Callable[..., Place], cloud: str) -> Place:
    """The store of the test's ``cloud``, with its bucket."""
    place = start_place(cloud)
    place.cloud.make_bucket(place.server.url)
    return place


@pytest.fixture
def model(tmp_path: Path) -> Artifact:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "weights").write_bytes(os.urandom(PARTS * PART))
    return scan_artifact(folder)


@pytest.fixture
def models(model: Artifact, tmp_path: Path) -> Artifact:
    """The model in four parts, and a small file beside it."""
    del model
    (tmp_path / "model" / "small").write_bytes(b"small")
    return scan_artifact(tmp_path / "model")
