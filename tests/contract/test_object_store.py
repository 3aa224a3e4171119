"""What every `ObjectStore` promises, asked of every adapter."""

import hashlib
import os
import uuid
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from deployer.errors import (
    AlreadyExistsError,
    IntegrityError,
    NotFoundError,
    PreconditionError,
    ProviderError,
    SetupError,
    SourceError,
    TransientError,
)
from deployer.ports import ObjectInfo, ObjectStore
from deployer.providers.local.clock import SystemClock

MEBIBYTE = 1 << 20
THREADS = 16


def test_what_was_written_is_read(store: ObjectStore) -> None:
    written = store.put("a/b.json", b"{}", metadata={"label": "first"})
    found = store.get("a/b.json")
    assert found.body == b"{}"
    assert (found.info.key, found.info.size, found.info.version) == (
        "a/b.json",
        2,
        written.version,
    )
    assert found.info.metadata == {"label": "first"} == written.metadata
    assert store.head("a/b.json") == found.info


def test_the_time_of_an_object_has_a_zone(store: ObjectStore) -> None:
    store.put("a", b"x")
    info = store.head("a")
    assert info is not None
    assert info.modified is not None
    assert info.modified.utcoffset() is not None


def test_an_empty_body_is_an_object(store: ObjectStore) -> None:
    store.put("empty", b"")
    assert store.get("empty").body == b""
    assert list(store.stream("empty")) == []


def test_a_missing_object_is_none_or_not_found(store: ObjectStore) -> None:
    assert store.head("nothing") is None
    with pytest.raises(NotFoundError):
        store.get("nothing")
    with pytest.raises(NotFoundError):
        list(store.stream("nothing"))


def test_a_part_of_a_key_is_no_object(store: ObjectStore) -> None:
    store.put("folder/file", b"x")
    assert store.head("folder") is None
    assert store.head("folder/file/deeper") is None


def test_an_object_that_is_too_large_is_refused_whole(store: ObjectStore) -> None:
    store.put("big", b"x" * 100)
    with pytest.raises(ProviderError, match="100 bytes"):
        store.get("big", max_bytes=99)
    assert len(store.get("big", max_bytes=100).body) == 100


def test_an_unconditional_write_replaces(store: ObjectStore) -> None:
    first = store.put("a", b"1")
    second = store.put("a", b"2")
    assert first.version != second.version
    assert store.get("a").body == b"2"


def test_a_create_finds_its_key_taken(store: ObjectStore) -> None:
    store.put("a", b"1", if_version="")
    with pytest.raises(AlreadyExistsError):
        store.put("a", b"2", if_version="")
    assert store.get("a").body == b"1"


def test_a_create_of_the_same_bytes_succeeds_again(store: ObjectStore) -> None:
    first = store.put("a", b"1", if_version="")
    assert store.put("a", b"1", if_version="").version == first.version


def test_a_replacement_needs_the_version_that_is_there(store: ObjectStore) -> None:
    first = store.put("a", b"1")
    second = store.put("a", b"2", if_version=first.version)
    with pytest.raises(PreconditionError):
        store.put("a", b"3", if_version=first.version)
    assert store.get("a").info.version == second.version


def test_a_replacement_by_the_same_bytes_still_needs_the_version(store: ObjectStore) -> None:
    first = store.put("a", b"1")
    store.put("a", b"2", if_version=first.version)
    with pytest.raises(PreconditionError):
        store.put("a", b"2", if_version=first.version)


def test_a_replacement_of_nothing_is_refused(store: ObjectStore) -> None:
    version = store.put("a", b"1").version
    store.delete("a")
    with pytest.raises(PreconditionError):
        store.put("a", b"2", if_version=version)
    assert store.head("a") is None


def test_a_version_of_another_kind_matches_nothing(store: ObjectStore) -> None:
    store.put("a", b"1")
    with pytest.raises(PreconditionError):
        store.put("a", b"2", if_version='"0x-not-a-version"')


def test_of_many_creators_one_wins(store: ObjectStore) -> None:
    def create(number: int) -> bool:
        try:
            store.put("lock", str(number).encode(), if_version="")
        except AlreadyExistsError:
            return False
        return True

    wins = in_threads(create)
    assert sum(wins) == 1
    assert store.get("lock").body == str(wins.index(True)).encode()


def test_no_update_is_lost_among_many_writers(store: ObjectStore) -> None:
    store.put("count", b"0")

    def increment(_number: int) -> None:
        while True:
            found = store.get("count")
            try:
                store.put("count", str(int(found.body) + 1).encode(), if_version=found.info.version)
            except PreconditionError:
                continue
            return

    in_threads(increment)
    assert store.get("count").body == str(THREADS).encode()


def test_delete_is_idempotent(store: ObjectStore) -> None:
    store.put("a/b", b"x")
    store.delete("a/b")
    store.delete("a/b")
    store.delete("never/there")
    assert store.head("a/b") is None
    assert list(store.list()) == []


