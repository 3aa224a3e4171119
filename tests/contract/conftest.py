"""One rig per object store: how to open it, and what is behind it."""

import re
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from azure.storage.blob import BlobServiceClient
from google.cloud.storage import Client

from deployer.ports import ObjectStore
from deployer.providers.aws.connect import connect_store as connect_s3
from deployer.providers.azure.connect import connect_store as connect_blob
from deployer.providers.gcp.connect import connect_store as connect_gcs
from deployer.providers.local.clock import SystemClock
from deployer.providers.local.directory import DirectoryStore
from deployer.providers.local.memory import MemoryStore
from deployer.sandbox.blob_server import (
    DEVELOPMENT_ACCOUNT,
    DEVELOPMENT_KEY,
    start_blob_server,
)
from deployer.sandbox.gcs_server import start_gcs_server

BUCKET = "contract"
PATIENCE_SECONDS = 9.0


@dataclass(frozen=True)
class Rig:
    """A kind of store. ``open(prefix)`` may be called often; equal prefixes are equal stores.

    ``missing`` is a store whose bucket does not exist; ``connect(endpoint)`` goes another way to
    the same bucket; ``endpoint`` is None where there is no server.
    """

    name: str
    open: Callable[[str], ObjectStore]
    missing: Callable[[], ObjectStore] | None = None
    connect: Callable[[str], ObjectStore] | None = None
    endpoint: str | None = None


@pytest.fixture(scope="session")
def s3_url() -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stderr is not None
        url = next(
            found[0] for line in process.stderr if (found := re.search(r"http://[\d.:]+", line))
        )
        client: Any = boto3.client(
            "s3",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        client.create_bucket(Bucket=BUCKET)
        client.close()
        yield url
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def gcs_url() -> Iterator[str]:
    server = start_gcs_server()
    try:
        client = Client(
            project="test",
            client_options={"api_endpoint": server.url},
            use_auth_w_custom_endpoint=False,
        )
        client.create_bucket(BUCKET)
        client.close()
        yield server.url
    finally:
        server.close()


@pytest.fixture(scope="session")
def blob_url() -> Iterator[str]:
    server = start_blob_server()
    try:
        credential = {"account_name": DEVELOPMENT_ACCOUNT, "account_key": DEVELOPMENT_KEY}
        with BlobServiceClient(server.url, credential=credential) as client:
            client.create_container(BUCKET)
        yield server.url
    finally:
        server.close()


@pytest.fixture
def vendor_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The credentials a user would set; what the machine has set is out of the way."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AZURE_STORAGE_CONNECTION_STRING"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AZURE_STORAGE_KEY", DEVELOPMENT_KEY)


@pytest.fixture(params=["memory", "directory", "s3", "gcs", "blob"])
def rig(request: pytest.FixtureRequest, vendor_settings: None, tmp_path: Path) -> Rig:
    del vendor_settings
    if request.param == "memory":
        return _memory_rig()
    if request.param == "directory":
        return _directory_rig(tmp_path)
    scheme, connect, url = {
        "s3": ("s3", connect_s3, "s3_url"),
        "gcs": ("gs", connect_gcs, "gcs_url"),
        "blob": ("az", connect_blob, "blob_url"),
    }[request.param]
    return _cloud_rig(request.param, scheme, connect, request.getfixturevalue(url))


@pytest.fixture
def cloud(rig: Rig) -> Rig:
    """Only rigs with a server behind them."""
    if rig.endpoint is None:
        pytest.skip("no server to lose a response of")
    return rig


@pytest.fixture
def store(rig: Rig) -> ObjectStore:
    """An empty store."""
    return rig.open(f"run-{uuid.uuid4().hex}")


def _memory_rig() -> Rig:
    stores: dict[str, ObjectStore] = {}
    return Rig("memory", lambda prefix: stores.setdefault(prefix, MemoryStore(SystemClock())))


def _directory_rig(folder: Path) -> Rig:
    def open_store(prefix: str) -> ObjectStore:
        (folder / prefix).mkdir(exist_ok=True)
        return DirectoryStore(folder / prefix)

    return Rig("directory", open_store, missing=lambda: DirectoryStore(folder / "nowhere"))


def _cloud_rig(name: str, scheme: str, connect: Callable[..., ObjectStore], url: str) -> Rig:
    def open_at(bucket: str, endpoint: str = url) -> ObjectStore:
        return connect(
            f"{scheme}://{bucket}",
            clock=SystemClock(),
            endpoint=endpoint,
            patience_seconds=PATIENCE_SECONDS,
        )

    return Rig(
        name,
        lambda prefix: open_at(f"{BUCKET}/{prefix}"),
        missing=lambda: open_at("no-such-bucket"),
        connect=lambda endpoint: open_at(f"{BUCKET}/proxied", endpoint),
        endpoint=url,
    )
