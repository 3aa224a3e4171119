from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deployer.artifact import has_artifact, push_artifact, scan_artifact
from deployer.artifact.keys import file_key, marker_key
from deployer.artifact.manifest import encode_manifest
from deployer.errors import IntegrityError, SourceError, TransientError
from deployer.ports import ObjectInfo
from deployer.providers.local.faults import Fault, FlakyStore
from deployer.providers.local.memory import MemoryStore


def test_a_push_uploads_and_proves_everything(model: Path, store: MemoryStore) -> None:
    artifact = scan_artifact(model)
    told: list[int] = []
    pushed = push_artifact(artifact, store, progress=told.append)
    assert pushed.uri == f"memory://store/artifacts/sha256/{artifact.digest.hex}"
    assert (pushed.uploaded_bytes, pushed.skipped_files) == (7002, 0)
    assert pushed.checks == {file.path: "sha256" for file in artifact.files}
    assert sum(told) == 7002
    assert has_artifact(store, artifact.digest)


def test_the_marker_is_written_last(model: Path, flaky: FlakyStore) -> None:
    artifact = scan_artifact(model)
    push_artifact(artifact, flaky)
    writes = [call for call in flaky.calls if call.startswith("put")]
    assert writes[-1] == f"put {marker_key(artifact.digest)}"
    assert len(writes) == 4


def test_a_second_push_sends_nothing(model: Path, store: MemoryStore) -> None:
    artifact = scan_artifact(model)
    first = push_artifact(artifact, store)
    told: list[int] = []
    second = push_artifact(artifact, store, progress=told.append)
    assert (second.uploaded_bytes, second.skipped_files) == (0, 3)
    assert second.uri == first.uri
    assert set(second.checks.values()) == {"manifest"}
    assert sum(told) == 7002


def test_a_push_of_what_is_there_takes_two_questions(model: Path, flaky: FlakyStore) -> None:
    artifact = scan_artifact(model)
    push_artifact(artifact, flaky)
    flaky.calls.clear()
    push_artifact(artifact, flaky)
    assert [call.split()[0] for call in flaky.calls] == ["get", "list"]


def test_of_many_files_only_the_manifest_is_asked_for(tmp_path: Path, flaky: FlakyStore) -> None:
    (tmp_path / "many").mkdir()
    for number in range(1_001):
        (tmp_path / "many" / f"{number}").write_bytes(b"x")
    artifact = scan_artifact(tmp_path / "many")
    push_artifact(artifact, flaky)
    flaky.calls.clear()
    pushed = push_artifact(artifact, flaky)
    assert (pushed.skipped_files, len(flaky.calls)) == (1_001, 1)


def test_what_was_lost_from_the_store_is_sent_again(model: Path, store: MemoryStore) -> None:
    artifact = scan_artifact(model)
    push_artifact(artifact, store)
    store.delete(file_key(artifact.digest, "config.json"))
    assert push_artifact(artifact, store).uploaded_bytes == 2


def test_a_killed_pushes_files_are_known_by_what_was_written_with_them(
    model: Path, store: MemoryStore, flaky: FlakyStore
) -> None:
    artifact = scan_artifact(model)
    push_artifact(artifact, store)
    store.delete(marker_key(artifact.digest))
    flaky.alter = lambda info: replace(info, checksums={})
    pushed = push_artifact(artifact, flaky)
    assert set(pushed.checks.values()) == {"sha256 kept"}
    assert not any(call.startswith(("stream", "read_range", "put_file")) for call in flaky.calls)


@pytest.mark.parametrize("damaged", [b"weightS" * 1000, b"short"])
def test_a_damaged_object_is_replaced(model: Path, store: MemoryStore, damaged: bytes) -> None:
    artifact = scan_artifact(model)
    push_artifact(artifact, store)
    key = file_key(artifact.digest, "weights/0.bin")
    store.put(key, damaged)
    pushed = push_artifact(artifact, store)
    assert (pushed.uploaded_bytes, pushed.skipped_files) == (7000, 2)
    assert store.get(key).body == b"weights" * 1000


def test_a_push_that_failed_is_invisible_and_taken_over(model: Path, flaky: FlakyStore) -> None:
    artifact = scan_artifact(model)
    flaky.add_fault(Fault(method="put_file", on_call=2))
    with pytest.raises(TransientError):
        push_artifact(artifact, flaky)
    assert not has_artifact(flaky, artifact.digest)
    pushed = push_artifact(artifact, flaky)
    assert pushed.skipped_files >= 1
    assert has_artifact(flaky, artifact.digest)


