"""Bytes damaged on the wire: noticed on every path, sent again where that helps, never accepted."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import boto3
import pytest
from azure.storage.blob import BlobServiceClient
from google.cloud.storage import Client

from deployer.artifact import pull_artifact, push_artifact, scan_artifact
from deployer.errors import DeployerError, IntegrityError, SourceError
from deployer.ports import ObjectStore
from deployer.providers.aws.connect import connect_store as connect_s3
from deployer.providers.azure.connect import connect_store as connect_blob
from deployer.providers.gcp.connect import connect_store as connect_gcs
from deployer.providers.local.clock import SystemClock
from deployer.sandbox.blob.account import DEVELOPMENT_ACCOUNT, DEVELOPMENT_KEY
from deployer.sandbox.blob_server import start_blob_server
from deployer.sandbox.faults import Fault
from deployer.sandbox.gcs_server import start_gcs_server

MEBIBYTE = 1 << 20


@pytest.fixture(params=["gcs", "blob"])
def place(
    request: pytest.FixtureRequest, vendor_settings: None
) -> Iterator[tuple[ObjectStore, Any]]:
    """A store on a server of its own, and that server's faults."""
    del vendor_settings
    server = start_gcs_server() if request.param == "gcs" else start_blob_server()
    try:
        yield _open(request.param, server.url), server.faults
    finally:
        server.close()


def _open(kind: str, url: str) -> ObjectStore:
    if kind == "gcs":
        options = {"api_endpoint": url}
        client = Client(project="t", client_options=options, use_auth_w_custom_endpoint=False)
        client.create_bucket("damage")
        client.close()
        return connect_gcs("gs://damage", clock=SystemClock(), endpoint=url, patience_seconds=5)
    credential = {"account_name": DEVELOPMENT_ACCOUNT, "account_key": DEVELOPMENT_KEY}
    with BlobServiceClient(url, credential=credential) as service:
        service.create_container("damage")
    return connect_blob("az://damage", clock=SystemClock(), endpoint=url, patience_seconds=5)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "model").write_bytes(os.urandom(MEBIBYTE))
    return tmp_path / "model"


def test_a_block_damaged_once_is_sent_again(vendor_settings: None, tmp_path: Path) -> None:
    del vendor_settings
    server = start_blob_server()
    try:
        store = _open("blob", server.url)
        path = tmp_path / "model"
        path.write_bytes(os.urandom(17 * MEBIBYTE))
        server.faults.order(Fault.CORRUPT_REQUEST, method="PUT", part="model", times=2)
        store.put_file("model", path)
        assert b"".join(store.stream("model")) == path.read_bytes()
    finally:
        server.close()


@pytest.mark.parametrize("size", [MEBIBYTE, 17 * MEBIBYTE])
def test_an_upload_damaged_always_is_refused(place: Any, tmp_path: Path, size: int) -> None:
    store, faults = place
    path = tmp_path / "model"
    path.write_bytes(os.urandom(size))
    for method in ("PUT", "POST"):
        faults.order(Fault.CORRUPT_REQUEST, method=method, times=100)
    with pytest.raises(DeployerError):
        store.put_file("model", path)
    assert store.head("model") is None


def test_a_download_damaged_on_the_way_gets_no_name(
    place: Any, model: Path, tmp_path: Path
) -> None:
    store, faults = place
    digest = push_artifact(scan_artifact(model), store).digest
    key = f"artifacts/sha256/{digest.hex}/model"
    gcs = store.url.startswith("gs:")  # which asks for the object's facts under a like path
    body = f"/download/storage/v1/b/damage/o/{quote(key, safe='')}" if gcs else key
    faults.order(Fault.CORRUPT_RESPONSE, method="GET", part=body, times=100)
    with pytest.raises(IntegrityError, match="not what was promised"):
        pull_artifact(store, digest, tmp_path / "to")
    assert list((tmp_path / "to").iterdir()) == []


def test_a_failed_s3_upload_leaves_no_parts_to_pay_for(
    s3_url: str, vendor_settings: None, tmp_path: Path
) -> None:
    del vendor_settings
    path = tmp_path / "model"
    path.write_bytes(bytes(17 * MEBIBYTE))
    store = connect_s3("s3://contract/aborted", clock=SystemClock(), endpoint=s3_url)

    def change(_count: int) -> None:
        os.utime(path, ns=(1, 1))

    with pytest.raises(SourceError):
        store.put_file("model", path, progress=change)
    client: Any = boto3.Session().client("s3", endpoint_url=s3_url, region_name="us-east-1")
    left = client.list_multipart_uploads(Bucket="contract", Prefix="aborted").get("Uploads", [])
    assert left == []
