"""A stand-in cloud of each kind with small parts, and a process that is killed while it moves."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient
from google.cloud.storage import Client

from deployer.artifact import garbage
from deployer.artifact.garbage import Rules, find_garbage, sweep_garbage
from deployer.ports import ObjectStore
from deployer.ports.incomplete import IncompleteUpload
from deployer.providers.aws.connect import connect_store as connect_s3
from deployer.providers.aws.incomplete import connect_uploads as s3_uploads
from deployer.providers.aws.session import open_session
from deployer.providers.azure.connect import connect_store as connect_blob
from deployer.providers.azure.incomplete import connect_uploads as blob_uploads
from deployer.providers.gcp.connect import connect_store as connect_gcs
from deployer.providers.gcp.incomplete import connect_uploads as gcs_uploads
from deployer.providers.local.clock import SystemClock
from deployer.sandbox.blob.account import DEVELOPMENT_ACCOUNT, DEVELOPMENT_KEY
from deployer.sandbox.blob_server import start_blob_server
from deployer.sandbox.gcs_server import start_gcs_server
from deployer.sandbox.loopback import RunningServer
from deployer.sandbox.s3.account import ACCESS_KEY, SECRET_KEY
from deployer.sandbox.s3_server import start_s3_server
from deployer.transfer import Limits
from deployer.values import Digest

BUCKET = "resume"
PART = 64 << 10
WORKERS = 4
UPLOADS: dict[str, Callable[..., Any]] = {
    "s3": s3_uploads,
    "gs": gcs_uploads,
    "az": blob_uploads,
}


@dataclass
class Place:
    """A stand-in cloud: ``open(prefix)`` is a store there with small parts."""

    scheme: str
    server: RunningServer
    connect: Callable[..., ObjectStore]

    def url(self, prefix: str) -> str:
        return f"{self.scheme}://{BUCKET}/{prefix}"

    def open(self, prefix: str) -> ObjectStore:
        return self.connect(
            self.url(prefix),
            clock=SystemClock(),
            endpoint=self.server.url,
            patience_seconds=20.0,
            limits=Limits(part_bytes=PART, range_bytes=PART, workers=WORKERS),
        )

    def moved(self, method: str, part: str = "") -> int:
        """Return the bytes of bodies of all requests so far of a method: up and down."""
        return sum(
            one.received + one.sent
            for one in self.server.traffic.seen()
            if one.method == method and part in one.target
        )

    def incomplete(self, prefix: str) -> list[IncompleteUpload]:
        """Return the uploads below it that were begun and never ended."""
        return list(self._uploads(prefix).list())

    def sweep(self, prefix: str, digest: Digest) -> None:
        """Collect what no release refers to, however young it is; ``digest`` is referred to."""
        rules = Rules(timedelta(0), at_most=1)
        swept = garbage.Place(self.open(prefix), self._uploads(prefix))
        found = find_garbage(swept, {digest}, rules, SystemClock().now())
        sweep_garbage([found], rules, lambda: {digest})

    def _uploads(self, prefix: str) -> Any:
        connect = UPLOADS[self.scheme]
        return connect(self.url(prefix), clock=SystemClock(), endpoint=self.server.url)


@pytest.fixture(scope="session")
def _credentials() -> Iterator[None]:
    patch = pytest.MonkeyPatch()
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AZURE_STORAGE_CONNECTION_STRING"):
        patch.delenv(name, raising=False)
    patch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    patch.setenv("AZURE_STORAGE_KEY", DEVELOPMENT_KEY)
    yield
    patch.undo()


@pytest.fixture(params=["s3", "gs", "az"])
def place(request: pytest.FixtureRequest, _credentials: None) -> Iterator[Place]:
    made = _start(request.param)
    try:
        yield made
    finally:
        made.server.close()


def _start(scheme: str) -> Place:
    if scheme == "s3":
        server = start_s3_server(smallest_part=1)
        client: Any = open_session().client("s3", endpoint_url=server.url, region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        client.close()
        return Place(scheme, server, connect_s3)
    if scheme == "gs":
        server = start_gcs_server(smallest_part=1)
        options = {"api_endpoint": server.url}
        google = Client(project="t", client_options=options, use_auth_w_custom_endpoint=False)
        google.create_bucket(BUCKET)
        google.close()
        return Place(scheme, server, connect_gcs)
    server = start_blob_server()
    credential = {"account_name": DEVELOPMENT_ACCOUNT, "account_key": DEVELOPMENT_KEY}
    with BlobServiceClient(server.url, credential=credential) as service:
        service.create_container(BUCKET)
    return Place(scheme, server, connect_blob)


class Mover:
    """Starts pushes and pulls in processes of their own, and kills them."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("mover.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def kill_when(self, due: Callable[[], bool], **order: Any) -> int:
        """Begin what is ordered, kill it as soon as ``due()``; return its exit status."""
        clock = SystemClock()
        child = int(self._ask(order))
        with contextlib.suppress(ProcessLookupError):  # it ended before: its status tells
            while not due():
                os.kill(child, 0)
                clock.sleep(0.004)
            os.kill(child, signal.SIGKILL)
        return int(self._read())

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _ask(self, order: dict[str, Any]) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


@pytest.fixture
def mover(_credentials: None) -> Iterator[Mover]:
    made = Mover()
    yield made
    made.close()
