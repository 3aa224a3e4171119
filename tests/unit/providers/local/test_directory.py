import os
from pathlib import Path

import pytest

from deployer.errors import AccessDeniedError, NotFoundError, SetupError, SourceError
from deployer.providers.local.directory import DirectoryStore, connect_store


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(tmp_path)


def test_an_object_is_a_plain_file_under_its_own_name(
    store: DirectoryStore, tmp_path: Path
) -> None:
    store.put("models/iris/weights.bin", b"x")
    assert (tmp_path / "models" / "iris" / "weights.bin").read_bytes() == b"x"


def test_a_file_put_there_by_hand_is_an_object(store: DirectoryStore, tmp_path: Path) -> None:
    (tmp_path / "by-hand").write_bytes(b"abc")
    info = store.head("by-hand")
    assert info is not None
    assert info.checksums["sha256"].startswith("ba7816bf")
    assert [found.key for found in store.list()] == ["by-hand"]


def test_a_change_by_hand_is_noticed(store: DirectoryStore, tmp_path: Path) -> None:
    first = store.put("a", b"1", metadata={"x": "y"})
    (tmp_path / "a").write_bytes(b"2")
    os.utime(tmp_path / "a", ns=(1, 1))
    info = store.head("a")
    assert info is not None
    assert info.version != first.version
    assert info.checksums != first.checksums
    assert info.metadata == {}


def test_what_it_knows_survives_a_new_process(tmp_path: Path) -> None:
    written = DirectoryStore(tmp_path).put("a", b"1", metadata={"Label": "first"})
    assert DirectoryStore(tmp_path).head("a") == written
    assert written.metadata == {"label": "first"}


def test_nothing_is_left_behind(store: DirectoryStore, tmp_path: Path) -> None:
    for number in range(5):
        store.put("a/b/c", str(number).encode())
    store.delete("a/b/c")
    assert not (tmp_path / "a").exists()
    files = [path.name for path in (tmp_path / ".deployer-store").rglob("*") if path.is_file()]
    assert files == ["lock"]


def test_its_own_files_are_no_objects(store: DirectoryStore) -> None:
    store.put("a", b"1")
    store.put(".deployer-store/lock", b"mine")
    assert [info.key for info in store.list()] == [".deployer-store/lock", "a"]
    assert store.get(".deployer-store/lock").body == b"mine"


def test_a_key_cannot_climb_out(store: DirectoryStore, tmp_path: Path) -> None:
    store.put("../../escaped", b"x")
    assert store.get("../../escaped").body == b"x"
    assert not (tmp_path.parent.parent / "escaped").exists()


def test_a_name_that_no_file_can_have_is_refused(store: DirectoryStore) -> None:
    with pytest.raises(SourceError, match="name too long"):
        store.put("x" * 300, b"1")


def test_a_file_and_a_folder_of_one_name_are_refused(store: DirectoryStore) -> None:
    store.put("a/b", b"1")
    with pytest.raises(SourceError):
        store.put("a", b"2")
    store.delete("a")
    assert store.get("a/b").body == b"1"


def test_a_missing_folder_is_an_empty_store_until_the_first_write(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "not" / "yet")
    assert store.head("a") is None
    assert list(store.list()) == []
    with pytest.raises(NotFoundError):
        store.get("a")
    store.delete("a")
    assert not (tmp_path / "not").exists()
    store.put("a", b"1", if_version="")
    assert (tmp_path / "not" / "yet" / "a").read_bytes() == b"1"


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "taken").write_bytes(b"x")
    store = DirectoryStore(tmp_path / "taken")
    for call in (lambda: store.head("a"), lambda: list(store.list()), lambda: store.put("a", b"")):
        with pytest.raises(SetupError, match="is a file, and a store is a folder"):
            call()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_not_left_out(
    store: DirectoryStore, tmp_path: Path
) -> None:
    store.put("a/b", b"1")
    (tmp_path / "a").chmod(0)
    try:
        with pytest.raises(AccessDeniedError):
            list(store.list())
    finally:
        (tmp_path / "a").chmod(0o700)


def test_a_url_names_the_directory(tmp_path: Path) -> None:
    store = connect_store(f"{tmp_path.as_uri()}/with%20space")
    assert store.url == f"{tmp_path.as_uri()}/with%20space"
    (tmp_path / "with space").mkdir()
    store.put("a", b"1")
    assert (tmp_path / "with space" / "a").is_file()


@pytest.mark.parametrize("url", ["file://elsewhere/path", "file:", "s3://bucket"])
def test_what_is_no_local_path_is_refused(url: str) -> None:
    with pytest.raises(SetupError, match="not the address"):
        connect_store(url)
