import hashlib
from pathlib import Path

import pytest

from deployer.checksums import checksum_of
from deployer.errors import SourceError
from deployer.transfer import Budget, Marks, SharedReads, mark_file

MIB = 1 << 20
SIZE = 5 * MIB + 7


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large"
    path.write_bytes(bytes(range(256)) * (SIZE // 256 + 1))
    with path.open("r+b") as file:
        file.truncate(SIZE)
    return path


def drain(path: Path, marks: Marks | None, sha256: str, length: int) -> bytes:
    body = b""
    budget = Budget(4 * length)
    with (
        SharedReads(1, budget=budget).reader(0) as reader,
        reader.open(path, sha256=sha256, marks=marks) as source,
    ):
        for chunk in source.chunks(length):
            body += chunk.body
            for algorithm in ("crc64nvme", "crc32c"):
                assert chunk.checksum(algorithm) == checksum_of(algorithm, chunk.body)
            chunk.release()
        source.finish()
    assert budget.used == 0
    return body


def test_a_file_is_marked_in_the_pass_that_tells_its_sha256(large: Path) -> None:
    sha256, marks = mark_file(large)
    assert sha256 == hashlib.sha256(large.read_bytes()).hexdigest()
    assert marks.size == SIZE


@pytest.mark.parametrize("length", [2 * MIB, MIB + 1, SIZE, 16 * MIB])
def test_parts_of_any_length_have_their_own_checksums(large: Path, length: int) -> None:
    sha256, marks = mark_file(large)
    assert drain(large, marks, sha256, length) == large.read_bytes()


@pytest.mark.parametrize("length", [2 * MIB, MIB + 1, 16 * MIB])
@pytest.mark.parametrize("at", [0, 3 * MIB, SIZE - 1])
def test_one_byte_that_changed_after_the_scan_is_found(large: Path, length: int, at: int) -> None:
    sha256, marks = mark_file(large)
    with large.open("r+b") as file:
        file.seek(at)
        file.write(b"\x99")
    with pytest.raises(SourceError, match="changed after it was scanned"):
        drain(large, marks, sha256, length)


@pytest.mark.parametrize("size", [SIZE - 1, SIZE + 1, 0])
def test_another_length_than_was_scanned_is_found(large: Path, size: int) -> None:
    sha256, marks = mark_file(large)
    with large.open("r+b") as file:
        file.truncate(size)
    with pytest.raises(SourceError, match="changed after it was scanned"):
        drain(large, marks, sha256, 2 * MIB)


def test_a_changed_byte_is_found_before_its_part_is_handed_out(large: Path) -> None:
    _, marks = mark_file(large)
    with large.open("r+b") as file:
        file.seek(3 * MIB)
        file.write(b"\x99")
    with SharedReads(1).reader(0) as reader, reader.open(large, marks=marks) as source:
        chunks = source.chunks(2 * MIB)
        next(chunks).release()
        with pytest.raises(SourceError):
            next(chunks)
