import fcntl
import os
from pathlib import Path

import pytest

from deployer.artifact import pull_artifact, push_artifact, scan_artifact
from deployer.artifact.keys import file_key
from deployer.errors import IntegrityError, NotFoundError, SetupError, TransientError
from deployer.providers.local.faults import Fault, FlakyStore
from deployer.providers.local.memory import MemoryStore
from deployer.transfer import Limits
from deployer.values import Digest


@pytest.fixture
def digest(model: Path, store: MemoryStore) -> Digest:
    return push_artifact(scan_artifact(model), store).digest


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_pull_brings_the_very_tree(
    model: Path, store: MemoryStore, digest: Digest, tmp_path: Path
) -> None:
    told: list[int] = []
    artifact = pull_artifact(store, digest, tmp_path / "new" / "folder", progress=told.append)
    assert tree(tmp_path / "new" / "folder") == tree(model)
    assert artifact.digest == digest == scan_artifact(tmp_path / "new" / "folder").digest
    assert sum(told) == 7002


def test_a_second_pull_reads_only_the_manifest(
    flaky: FlakyStore, digest: Digest, tmp_path: Path
) -> None:
    pull_artifact(flaky, digest, tmp_path / "to")
    flaky.calls.clear()
    told: list[int] = []
    pull_artifact(flaky, digest, tmp_path / "to", progress=told.append)
    assert [call.split()[0] for call in flaky.calls] == ["get"]
    assert sum(told) == 7002


@pytest.mark.parametrize("there", [b"weightS" * 1000, b"short"])
def test_what_is_wrong_is_replaced_and_what_is_foreign_is_left(
    store: MemoryStore, digest: Digest, tmp_path: Path, there: bytes
) -> None:
    to = tmp_path / "to"
    (to / "weights").mkdir(parents=True)
    (to / "weights" / "0.bin").write_bytes(there)
    (to / "mine.txt").write_bytes(b"mine")
    pull_artifact(store, digest, to)
    assert (to / "weights" / "0.bin").read_bytes() == b"weights" * 1000
    assert (to / "mine.txt").read_bytes() == b"mine"


@pytest.mark.parametrize("at", [0, 3500, 6999])
def test_one_flipped_byte_fails_and_leaves_no_file(
    store: MemoryStore, digest: Digest, tmp_path: Path, at: int
) -> None:
    body = bytearray(b"weights" * 1000)
    body[at] ^= 1
    store.put(file_key(digest, "weights/0.bin"), bytes(body))
    with pytest.raises(IntegrityError, match="not what was promised"):
        pull_artifact(store, digest, tmp_path / "to")
    assert "weights/0.bin" not in tree(tmp_path / "to")
    assert all(path in {"config.json", "weights/empty"} for path in tree(tmp_path / "to"))


def test_an_existing_good_file_survives_a_failed_pull(
    store: MemoryStore, digest: Digest, tmp_path: Path
) -> None:
    to = tmp_path / "to"
    pull_artifact(store, digest, to)
    (to / "config.json").unlink()
    store.put(file_key(digest, "config.json"), b"[]")
    store.put(file_key(digest, "weights/0.bin"), b"broken")
    with pytest.raises(IntegrityError):
        pull_artifact(store, digest, to)
    assert tree(to) == {"weights/0.bin": b"weights" * 1000, "weights/empty": b""}


def test_a_read_that_breaks_off_leaves_nothing(
    flaky: FlakyStore, digest: Digest, tmp_path: Path
) -> None:
    prefix = file_key(digest, "weights/0")
    flaky.add_fault(Fault(method="read_range", prefix=prefix, after=True))
    with pytest.raises(TransientError):
        pull_artifact(flaky, digest, tmp_path / "to")
    assert "weights/0.bin" not in tree(tmp_path / "to")
    assert not (tmp_path / "to" / ".deployer-pull").exists()


SMALL = Limits(range_bytes=1000)


def test_a_pull_that_broke_off_is_gone_on_with(
    flaky: FlakyStore, digest: Digest, tmp_path: Path
) -> None:
    to, key = tmp_path / "to", file_key(digest, "weights/0.bin")
    flaky.add_fault(Fault(method="read_range", prefix=key, on_call=6))
    with pytest.raises(TransientError):
        pull_artifact(flaky, digest, to, limits=SMALL)
    assert "weights/0.bin" not in tree(to)
    assert (to / ".deployer-pull").exists()
    flaky.calls.clear()
    pull_artifact(flaky, digest, to, limits=SMALL)
    assert (to / "weights" / "0.bin").read_bytes() == b"weights" * 1000
    assert flaky.calls.count(f"read_range {key}") <= 3
    assert not (to / ".deployer-pull").exists()


