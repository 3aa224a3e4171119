"""Cloud Storage's stand-ins, judged through Google's own client."""

import base64
import gc
import gzip
import io
import uuid
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import urllib3
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage  # type: ignore[import-untyped]
from google.cloud.storage import transfer_manager

from deployer.sandbox.checksums import crc32c_base64

pytestmark = pytest.mark.parametrize("peer", ["gcs", "gcs-tls", "fake-gcs-server"])

MIB = 1024 * 1024


def collect_dropped_connections() -> None:
    """The SDK forgets the connection of an answer it stopped reading; nobody closes it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def client(server: Any) -> Iterator[Any]:
    client = storage.Client(
        project="p",
        credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
        client_options={"api_endpoint": server.url},
    )
    if server.trust:
        client._http.verify = str(server.trust)
    yield client
    client.close()
    collect_dropped_connections()


@pytest.fixture
def bucket(client: Any) -> Any:
    return client.create_bucket(f"models-{uuid.uuid4().hex}")


def put(bucket: Any, name: str, body: bytes, **conditions: int) -> Any:
    blob = bucket.blob(name)
    blob.upload_from_string(body, **conditions)
    return blob


def put_in_chunks(bucket: Any, name: str, body: bytes, **conditions: int) -> None:
    blob = bucket.blob(name, chunk_size=256 * 1024)
    blob.upload_from_file(io.BytesIO(body), **conditions)


def test_a_blob_reads_back_with_its_checksums(bucket: Any) -> None:
    blob = put(bucket, "a/b c/ü~+%?#.txt", b"hello")
    found = bucket.get_blob("a/b c/ü~+%?#.txt")
    assert found.download_as_bytes() == b"hello"
    assert found.crc32c == blob.crc32c == crc32c_base64(b"hello")
    assert (found.generation, found.metageneration, found.size) == (blob.generation, 1, 5)


def test_an_empty_blob_reads_back_empty(bucket: Any) -> None:
    put(bucket, "empty", b"")
    assert bucket.blob("empty").download_as_bytes() == b""


def test_generations_never_come_twice(bucket: Any) -> None:
    first = put(bucket, "k", b"1").generation
    bucket.blob("k").delete()
    assert put(bucket, "k", b"1").generation > first


def test_create_only_has_one_winner_of_sixteen(bucket: Any) -> None:
    def create(number: int) -> bool:
        try:
            put(bucket, "lock", str(number).encode(), if_generation_match=0)
        except exceptions.PreconditionFailed:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(create, range(16))) == 1


def test_a_stale_generation_neither_writes_reads_patches_nor_deletes(bucket: Any) -> None:
    stale = put(bucket, "k", b"1").generation
    live = put(bucket, "k", b"2", if_generation_match=stale).generation
    blob = bucket.blob("k")
    with pytest.raises(exceptions.PreconditionFailed):
        put(bucket, "k", b"3", if_generation_match=stale)
    with pytest.raises(exceptions.PreconditionFailed):
        blob.download_as_bytes(if_generation_match=stale)
    with pytest.raises(exceptions.PreconditionFailed):
        blob.delete(if_generation_match=stale)
    with pytest.raises(exceptions.PreconditionFailed):
        blob.reload(if_generation_match=stale)
    with pytest.raises(exceptions.NotFound):
        bucket.blob("k", generation=stale).download_as_bytes()
    assert blob.download_as_bytes(if_generation_match=live) == b"2"


def test_an_unchanged_blob_is_not_sent_again(bucket: Any) -> None:
    blob = put(bucket, "k", b"1")
    with pytest.raises(exceptions.NotModified):
        bucket.blob("k").reload(if_generation_not_match=blob.generation)


def test_a_patch_is_a_new_metageneration(bucket: Any) -> None:
    blob = put(bucket, "k", b"1")
    generation = blob.generation
    blob.metadata = {"by": "me"}
    blob.patch(if_metageneration_match=1)
    assert (blob.generation, blob.metageneration, blob.metadata) == (generation, 2, {"by": "me"})
    with pytest.raises(exceptions.PreconditionFailed):
        blob.patch(if_metageneration_match=1)


@pytest.mark.parametrize("field", ["crc32c", "md5Hash"])
@pytest.mark.parametrize("size", [1, None])
def test_a_wrong_checksum_stores_nothing(bucket: Any, field: str, size: int | None) -> None:
    blob = bucket.blob("k", chunk_size=256 * 1024)
    blob._properties[field] = base64.b64encode(b"\0" * (4 if field == "crc32c" else 16)).decode()
    blob._changes.add(field)
    with pytest.raises(exceptions.BadRequest):
        blob.upload_from_file(io.BytesIO(b"x"), size=size, checksum=None)
    assert bucket.get_blob("k") is None


def test_a_resumable_upload_comes_in_chunks(bucket: Any) -> None:
    body = bytes(range(256)) * 4096
    put_in_chunks(bucket, "big", body, if_generation_match=0)
    assert bucket.blob("big").download_as_bytes() == body
    with pytest.raises(exceptions.PreconditionFailed):
        put_in_chunks(bucket, "big", body, if_generation_match=0)


def test_a_session_says_how_far_it_came_and_goes_on(bucket: Any, server: Any) -> None:
    url = bucket.blob("big").create_resumable_upload_session(size=600 * 1024)
    body, http = b"y" * (600 * 1024), urllib3.PoolManager(ca_certs=server.trust)

    def send(content_range: str, part: bytes = b"") -> urllib3.BaseHTTPResponse:
        return http.request("PUT", url, body=part, headers={"Content-Range": content_range})

    assert send("bytes */614400").status == 308
    assert send("bytes 0-299999/614400", body[:300000]).status == 308
    question = send("bytes */614400")
    assert (question.status, question.headers["Range"]) == (308, "bytes=0-262143")
    assert send("bytes 400000-614399/614400", body[400000:]).status == 400
    assert send("bytes 262144-614399/614400", body[262144:]).status == 200
    assert send("bytes */614400").status == 200
    assert bucket.blob("big").download_as_bytes() == body
    http.clear()
    assert bucket.get_blob("big").size == len(body)


def test_a_cancelled_session_is_gone(bucket: Any, server: Any) -> None:
    url = bucket.blob("k").create_resumable_upload_session(size=1)
    with urllib3.PoolManager(ca_certs=server.trust) as http:
        assert http.request("DELETE", url).status == 499
        assert http.request("PUT", url, body=b"x").status == 404


def test_ranges_are_cut_as_asked(bucket: Any) -> None:
    put(bucket, "k", b"0123456789")
    blob = bucket.blob("k")
    assert blob.download_as_bytes(start=2, end=4) == b"234"
    assert blob.download_as_bytes(start=8) == b"89"
    assert blob.download_as_bytes(start=8, end=99) == b"89"
    with pytest.raises(exceptions.RequestRangeNotSatisfiable):
        blob.download_as_bytes(start=10)


def test_parts_are_put_together_by_the_xml_api(bucket: Any, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(bytes(range(256)) * (MIB // 256) * 12)
    transfer_manager.upload_chunks_concurrently(
        str(source), bucket.blob("big"), chunk_size=5 * MIB, max_workers=2, worker_type="thread"
    )
    blob = bucket.get_blob("big")
    assert (blob.size, blob.md5_hash) == (12 * MIB, None)
    transfer_manager.download_chunks_concurrently(
        blob, str(tmp_path / "back"), chunk_size=4 * MIB, max_workers=2, worker_type="thread"
    )
    assert (tmp_path / "back").read_bytes() == source.read_bytes()


def test_a_small_part_in_the_middle_is_refused(bucket: Any, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x" * (2 * MIB))
    with pytest.raises(Exception, match="400"):
        transfer_manager.upload_chunks_concurrently(
            str(source), bucket.blob("k"), chunk_size=MIB, max_workers=1, worker_type="thread"
        )
    assert bucket.get_blob("k") is None


def test_pages_come_in_byte_order_without_gaps(bucket: Any, client: Any) -> None:
    names = [f"k/{number:04d}" for number in range(1100)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: put(bucket, name, b""), ["other", *names]))
    pages = list(client.list_blobs(bucket, prefix="k/", page_size=300).pages)
    assert [page.num_items for page in pages] == [300, 300, 300, 200]
    assert [blob.name for blob in client.list_blobs(bucket, prefix="k/")] == names


def test_names_sort_by_their_bytes(bucket: Any, client: Any) -> None:
    names = ["Z", "a", "a/b", "a//b", "ä", "€", "\U0001f600"]
    for name in reversed(names):
        put(bucket, name, b"")
    assert [blob.name for blob in client.list_blobs(bucket)] == sorted(names, key=str.encode)


def test_a_delimiter_folds_folders_over_pages(bucket: Any, client: Any) -> None:
    for name in ("a", "b/1", "b/2", "c", "d/1"):
        put(bucket, name, b"")
    listing = client.list_blobs(bucket, delimiter="/", page_size=2)
    assert [blob.name for blob in listing] == ["a", "c"]
    assert listing.prefixes == {"b/", "d/"}


def test_a_batch_deletes_what_is_there(bucket: Any, client: Any) -> None:
    for name in ("a", "b"):
        put(bucket, name, b"")
    with client.batch():
        bucket.blob("a").delete()
        bucket.blob("b").delete()
    assert list(client.list_blobs(bucket)) == []


def test_one_failure_in_a_batch_stops_no_other(bucket: Any, client: Any) -> None:
    put(bucket, "b", b"")
    batch = client.batch(raise_exception=False)
    with batch:
        bucket.blob("missing").delete()
        bucket.blob("b").delete()
    assert [answer.status_code for answer in batch._responses] == [404, 204]
    assert bucket.get_blob("b") is None


def test_compose_and_rewrite_make_new_objects(bucket: Any) -> None:
    parts = [put(bucket, name, name.encode()) for name in ("a", "b")]
    whole = bucket.blob("ab")
    whole.compose(parts, if_generation_match=0)
    assert bucket.get_blob("ab").md5_hash is None
    copy = bucket.blob("copy")
    _, done, total = copy.rewrite(whole, if_generation_match=0)
    assert (done, total) == (2, 2)
    assert copy.download_as_bytes() == b"ab"
    with pytest.raises(exceptions.PreconditionFailed):
        copy.rewrite(whole, if_generation_match=0)
    assert bucket.copy_blob(whole, bucket, "again").size == 2


def test_gzip_is_decoded_on_the_way_down(bucket: Any) -> None:
    blob = bucket.blob("k")
    blob.content_encoding = "gzip"
    blob.upload_from_string(gzip.compress(b"plain" * 100), content_type="text/plain")
    assert bucket.blob("k").download_as_bytes() == b"plain" * 100


def test_missing_things_are_not_found(client: Any, bucket: Any) -> None:
    assert bucket.get_blob("missing") is None
    with pytest.raises(exceptions.NotFound, match="No such object"):
        bucket.blob("missing").delete()
    with pytest.raises(exceptions.NotFound, match="bucket does not exist"):
        client.bucket("nowhere").blob("k").upload_from_string(b"")


def test_buckets_are_made_once_and_dropped_when_empty(client: Any, bucket: Any) -> None:
    with pytest.raises(exceptions.Conflict):
        client.create_bucket(bucket.name)
    assert bucket.name in [found.name for found in client.list_buckets()]
    blob = put(bucket, "k", b"")
    with pytest.raises(exceptions.Conflict):
        bucket.delete()
    blob.delete()
    bucket.delete()
    assert client.lookup_bucket(bucket.name) is None
