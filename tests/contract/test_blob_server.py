"""The Azure Blob stand-in, judged through Microsoft's own client."""

import base64
import gc
import warnings
from collections.abc import Iterator
from datetime import timedelta
from functools import partial

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
)
from azure.storage.blob import (
    BlobClient,
    BlobServiceClient,
    ContainerClient,
    ExponentialRetry,
    generate_blob_sas,
)

from deployer.providers.local.clock import SystemClock
from deployer.sandbox.blob.account import DEVELOPMENT_ACCOUNT, DEVELOPMENT_KEY
from deployer.sandbox.blob_server import start_blob_server
from deployer.sandbox.faults import Fault
from deployer.sandbox.loopback import RunningServer

MIB = 1024 * 1024


def connect(server: RunningServer, key: str = DEVELOPMENT_KEY) -> BlobServiceClient:
    return BlobServiceClient(
        server.url,
        credential={"account_name": DEVELOPMENT_ACCOUNT, "account_key": key},
        retry_policy=ExponentialRetry(0, 0, 3, random_jitter_range=0),
        max_single_put_size=MIB,
        max_block_size=MIB,
        max_single_get_size=MIB,
        max_chunk_get_size=MIB,
    )


def collect_dropped_connections() -> None:
    """The SDK forgets the connection of an answer it stopped reading; nobody closes it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def server() -> Iterator[RunningServer]:
    server = start_blob_server()
    yield server
    server.close()


@pytest.fixture
def service(server: RunningServer) -> Iterator[BlobServiceClient]:
    with connect(server) as service:
        yield service
    collect_dropped_connections()


@pytest.fixture
def container(service: BlobServiceClient) -> ContainerClient:
    return service.create_container("models")


def put(container: ContainerClient, name: str, body: bytes = b"") -> BlobClient:
    return container.upload_blob(name, body, overwrite=True)


def code(error: pytest.ExceptionInfo[HttpResponseError]) -> str:
    found = error.value.error_code  # type: ignore[attr-defined]  # set by the SDK's own parser
    return str(getattr(found, "value", found))


def block_id(number: int) -> str:
    return f"{number:08d}"


@pytest.mark.parametrize("size", [1000, 2 * MIB])
def test_a_byte_that_flips_on_the_way_up_is_refused(
    server: RunningServer, container: ContainerClient, size: int
) -> None:
    server.faults.order(Fault.CORRUPT_REQUEST, method="PUT", part="/models/k", times=9)
    with pytest.raises(HttpResponseError) as error:
        container.upload_blob("k", b"x" * size, validate_content=True)
    assert code(error) == "Md5Mismatch"
    assert not container.get_blob_client("k").exists()


def test_a_byte_that_flips_on_the_way_down_is_noticed(
    server: RunningServer, container: ContainerClient
) -> None:
    blob = put(container, "k", b"x" * 1000)
    server.faults.order(Fault.CORRUPT_RESPONSE, method="GET", part="/models/k", times=9)
    with pytest.raises(Exception, match="MD5"):
        blob.download_blob(validate_content=True).readall()


def test_a_lost_response_leaves_the_work_done(
    server: RunningServer, container: ContainerClient
) -> None:
    server.faults.order(Fault.LOSE_RESPONSE, method="PUT", part="/models/k")
    with pytest.raises(ResourceExistsError) as error:
        container.upload_blob("k", b"mine", overwrite=False)
    assert code(error) == "BlobAlreadyExists"
    assert container.download_blob("k").readall() == b"mine"


def test_an_unavailable_server_is_asked_again(
    server: RunningServer, container: ContainerClient
) -> None:
    blob = put(container, "k", b"1")
    server.faults.order(Fault.REFUSE, method="GET", part="/models/k")
    assert blob.download_blob().readall() == b"1"


def test_what_is_not_stood_in_for_says_so(container: ContainerClient) -> None:
    blob = put(container, "k")
    copy = partial(blob.start_copy_from_url, blob.url)
    for act in (blob.create_snapshot, blob.acquire_lease, copy):
        with pytest.raises(HttpResponseError, match="not stood in for"):
            act()


def read_sas(blob: BlobClient, key: str = DEVELOPMENT_KEY, *, hours: float = 1) -> str:
    return generate_blob_sas(
        DEVELOPMENT_ACCOUNT,
        blob.container_name,
        blob.blob_name,
        account_key=key,
        permission="r",
        expiry=SystemClock().now() + timedelta(hours=hours),
    )


def test_a_blob_is_made_of_what_a_sas_reads(container: ContainerClient) -> None:
    blob, copy = put(container, "a b/ü", b"1"), container.get_blob_client("copy")
    copy.upload_blob_from_url(f"{blob.url}?{read_sas(blob)}", metadata={"is": "new"})
    assert copy.download_blob().readall() == b"1"
    assert copy.get_blob_properties().metadata == {"is": "new"}


def test_a_source_that_nobody_signed_for_or_that_changed_is_refused(
    container: ContainerClient,
) -> None:
    blob, copy = put(container, "k", b"1"), container.get_blob_client("copy")
    foreign = base64.b64encode(bytes(64)).decode()
    for query in ("", f"?{read_sas(blob, foreign)}", f"?{read_sas(blob, hours=-1)}"):
        with pytest.raises(HttpResponseError) as refused:
            copy.upload_blob_from_url(blob.url + query)
        assert code(refused) == "CannotVerifyCopySource"
    source = f"{blob.url}?{read_sas(blob)}"
    with pytest.raises(HttpResponseError) as refused:
        copy.upload_blob_from_url(
            source, source_etag='"0x0"', source_match_condition=MatchConditions.IfNotModified
        )
    assert code(refused) == "SourceConditionNotMet"
    with pytest.raises(HttpResponseError) as refused:
        copy.upload_blob_from_url(source, source_content_md5=bytearray(16))
    assert code(refused) == "Md5Mismatch"
    assert not copy.exists()


def test_a_closed_server_is_gone(server: RunningServer, container: ContainerClient) -> None:
    put(container, "k")
    server.close()
    with pytest.raises(Exception, match="refused"):
        container.download_blob("k")