def test_a_listing_is_in_byte_order_over_many_pages(store: ObjectStore) -> None:
    keys = [f"list/{name}" for name in ("Z", "a", "a.b", "a/b", "a0", "é", "b/c/d", "_", "10", "9")]
    keys.remove("list/a")  # a directory cannot hold it beside list/a/b
    for key in keys:
        store.put(key, key.encode())
    limit_pages(store, 2)
    found = list(store.list("list/"))
    assert [info.key for info in found] == sorted(keys, key=str.encode)
    assert [info.size for info in found] == [len(info.key.encode()) for info in found]
    assert all(store.get(info.key).info.version == info.version for info in found)


def test_a_listing_takes_any_prefix_of_a_key(store: ObjectStore) -> None:
    for key in ("run-1/a", "run-10/b", "other"):
        store.put(key, b"x")
    assert [info.key for info in store.list("run-1")] == ["run-1/a", "run-10/b"]
    assert [info.key for info in store.list("run-1/")] == ["run-1/a"]
    assert list(store.list("nothing")) == []


@pytest.mark.parametrize(
    "key",
    [
        "with space",
        "percent%41",
        "plus+and&amp=?#",
        "ünïcödé/模型.bin",
        "q'uo\"te",
        "a:b;c,d@e!$(f)*[g]{h}~^`|<i>",
        "deep/" * 20 + "end",
        ".hidden/.file",
        "..dots/...more",
    ],
)
def test_odd_keys_are_kept_as_they_are(store: ObjectStore, key: str) -> None:
    store.put(key, key.encode())
    assert store.get(key).body == key.encode()
    assert [info.key for info in store.list()] == [key]
    store.delete(key)
    assert store.head(key) is None


def test_prefixes_are_apart(rig: Any) -> None:
    name = uuid.uuid4().hex
    one, other = rig.open(f"{name}-one"), rig.open(f"{name}-one-more")
    one.put("a", b"1")
    other.put("a", b"2")
    assert (one.get("a").body, other.get("a").body) == (b"1", b"2")
    assert [info.key for info in one.list()] == ["a"]
    other.delete("a")
    assert one.head("a") is not None


def test_a_stream_is_in_chunks_of_at_most_a_mebibyte(store: ObjectStore) -> None:
    body = os.urandom(9 * MEBIBYTE + 12_345)  # more than one ranged read
    store.put("big", body)
    chunks = list(store.stream("big"))
    assert b"".join(chunks) == body
    assert max(map(len, chunks)) <= MEBIBYTE


def test_a_stream_is_of_the_version_asked_for(store: ObjectStore) -> None:
    first = store.put("a", b"1")
    assert b"".join(store.stream("a", if_version=first.version)) == b"1"
    store.put("a", b"2")
    with pytest.raises(PreconditionError):
        list(store.stream("a", if_version=first.version))


def test_a_stream_never_mixes_two_versions(store: ObjectStore) -> None:
    old, new = b"o" * 10 * MEBIBYTE, b"n" * 10 * MEBIBYTE
    store.put("a", old)
    read = bytearray()
    try:
        for chunk in store.stream("a"):
            read += chunk
            if len(read) == MEBIBYTE:
                store.put("a", new)
    except PreconditionError:
        assert bytes(read) == old[: len(read)]
    else:
        assert bytes(read) == old


@pytest.mark.parametrize("size", [0, 5, 20 * MEBIBYTE + 7])
def test_a_file_is_stored_and_proven(store: ObjectStore, tmp_path: Path, size: int) -> None:
    body = os.urandom(size)
    path = tmp_path / "model.bin"
    path.write_bytes(body)
    told: list[int] = []
    info = store.put_file("files/model.bin", path, metadata={"a": "b"}, progress=told.append)
    assert (info.key, info.size, info.metadata) == ("files/model.bin", size, {"a": "b"})
    assert sum(told) == size
    assert b"".join(store.stream("files/model.bin", if_version=info.version)) == body
    assert proof_of(info, body)


def test_a_file_replaces_what_was_there(store: ObjectStore, tmp_path: Path) -> None:
    store.put("a", b"old")
    (tmp_path / "new").write_bytes(b"new")
    info = store.put_file("a", tmp_path / "new")
    assert store.get("a").info.version == info.version
    assert store.get("a").body == b"new"


def test_a_file_that_changes_while_it_is_read_is_not_published(
    store: ObjectStore, tmp_path: Path
) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(b"x" * 20 * MEBIBYTE)

    def change(_count: int) -> None:
        with path.open("ab") as file:
            file.write(b"more")

    with pytest.raises(SourceError, match="changed"):
        store.put_file("a", path, progress=change)
    assert store.head("a") is None


