"""One rig per object store: how to open it, and what is behind it."""

import contextlib
import socket
import struct
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

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
from deployer.sandbox.blob.account import DEVELOPMENT_ACCOUNT, DEVELOPMENT_KEY
from deployer.sandbox.blob_server import start_blob_server
from deployer.sandbox.gcs_server import start_gcs_server
from tests.moto_server import run_moto

BUCKET = "contract"
PATIENCE_SECONDS = 9.0


@dataclass(frozen=True)
class Rig:
    """A kind of store. ``open(prefix)`` may be called often; equal prefixes are equal stores.

    ``missing`` is a store whose bucket does not exist and is not made by a write;
    ``connect(endpoint)`` goes another way to the same bucket; ``endpoint`` is None where there is
    no server.
    """

    name: str
    open: Callable[[str], ObjectStore]
    missing: Callable[[], ObjectStore] | None = None
    connect: Callable[..., ObjectStore] | None = None
    endpoint: str | None = None


class LossyProxy:
    """A TCP proxy on loopback that can cut a connection in place of the next response.

    The request has done its work by then: a response had begun to come back.
    """

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        self._upstream = (parts.hostname, parts.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self._to_lose = 0
        self.lost = 0
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}{parts.path}"
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def lose_next(self, count: int = 1) -> None:
        self._to_lose = count

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for one in self._sockets:
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._upstream)
            self._sockets += [client, server]
            for pair in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._pump, args=pair, daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, back: bool) -> None:
        try:
            while data := source.recv(1 << 16):
                if back and self._to_lose and not _is_interim(data):
                    self._to_lose -= 1
                    self.lost += 1
                    reset = struct.pack("ii", 1, 0)
                    target.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
                    break
                target.sendall(data)
        except OSError:
            pass
        finally:
            for one in (source, target):
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)


def _is_interim(data: bytes) -> bool:
    """Whether it only says "go on"; on a busy machine the answer may come in the same piece."""
    return data.startswith(b"HTTP/1.1 100") and data.count(b"HTTP/1.1 ") == 1


@pytest.fixture
def proxy(cloud: Rig) -> Iterator[LossyProxy]:
    """A lossy way to the store's server."""
    assert cloud.endpoint is not None
    made = LossyProxy(cloud.endpoint)
    yield made
    made.close()


@pytest.fixture
def proxied(cloud: Rig, proxy: LossyProxy) -> ObjectStore:
    """An empty store behind `proxy`."""
    assert cloud.connect is not None
    return cloud.connect(proxy.url)


@pytest.fixture(scope="session")
def s3_url() -> Iterator[str]:
    with run_moto() as url:
        client: Any = boto3.Session().client(
            "s3",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        client.create_bucket(Bucket=BUCKET)
        client.close()
        yield url


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

    return Rig("directory", open_store)


def _cloud_rig(name: str, scheme: str, connect: Callable[..., ObjectStore], url: str) -> Rig:
    def open_at(
        bucket: str, endpoint: str = url, patience_seconds: float = PATIENCE_SECONDS
    ) -> ObjectStore:
        return connect(
            f"{scheme}://{bucket}",
            clock=SystemClock(),
            endpoint=endpoint,
            patience_seconds=patience_seconds,
        )

    return Rig(
        name,
        lambda prefix: open_at(f"{BUCKET}/{prefix}"),
        missing=lambda: open_at("no-such-bucket"),
        connect=lambda *way, **how: open_at(f"{BUCKET}/run-{uuid.uuid4().hex}", *way, **how),
        endpoint=url,
    )
