"""Azure Blob's stand-ins, judged through Microsoft's own client."""

import base64
import gc
import uuid
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import urllib3
from azure.core import MatchConditions
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.storage.blob import (
    BlobBlock,
    BlobClient,
    BlobPrefix,
    BlobServiceClient,
    ContainerClient,
    ContentSettings,
    ExponentialRetry,
)

from deployer.sandbox.blob.account import DEVELOPMENT_ACCOUNT, DEVELOPMENT_KEY
from deployer.sandbox.checksums import md5_base64

pytestmark = pytest.mark.parametrize("peer", ["blob", "blob-tls", "azurite"])

MIB = 1024 * 1024


def connect(server: Any, key: str = DEVELOPMENT_KEY) -> BlobServiceClient:
    return BlobServiceClient(
        server.url,
        credential={"account_name": DEVELOPMENT_ACCOUNT, "account_key": key},
        retry_policy=ExponentialRetry(0, 0, 3, random_jitter_range=0),
        max_single_put_size=MIB,
        max_block_size=MIB,
        max_single_get_size=MIB,
        max_chunk_get_size=MIB,
        connection_verify=str(server.trust) if server.trust else True,
    )


def collect_dropped_connections() -> None:
    """The SDK forgets the connection of an answer it stopped reading; nobody closes it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def service(server: Any) -> Iterator[BlobServiceClient]:
    with connect(server) as service:
        yield service
    collect_dropped_connections()


@pytest.fixture
def container(service: BlobServiceClient) -> ContainerClient:
    return service.create_container(f"models-{uuid.uuid4().hex}")


def put(container: ContainerClient, name: str, body: bytes = b"") -> BlobClient:
    return container.upload_blob(name, body, overwrite=True)


def code(error: pytest.ExceptionInfo[HttpResponseError]) -> str:
    found = error.value.error_code  # type: ignore[attr-defined]  # set by the SDK's own parser
    return str(getattr(found, "value", found))


def block_id(number: int) -> str:
    return f"{number:08d}"


def test_a_blob_reads_back_with_what_was_said_of_it(container: ContainerClient) -> None:
    name = "a/b c/ü~+%?#.txt"
    container.upload_blob(
        name,
        b"hello",
        metadata={"ab": "1", "a_b": "2"},
        content_settings=ContentSettings(content_type="text/plain"),
    )
    blob = container.get_blob_client(name)
    found = blob.get_blob_properties()
    assert blob.download_blob().readall() == b"hello"
    assert (found.size, found.metadata) == (5, {"ab": "1", "a_b": "2"})
    assert found.content_settings.content_type == "text/plain"
    assert found.content_settings.content_md5 == bytearray(base64.b64decode(md5_base64(b"hello")))


def test_an_empty_blob_reads_back_empty(container: ContainerClient) -> None:
    assert put(container, "empty").download_blob().readall() == b""


def test_create_only_has_one_winner_of_sixteen(container: ContainerClient) -> None:
    def create(number: int) -> bool:
        try:
            container.upload_blob("lock", str(number).encode(), overwrite=False)
        except ResourceExistsError:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(create, range(16))) == 1


def test_a_stale_etag_neither_writes_reads_nor_deletes(container: ContainerClient) -> None:
    blob = put(container, "k", b"1")
    stale = blob.get_blob_properties().etag
    same = MatchConditions.IfNotModified
    blob.upload_blob(b"2", overwrite=True, etag=stale, match_condition=same)
    with pytest.raises(ResourceModifiedError) as write:
        blob.upload_blob(b"3", overwrite=True, etag=stale, match_condition=same)
    with pytest.raises(ResourceModifiedError):
        blob.download_blob(etag=stale, match_condition=same)
    with pytest.raises(ResourceModifiedError):
        blob.set_blob_metadata({"a": "b"}, etag=stale, match_condition=same)
    with pytest.raises(ResourceModifiedError):
        blob.delete_blob(etag=stale, match_condition=same)
    assert code(write) == "ConditionNotMet"
    assert blob.download_blob().readall() == b"2"


def test_replacing_what_is_not_there_is_a_failed_condition(container: ContainerClient) -> None:
    blob = container.get_blob_client("k")
    with pytest.raises(ResourceModifiedError) as error:
        blob.upload_blob(
            b"1", overwrite=True, etag='"0x1"', match_condition=MatchConditions.IfNotModified
        )
    assert code(error) == "ConditionNotMet"


def test_an_unchanged_blob_is_not_sent_again(container: ContainerClient) -> None:
    blob = put(container, "k", b"1")
    etag = blob.get_blob_properties().etag
    with pytest.raises(HttpResponseError) as error:
        blob.download_blob(etag=etag, match_condition=MatchConditions.IfModified)
    assert error.value.status_code == 304


def test_metadata_is_a_new_etag_of_the_same_bytes(container: ContainerClient) -> None:
    blob = put(container, "k", b"1")
    before = blob.get_blob_properties().etag
    blob.set_blob_metadata({"by": "me"})
    after = blob.get_blob_properties()
    assert after.etag != before
    assert (after.metadata, after.size) == ({"by": "me"}, 1)


def test_a_large_blob_comes_in_checked_blocks(container: ContainerClient) -> None:
    body = bytes(range(256)) * 4096 * 3 + b"end"
    blob = container.get_blob_client("big")
    blob.upload_blob(body, overwrite=False, validate_content=True, max_concurrency=2)
    assert blob.download_blob(validate_content=True, max_concurrency=2).readall() == body
    committed, uncommitted = blob.get_block_list("all")
    assert [block["size"] for block in committed] == [MIB, MIB, MIB, 3]
    assert uncommitted == []
    assert blob.get_blob_properties().content_settings.content_md5 is None
    with pytest.raises(ResourceExistsError) as error:
        blob.upload_blob(body, overwrite=False)
    assert code(error) == "BlobAlreadyExists"


def test_the_md5_of_the_whole_is_checked_at_put_and_kept_at_commit(
    container: ContainerClient,
) -> None:
    wrong = ContentSettings(content_md5=bytearray(16))
    with pytest.raises(HttpResponseError) as error:
        container.upload_blob("k", b"1", content_settings=wrong)
    assert code(error) == "Md5Mismatch"
    container.upload_blob("k", b"x" * 2 * MIB, content_settings=wrong)
    kept = container.get_blob_client("k").get_blob_properties().content_settings
    assert kept.content_md5 == bytearray(16)


def test_blocks_are_invisible_until_they_are_listed(container: ContainerClient) -> None:
    blob = container.get_blob_client("k")
    for number in (2, 1, 3):
        blob.stage_block(block_id(number), str(number).encode())
    assert not blob.exists()
    assert [block["size"] for block in blob.get_block_list("uncommitted")[1]] == [1, 1, 1]
    blob.commit_block_list([BlobBlock(block_id(1)), BlobBlock(block_id(2))])
    assert blob.download_blob().readall() == b"12"
    assert blob.get_block_list("uncommitted")[1] == []


def test_a_commit_drops_what_others_had_staged(container: ContainerClient) -> None:
    ours, theirs = (container.get_blob_client("k") for _ in range(2))
    ours.stage_block(block_id(1), b"ours")
    theirs.stage_block(block_id(2), b"theirs")
    theirs.commit_block_list([BlobBlock(block_id(2))])
    with pytest.raises(HttpResponseError) as error:
        ours.commit_block_list([BlobBlock(block_id(1))])
    assert code(error) == "InvalidBlockList"
    assert ours.download_blob().readall() == b"theirs"


def test_block_ids_of_one_blob_have_one_length(container: ContainerClient) -> None:
    blob = container.get_blob_client("k")
    blob.stage_block("0001", b"1")
    with pytest.raises(HttpResponseError) as error:
        blob.stage_block("00002", b"2")
    assert code(error) == "InvalidBlobOrBlock"


def test_ranges_are_cut_as_asked(container: ContainerClient) -> None:
    blob = put(container, "k", b"0123456789")
    assert blob.download_blob(offset=2, length=3).readall() == b"234"
    assert blob.download_blob(offset=8).readall() == b"89"
    assert blob.download_blob(offset=8, length=99).readall() == b"89"
    with pytest.raises(HttpResponseError) as error:
        blob.download_blob(offset=10, length=1)
    assert (error.value.status_code, code(error)) == (416, "InvalidRange")


def test_pages_come_in_byte_order_without_gaps(container: ContainerClient) -> None:
    names = [f"k/{number:03d}" for number in range(220)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: put(container, name), ["other", *names]))
    pages = container.list_blobs(name_starts_with="k/", results_per_page=60).by_page()
    assert [len(list(page)) for page in pages] == [60, 60, 60, 40]
    assert list(container.list_blob_names(name_starts_with="k/")) == names


def test_names_sort_by_their_bytes(container: ContainerClient) -> None:
    names = ["Z", "a", "a/b", "a//b", "ä", "€", "\U0001f600"]
    for name in reversed(names):
        put(container, name)
    assert list(container.list_blob_names()) == sorted(names, key=str.encode)


def test_a_delimiter_folds_folders_over_pages(container: ContainerClient) -> None:
    for name in ("a", "b/1", "b/2", "c", "d/1"):
        put(container, name)
    entries = list(container.walk_blobs(results_per_page=2))
    assert sorted(entry.name for entry in entries) == ["a", "b/", "c", "d/"]
    folders = [entry.name for entry in entries if isinstance(entry, BlobPrefix)]
    assert folders == ["b/", "d/"]


def test_a_list_says_size_etag_and_metadata(container: ContainerClient) -> None:
    container.upload_blob("k", b"12", metadata={"by": "me"})
    (entry,) = container.list_blobs(include=["metadata"])
    assert (entry.size, entry.metadata) == (2, {"by": "me"})
    assert f'"{entry.etag}"' == container.get_blob_client("k").get_blob_properties().etag


def test_missing_things_are_not_found(
    service: BlobServiceClient, container: ContainerClient
) -> None:
    blob = container.get_blob_client("missing")
    for act in (blob.delete_blob, blob.download_blob, blob.get_block_list):
        with pytest.raises(ResourceNotFoundError) as error:
            act()
        assert code(error) == "BlobNotFound"
    nowhere = service.get_container_client("nowhere")
    with pytest.raises(ResourceNotFoundError) as error:
        nowhere.upload_blob("k", b"")
    assert code(error) == "ContainerNotFound"
    with pytest.raises(ResourceNotFoundError):
        list(nowhere.list_blobs())


def test_containers_are_made_once_and_dropped(
    service: BlobServiceClient, container: ContainerClient
) -> None:
    with pytest.raises(ResourceExistsError) as error:
        service.create_container(container.container_name)
    assert code(error) == "ContainerAlreadyExists"
    assert container.container_name in [found.name for found in service.list_containers()]
    put(container, "k")
    container.delete_container()
    assert not container.exists()


def test_a_wrong_key_is_refused(server: Any, container: ContainerClient) -> None:
    wrong = base64.b64encode(b"another key").decode()
    with connect(server, wrong) as stranger, pytest.raises(ClientAuthenticationError) as error:
        stranger.get_container_client(container.container_name).upload_blob("k", b"")
    assert (error.value.status_code, code(error)) == (403, "AuthenticationFailed")


def test_an_unsigned_request_is_refused(server: Any, container: ContainerClient) -> None:
    with urllib3.PoolManager(ca_certs=server.trust) as http:
        answer = http.request("GET", f"{server.url}/{container.container_name}/k")
    assert answer.status == 401
    assert answer.headers["x-ms-error-code"] == "NoAuthenticationInformation"