def test_a_file_that_is_not_there_is_the_users_to_mend(store: ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot read"):
        store.put_file("a", tmp_path / "nothing")


def test_a_file_for_a_free_key_finds_it_taken(store: ObjectStore, tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    for size in (9, 17 * MEBIBYTE):
        path.write_bytes(b"x" * size)
        first = store.put_file(f"{size}", path, if_absent=True)
        again = store.put_file(f"{size}", path, if_absent=True)
        assert first.version == again.version
        path.write_bytes(b"y" * size)
        with pytest.raises(AlreadyExistsError):
            store.put_file(f"{size}", path, if_absent=True)
        assert store.read_range(f"{size}", size - 1, 1).body == b"x"


def test_a_range_is_read_of_the_version_asked_for(store: ObjectStore) -> None:
    first = store.put("a", b"0123456789")
    found = store.read_range("a", 3, 4)
    assert (found.body, found.version, found.size) == (b"3456", first.version, 10)
    assert store.read_range("a", 9, 1, if_version=first.version).body == b"9"
    store.put("a", b"other")
    with pytest.raises(PreconditionError):
        store.read_range("a", 0, 1, if_version=first.version)


@pytest.mark.parametrize(("offset", "length"), [(0, 4), (2, 2), (7, 1)])
def test_a_range_beyond_the_end_is_refused(store: ObjectStore, offset: int, length: int) -> None:
    store.put("a", b"012")
    with pytest.raises(IntegrityError):
        store.read_range("a", offset, length)


def test_a_range_of_nothing_is_not_found(store: ObjectStore) -> None:
    with pytest.raises(NotFoundError):
        store.read_range("nothing", 0, 1)


@pytest.mark.parametrize(
    "call",
    [
        lambda store, _path: store.head("a"),
        lambda store, _path: store.get("a"),
        lambda store, _path: list(store.stream("a")),
        lambda store, _path: store.put("a", b"x"),
        lambda store, _path: store.put("a", b"x", if_version=""),
        lambda store, path: store.put_file("a", path),
        lambda store, _path: list(store.list()),
        lambda store, _path: store.delete("a"),
    ],
    ids=["head", "get", "stream", "put", "create", "put_file", "list", "delete"],
)
def test_a_missing_bucket_is_a_matter_of_setup(
    rig: Any, tmp_path: Path, call: Callable[[ObjectStore, Path], object]
) -> None:
    if rig.missing is None:
        pytest.skip("this store is made by its first write")
    path = tmp_path / "file"
    path.write_bytes(b"x")
    with pytest.raises(SetupError) as caught:
        call(rig.missing(), path)
    assert caught.value.hint is not None
    assert "Create it: " in caught.value.hint


def test_a_create_whose_response_was_lost_succeeds(proxied: ObjectStore, proxy: Any) -> None:
    assert proxied.head("warm-up") is None
    proxy.lose_next()
    info = proxied.put("lease", b"mine", if_version="")
    assert proxy.lost == 1
    assert proxied.get("lease").info.version == info.version


def test_a_replacement_whose_response_was_lost_succeeds(proxied: ObjectStore, proxy: Any) -> None:
    first = proxied.put("head.json", b"1")
    proxy.lose_next()
    second = proxied.put("head.json", b"2", if_version=first.version)
    assert proxy.lost == 1
    found = proxied.get("head.json")
    assert (found.body, found.info.version) == (b"2", second.version)


def test_a_read_survives_a_lost_response(proxied: ObjectStore, proxy: Any) -> None:
    proxied.put("a", b"x" * 100_000)
    proxy.lose_next(2)
    assert proxied.get("a").body == b"x" * 100_000
    assert proxy.lost == 2


def test_a_large_file_survives_lost_responses(
    proxied: ObjectStore, proxy: Any, tmp_path: Path
) -> None:
    body = os.urandom(17 * MEBIBYTE)
    (tmp_path / "model").write_bytes(body)
    assert proxied.head("warm-up") is None
    proxy.lose_next(2)
    told: list[int] = []
    info = proxied.put_file("model", tmp_path / "model", progress=told.append)
    assert proxy.lost == 2
    assert sum(told) == len(body)
    assert proof_of(info, body)
    assert b"".join(proxied.stream("model")) == body


def test_a_server_that_is_gone_is_given_up_on_in_time(cloud: Any) -> None:
    dead = cloud.connect("http://127.0.0.1:9/account", patience_seconds=1.0)
    clock = SystemClock()
    began = clock.monotonic()
    with pytest.raises(TransientError):
        dead.get("a")
    assert clock.monotonic() - began < 3


def in_threads(call: Callable[[int], Any]) -> list[Any]:
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(call, range(THREADS)))


def limit_pages(store: Any, size: int) -> None:
    if hasattr(store, "_page_size"):
        store._page_size = size


def proof_of(info: ObjectInfo, body: bytes) -> bool:
    """Whether it says what proved it, and its checksums are right as far as we can tell."""
    known = {
        "sha256": lambda: hashlib.sha256(body).hexdigest(),
        "md5": lambda: hashlib.md5(body).hexdigest(),  # noqa: S324 - Azure's checksum
        "crc32": lambda: f"{zlib.crc32(body):08x}",
    }
    right = [known[name]() == value for name, value in info.checksums.items() if name in known]
    return bool(info.proof) and all(right)
