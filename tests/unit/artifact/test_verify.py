from dataclasses import replace
from pathlib import Path

import pytest

from deployer.artifact import push_artifact, scan_artifact, verify_artifact
from deployer.artifact.keys import file_key
from deployer.errors import NotFoundError
from deployer.providers.local.faults import FlakyStore
from deployer.providers.local.memory import MemoryStore
from deployer.values import Digest


@pytest.fixture
def digest(model: Path, store: MemoryStore) -> Digest:
    return push_artifact(scan_artifact(model), store).digest


@pytest.mark.parametrize(("deep", "how"), [(False, "sha256"), (True, "read back")])
def test_a_good_artifact_is_good(store: MemoryStore, digest: Digest, deep: bool, how: str) -> None:
    report = verify_artifact(store, digest, deep=deep)
    assert report.good
    assert report.size == 7002
    assert set(report.checks.values()) == {how}


def test_a_missing_a_short_and_a_stray_object_are_named(store: MemoryStore, digest: Digest) -> None:
    store.delete(file_key(digest, "config.json"))
    store.put(file_key(digest, "weights/0.bin"), b"short")
    store.put(file_key(digest, "extra"), b"x")
    report = verify_artifact(store, digest)
    assert not report.good
    assert report.problems == (
        "config.json: missing",
        "weights/0.bin: 5 bytes instead of 7000",
        "extra: not in the manifest",
    )
    assert report.checks["config.json"] == "missing"


def test_a_checksum_of_the_stores_tells_of_a_flipped_byte(
    store: MemoryStore, digest: Digest
) -> None:
    store.put(file_key(digest, "config.json"), b"[]")
    (problem,) = verify_artifact(store, digest).problems
    assert "the store's sha256 is" in problem


def test_only_reading_tells_where_the_store_keeps_no_sha256(
    store: MemoryStore, flaky: FlakyStore, digest: Digest
) -> None:
    store.put(file_key(digest, "config.json"), b"[]")
    flaky.alter = lambda info: replace(info, checksums={})
    assert set(verify_artifact(flaky, digest).checks.values()) == {"size"}
    assert verify_artifact(flaky, digest).good
    (problem,) = verify_artifact(flaky, digest, deep=True).problems
    assert "its sha256 is" in problem


def test_an_artifact_without_a_marker_is_not_there(store: MemoryStore) -> None:
    with pytest.raises(NotFoundError):
        verify_artifact(store, Digest("0" * 64))