def test_an_object_that_goes_away_meanwhile_is_sent(
    model: Path, store: MemoryStore, flaky: FlakyStore
) -> None:
    artifact = scan_artifact(model)
    push_artifact(artifact, store)
    gone = file_key(artifact.digest, "config.json")

    def delete(info: ObjectInfo) -> ObjectInfo:
        store.delete(info.key)
        return info

    flaky.alter = delete
    assert push_artifact(artifact, flaky, thorough=True).uploaded_bytes == 7002
    assert flaky.calls.count(f"put_file {gone}") == 1


def test_a_file_that_changed_after_the_scan_is_refused(model: Path, store: MemoryStore) -> None:
    artifact = scan_artifact(model)
    (model / "weights" / "0.bin").write_bytes(b"Weights" * 1000)
    with pytest.raises(SourceError, match="changed after it was scanned"):
        push_artifact(artifact, store)
    assert not has_artifact(store, artifact.digest)


def test_a_file_that_vanished_after_the_scan_is_refused(model: Path, store: MemoryStore) -> None:
    artifact = scan_artifact(model)
    push_artifact(artifact, store)
    (model / "config.json").unlink()
    with pytest.raises(SourceError, match="cannot read"):
        push_artifact(artifact, store, thorough=True)


@pytest.mark.parametrize("wrong", [{"checksums": {"sha256": "0" * 64}}, {"size": 1}])
def test_a_store_that_keeps_something_else_is_caught(
    model: Path, flaky: FlakyStore, wrong: dict[str, Any]
) -> None:
    artifact = scan_artifact(model)
    flaky.alter = lambda info: replace(info, **wrong)
    with pytest.raises(IntegrityError, match="not what was sent"):
        push_artifact(artifact, flaky)
    assert not has_artifact(flaky, artifact.digest)


def test_a_store_without_checksums_is_read_back(
    model: Path, store: MemoryStore, flaky: FlakyStore
) -> None:
    artifact = scan_artifact(model)
    flaky.alter = lambda info: replace(info, checksums={}, proof="")
    pushed = push_artifact(artifact, flaky)
    assert set(pushed.checks.values()) == {"read back"}
    store.put(file_key(artifact.digest, "weights/0.bin"), b"weightS" * 1000)
    assert push_artifact(artifact, flaky, thorough=True).uploaded_bytes == 7000


@pytest.mark.parametrize(
    ("algorithm", "checksum"),
    [
        ("crc64nvme", "05e5cabb3fc1faeb"),
        ("crc32", "352441c2"),
        ("crc32c", "364b3fb7"),
        ("md5", "900150983cd24fb0d6963f7d28e17f72"),
    ],
)
def test_every_stores_checksum_is_understood(
    tmp_path: Path, flaky: FlakyStore, algorithm: str, checksum: str
) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    flaky.alter = lambda info: replace(info, checksums={algorithm: checksum}, proof="")
    pushed = push_artifact(scan_artifact(tmp_path / "abc"), flaky)
    assert pushed.checks == {"abc": algorithm}


def test_a_marker_with_other_words_for_the_same_files_counts(
    model: Path, store: MemoryStore
) -> None:
    artifact = scan_artifact(model)
    key = marker_key(artifact.digest)
    store.put(key, encode_manifest(artifact.files).replace(b'"schema"', b' "schema"'))
    push_artifact(artifact, store)


def test_a_marker_that_is_damaged_is_an_error(model: Path, store: MemoryStore) -> None:
    artifact = scan_artifact(model)
    store.put(marker_key(artifact.digest), b"{}")
    with pytest.raises(IntegrityError):
        push_artifact(artifact, store)


def test_a_key_too_long_for_a_store_is_refused_before_anything_is_sent(
    tmp_path: Path, flaky: FlakyStore
) -> None:
    deep = tmp_path.joinpath("m", *["d" * 200] * 5)
    deep.mkdir(parents=True)
    (deep / "file").write_bytes(b"x")
    with pytest.raises(SourceError, match="stores take 1024"):
        push_artifact(scan_artifact(tmp_path / "m"), flaky)
    assert flaky.calls == []
