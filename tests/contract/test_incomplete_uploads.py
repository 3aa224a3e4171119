"""What every `IncompleteUploads` promises, asked of every cloud's adapter over our stand-ins."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import boto3
import pytest
from azure.storage.blob import BlobServiceClient
from google.cloud.storage import Client

from deployer.ports.incomplete import IncompleteUploads
from deployer.providers.aws.incomplete import connect_uploads as connect_s3
from deployer.providers.azure.incomplete import connect_uploads as connect_blob
from deployer.providers.gcp.incomplete import connect_uploads as connect_gcs
from deployer.providers.local.clock import SystemClock
from deployer.sandbox.blob.account import DEVELOPMENT_ACCOUNT, DEVELOPMENT_KEY
from deployer.sandbox.blob_server import start_blob_server
from deployer.sandbox.gcs_server import start_gcs_server
from deployer.sandbox.loopback import RunningServer
from deployer.sandbox.s3.account import ACCESS_KEY, SECRET_KEY
from deployer.sandbox.s3_server import start_s3_server


@dataclass(frozen=True)
class Yard:
    """The unfinished uploads under the prefix ``model``, and a way to begin one anywhere."""

    uploads: IncompleteUploads
    begin: Callable[[str], None]
    tells_age: bool = True


@pytest.fixture(params=["s3", "gcs", "blob"])
def yard(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Yard]:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AZURE_STORAGE_CONNECTION_STRING"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    monkeypatch.setenv("AZURE_STORAGE_KEY", DEVELOPMENT_KEY)
    starts: dict[str, tuple[Callable[[], RunningServer], Callable[[str], Yard]]] = {
        "s3": (start_s3_server, _s3_yard),
        "gcs": (start_gcs_server, _gcs_yard),
        "blob": (start_blob_server, _blob_yard),
    }
    start, make = starts[request.param]
    server = start()
    yield make(server.url)
    server.close()


def _s3_yard(url: str) -> Yard:
    client: Any = boto3.Session().client("s3", endpoint_url=url, region_name="us-east-1")
    client.create_bucket(Bucket="yard")

    def begin(key: str) -> None:
        client.create_multipart_upload(Bucket="yard", Key=key)

    return Yard(connect_s3("s3://yard/model", clock=SystemClock(), endpoint=url), begin)


def _gcs_yard(url: str) -> Yard:
    options = {"api_endpoint": url}
    client: Any = Client(project="t", client_options=options, use_auth_w_custom_endpoint=False)
    client.create_bucket("yard")

    def begin(key: str) -> None:
        client._http.request("POST", f"{url}/yard/{key}?uploads")

    return Yard(connect_gcs("gs://yard/model", clock=SystemClock(), endpoint=url), begin)


def _blob_yard(url: str) -> Yard:
    credential = {"account_name": DEVELOPMENT_ACCOUNT, "account_key": DEVELOPMENT_KEY}
    service = BlobServiceClient(url, credential=credential)
    service.create_container("yard")

    def begin(key: str) -> None:
        service.get_blob_client("yard", key).stage_block("00000001", b"part")

    uploads = connect_blob("az://yard/model", clock=SystemClock(), endpoint=url)
    return Yard(uploads, begin, tells_age=False)


def test_what_was_begun_under_the_prefix_is_listed_with_its_age(yard: Yard) -> None:
    for key in ("model/a/1", "model/a/2", "model/b", "other/a"):
        yard.begin(key)
    found = list(yard.uploads.list("a/"))
    assert [one.key for one in found] == ["a/1", "a/2"]
    assert len(list(yard.uploads.list())) == 3
    for one in found:
        known = one.begun is not None and SystemClock().now() - one.begun < timedelta(minutes=1)
        assert known == yard.tells_age


def test_what_is_aborted_is_gone_and_leaves_nothing(yard: Yard) -> None:
    for key in ("model/a", "model/b"):
        yard.begin(key)
    first, second = yard.uploads.list()
    yard.uploads.abort(first)
    yard.uploads.abort(first)
    assert list(yard.uploads.list()) == [second]
