"""The Cloud Storage stand-in, judged through Google's own client."""

import gc
import io
import json
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import urllib3
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage  # type: ignore[import-untyped]

from deployer.sandbox.faults import Fault
from deployer.sandbox.gcs_server import start_gcs_server
from deployer.sandbox.loopback import RunningServer

MIB = 1024 * 1024


def collect_dropped_connections() -> None:
    """The SDK forgets the connection of an answer it stopped reading; nobody closes it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def server() -> Iterator[RunningServer]:
    server = start_gcs_server()
    yield server
    server.close()


@pytest.fixture
def client(server: RunningServer) -> Iterator[Any]:
    client = storage.Client(
        project="p",
        credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
        client_options={"api_endpoint": server.url},
    )
    yield client
    client.close()
    collect_dropped_connections()


@pytest.fixture
def bucket(client: Any) -> Any:
    return client.create_bucket("models")


def put(bucket: Any, name: str, body: bytes, **conditions: int) -> Any:
    blob = bucket.blob(name)
    blob.upload_from_string(body, **conditions)
    return blob


def put_in_chunks(bucket: Any, name: str, body: bytes, **conditions: int) -> None:
    blob = bucket.blob(name, chunk_size=256 * 1024)
    blob.upload_from_file(io.BytesIO(body), **conditions)


@pytest.mark.parametrize(("method", "upload"), [("POST", put), ("PUT", put_in_chunks)])
def test_a_byte_that_flips_on_the_way_up_is_refused(
    server: RunningServer, bucket: Any, method: str, upload: Callable[[Any, str, bytes], object]
) -> None:
    server.faults.order(Fault.CORRUPT_REQUEST, method=method, part="/upload/")
    with pytest.raises(exceptions.BadRequest):
        upload(bucket, "k", b"x" * (300 * 1024))
    assert bucket.get_blob("k") is None


def test_a_byte_that_flips_on_the_way_down_is_noticed(server: RunningServer, bucket: Any) -> None:
    put(bucket, "k", b"x" * 1000)
    server.faults.order(Fault.CORRUPT_RESPONSE, method="GET", part="/download/", times=9)
    with pytest.raises(Exception, match=r"[Cc]hecksum"):
        bucket.blob("k").download_as_bytes()


def test_a_lost_response_leaves_the_work_done(server: RunningServer, bucket: Any) -> None:
    server.faults.order(Fault.LOSE_RESPONSE, method="POST", part="/upload/")
    with pytest.raises(exceptions.PreconditionFailed):
        put(bucket, "k", b"mine", if_generation_match=0)
    assert bucket.blob("k").download_as_bytes() == b"mine"


def test_an_unavailable_server_is_asked_again(server: RunningServer, bucket: Any) -> None:
    put(bucket, "k", b"1")
    server.faults.order(Fault.REFUSE, method="GET", part="/download/")
    assert bucket.blob("k").download_as_bytes() == b"1"


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (("POST", "/storage/v1/b", b"{"), 400),
        (("POST", "/storage/v1/b", b"[]"), 400),
        (("POST", "/storage/v1/b", b"{}"), 400),
        (("GET", "/storage/v1/b/models/o?pageToken=%21", b""), 400),
        (("GET", "/storage/v1/b/models/o/k?ifGenerationMatch=x", b""), 400),
        (("POST", "/upload/storage/v1/b/models/o?uploadType=media", b"x"), 400),
        (("POST", "/upload/storage/v1/b/models/o?uploadType=resumable", b"{}"), 400),
        (("POST", "/upload/storage/v1/b/models/o?uploadType=multipart", b"x"), 400),
        (("POST", "/upload/storage/v1/b/models/o", b"x"), 400),
        (("POST", "/batch/storage/v1", b"x"), 400),
        (("PUT", "/models/k?partNumber=1&uploadId=none", b"x"), 404),
        (("GET", "/models/k?uploadId=none", b""), 404),
        (("PATCH", "/models/k", b""), 405),
    ],
)
def test_a_malformed_request_is_refused(
    server: RunningServer, bucket: Any, asked: tuple[str, str, bytes], status: int
) -> None:
    assert bucket.name == "models"
    method, path, body = asked
    with urllib3.PoolManager() as http:
        assert http.request(method, server.url + path, body=body).status == status


def test_what_is_not_stood_in_for_says_so(server: RunningServer) -> None:
    with urllib3.PoolManager() as http:
        answer = http.request("PUT", f"{server.url}/storage/v1/b/models/acl")
    assert answer.status == 501
    assert "not stood in for" in json.loads(answer.data)["error"]["message"]


def test_a_closed_server_is_gone_and_comes_back_empty(server: RunningServer) -> None:
    server.close()
    with urllib3.PoolManager(retries=False) as http, pytest.raises(urllib3.exceptions.HTTPError):
        http.request("GET", f"{server.url}/storage/v1/b")
    again = start_gcs_server(server.port)
    try:
        with urllib3.PoolManager() as http:
            assert json.loads(http.request("GET", f"{again.url}/storage/v1/b").data)["items"] == []
    finally:
        again.close()
