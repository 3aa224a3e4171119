from pathlib import Path

import pytest

from deployer.artifact.fetch import fetch_objects
from deployer.errors import PreconditionError, SourceError
from deployer.providers.local.faults import FlakyStore
from deployer.providers.local.memory import MemoryStore


def test_objects_become_files_of_their_keys(store: MemoryStore, tmp_path: Path) -> None:
    for key, body in (("a", b"1"), ("sub/b", b"22"), ("sub/", b"")):
        store.put(key, body)
    fetch_objects(store, tmp_path)
    assert (tmp_path / "a").read_bytes() == b"1"
    assert (tmp_path / "sub" / "b").read_bytes() == b"22"


def test_nothing_is_no_model(store: MemoryStore, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="nothing at"):
        fetch_objects(store, tmp_path)


def test_a_key_that_leads_outside_is_refused(store: MemoryStore, tmp_path: Path) -> None:
    store.put("../outside", b"1")
    with pytest.raises(SourceError):
        fetch_objects(store, tmp_path / "to")


def test_what_changes_meanwhile_is_not_mixed(flaky: FlakyStore, tmp_path: Path) -> None:
    flaky.put("a", b"1")

    def change(method: str, key: str) -> None:
        if (method, key) == ("stream", "a"):
            flaky.watch = lambda _method, _key: None
            flaky.put("a", b"2")

    flaky.watch = change
    with pytest.raises(PreconditionError):
        fetch_objects(flaky, tmp_path)