def test_a_half_done_file_with_holes_is_mended(
    flaky: FlakyStore, digest: Digest, tmp_path: Path
) -> None:
    to, key = tmp_path / "to", file_key(digest, "weights/0.bin")
    flaky.add_fault(Fault(method="read_range", prefix=key, on_call=7))
    with pytest.raises(TransientError):
        pull_artifact(flaky, digest, to, limits=SMALL)
    staged = next(path for path in (to / ".deployer-pull").iterdir() if not path.suffix)
    body = bytearray(staged.read_bytes())
    body[1000:2000] = bytes(1000)
    staged.write_bytes(bytes(body))
    pull_artifact(flaky, digest, to, limits=SMALL)
    assert (to / "weights" / "0.bin").read_bytes() == b"weights" * 1000


def test_a_half_done_file_of_another_version_is_begun_anew(
    store: MemoryStore, flaky: FlakyStore, digest: Digest, tmp_path: Path
) -> None:
    to, key = tmp_path / "to", file_key(digest, "weights/0.bin")
    flaky.add_fault(Fault(method="read_range", prefix=key, on_call=6))
    with pytest.raises(TransientError):
        pull_artifact(flaky, digest, to, limits=SMALL)
    store.put(key, b"weights" * 1000)
    pull_artifact(flaky, digest, to, limits=SMALL)
    assert (to / "weights" / "0.bin").read_bytes() == b"weights" * 1000


@pytest.mark.parametrize("at", [0, 999, 1000, 3500, 6999])
def test_one_flipped_byte_in_any_range_fails_and_leaves_no_file(
    store: MemoryStore, digest: Digest, tmp_path: Path, at: int
) -> None:
    body = bytearray(b"weights" * 1000)
    body[at] ^= 1
    store.put(file_key(digest, "weights/0.bin"), bytes(body))
    with pytest.raises(IntegrityError, match="not what was promised"):
        pull_artifact(store, digest, tmp_path / "to", limits=SMALL)
    assert not (tmp_path / "to" / "weights" / "0.bin").exists()
    assert not (tmp_path / "to" / ".deployer-pull").exists()


def test_an_artifact_that_is_not_there_leaves_nothing(store: MemoryStore, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        pull_artifact(store, Digest("0" * 64), tmp_path / "to")
    assert tree(tmp_path / "to") == {}


def test_what_a_killed_pull_left_is_cleared_away(
    store: MemoryStore, digest: Digest, tmp_path: Path
) -> None:
    (tmp_path / "to" / ".deployer-pull").mkdir(parents=True)
    (tmp_path / "to" / ".deployer-pull" / "tmpx").write_bytes(b"half")
    pull_artifact(store, digest, tmp_path / "to")
    assert sorted(tree(tmp_path / "to")) == ["config.json", "weights/0.bin", "weights/empty"]


def test_two_pulls_into_one_folder_do_not_meet(
    store: MemoryStore, digest: Digest, tmp_path: Path
) -> None:
    held = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(SetupError, match="another pull"):
            pull_artifact(store, digest, tmp_path)
    finally:
        os.close(held)


def test_a_link_out_of_the_folder_is_not_followed(
    store: MemoryStore, digest: Digest, tmp_path: Path
) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / "weights").symlink_to(tmp_path / "outside")
    with pytest.raises(SetupError, match="leads out"):
        pull_artifact(store, digest, tmp_path / "to")
    assert tree(tmp_path / "outside") == {}


def test_a_link_in_a_files_place_is_replaced_not_written_through(
    store: MemoryStore, digest: Digest, tmp_path: Path
) -> None:
    (tmp_path / "outside").write_bytes(b"{}")
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / "config.json").symlink_to(tmp_path / "outside")
    pull_artifact(store, digest, tmp_path / "to")
    assert not (tmp_path / "to" / "config.json").is_symlink()


def test_a_folder_that_cannot_be_is_a_matter_of_setup(
    store: MemoryStore, digest: Digest, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(SetupError, match="cannot write"):
        pull_artifact(store, digest, tmp_path / "file")
