from pathlib import Path

import pytest

from deployer.checksums import checksum_of
from deployer.errors import SourceError
from deployer.transfer import Budget, SharedReads, mark_file
from deployer.transfer.chunk import Holding
from deployer.transfer.scanned_file import ScannedFile

BODY = b"weights " * 100


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.bin"
    path.write_bytes(BODY)
    return path


def test_a_small_file_comes_whole_with_the_checksums_of_its_scan(small: Path) -> None:
    budget = Budget(10_000)
    sha256, marks = mark_file(small)
    with (
        SharedReads(1, budget=budget).reader(0) as reader,
        reader.open(small, sha256=sha256, marks=marks) as source,
    ):
        (chunk,) = source.chunks(4096)
        source.finish()
        assert (source.size, chunk.body, budget.used) == (len(BODY), BODY, len(BODY))
        assert chunk.checksum("crc32c") == checksum_of("crc32c", BODY)
        chunk.release()
    assert budget.used == 0


@pytest.mark.parametrize(
    "written", [BODY + b"x", BODY[:-1], b"x" + BODY[1:], b""], ids=["grown", "cut", "other", "gone"]
)
def test_a_small_file_that_is_no_longer_what_was_scanned_is_noticed(
    small: Path, written: bytes
) -> None:
    budget = Budget(10_000)
    file = ScannedFile(small, mark_file(small)[1], Holding(budget))
    small.write_bytes(written)
    with pytest.raises(SourceError, match="changed after it was scanned"):
        file.take(1, 4096)
    assert budget.used == 0


def test_a_small_file_that_vanished_is_named(small: Path) -> None:
    file = ScannedFile(small, mark_file(small)[1], Holding(Budget(10_000)))
    small.unlink()
    with pytest.raises(SourceError, match=r"cannot read .*small\.bin: No such file"):
        file.take(1, 4096)


def test_a_small_file_comes_in_parts_to_who_wants_even_smaller_ones(small: Path) -> None:
    sha256, marks = mark_file(small)
    with (
        SharedReads(1).reader(0) as reader,
        reader.open(small, sha256=sha256, marks=marks) as source,
    ):
        chunks = list(source.chunks(300))
    assert b"".join(chunk.body for chunk in chunks) == BODY
    assert [chunk.checksum("crc32c") for chunk in chunks] == [
        checksum_of("crc32c", BODY[at : at + 300]) for at in range(0, len(BODY), 300)
    ]


def test_a_small_file_for_two_stores_is_read_once_for_both(small: Path) -> None:
    sha256, marks = mark_file(small)
    reads = SharedReads(2)
    with (
        reads.reader(0) as one,
        reads.reader(1) as two,
        one.open(small, sha256=sha256, marks=marks) as first,
        two.open(small, sha256=sha256, marks=marks) as second,
    ):
        assert next(iter(first.chunks(4096))) is next(iter(second.chunks(4096)))
