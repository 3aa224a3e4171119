import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deployer.errors import SourceError
from deployer.transfer import Budget, SharedReads, StoppedTransferError, open_source
from deployer.transfer.reads import FileSource


def drain(source: FileSource, length: int = 100) -> bytes:
    body = b""
    for chunk in source.chunks(length):
        body += chunk.body
        chunk.release()
    return body


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Bytes that the disk gave, one entry a read."""
    reads: list[int] = []
    real: Callable[..., int] = __import__("os").preadv

    def preadv(file: int, buffers: list[memoryview], offset: int) -> int:
        reads.append(real(file, buffers, offset))
        return reads[-1]

    monkeypatch.setattr("os.preadv", preadv)
    return reads


def test_three_readers_read_a_file_once(path: Path, counted: list[int]) -> None:
    budget = Budget(10_000)
    reads = SharedReads(3, budget=budget)

    def read(number: int) -> bytes:
        with reads.reader(number) as reader, reader.open(path) as source:
            body = drain(source)
            source.finish()
            return body

    with ThreadPoolExecutor(3) as pool:
        bodies = list(pool.map(read, range(3)))
    assert set(bodies) == {path.read_bytes()}
    assert sum(counted) == path.stat().st_size
    assert budget.used == 0


def test_a_reader_that_never_comes_is_not_waited_for_forever(path: Path) -> None:
    reads = SharedReads(2, budget=Budget(10_000), stall_seconds=0.05)
    with reads.reader(0) as reader, reader.open(path) as source:
        assert drain(source) == path.read_bytes()


def test_a_reader_that_was_left_behind_reads_for_itself(path: Path) -> None:
    budget = Budget(10_000)
    reads = SharedReads(2, budget=budget, stall_seconds=0.05)
    late = reads.reader(1)
    with late, late.open(path) as second:
        with reads.reader(0) as reader, reader.open(path) as first:
            assert drain(first) == path.read_bytes()
        assert drain(second) == path.read_bytes()
        second.finish()
    assert budget.used == 0


def test_a_reader_that_left_holds_nobody_up(path: Path, counted: list[int]) -> None:
    reads = SharedReads(2, budget=Budget(10_000), stall_seconds=60.0)
    with reads.reader(1):
        pass
    with reads.reader(0) as reader, reader.open(path) as source:
        assert drain(source) == path.read_bytes()
    assert sum(counted) == path.stat().st_size


def test_what_is_kept_for_others_gives_way_when_memory_runs_short(tmp_path: Path) -> None:
    budget = Budget(250)
    reads = SharedReads(2, budget=budget, stall_seconds=0.05)
    late = reads.reader(1)
    with late, reads.reader(0) as reader:
        for number in range(5):
            (tmp_path / f"{number}").write_bytes(b"x" * 100)
            with reader.open(tmp_path / f"{number}") as source:
                assert drain(source) == b"x" * 100
        with late.open(tmp_path / "0") as source:
            assert drain(source) == b"x" * 100
    assert budget.used == 0


def test_a_file_is_not_read_into_more_memory_than_there_is(path: Path) -> None:
    budget = Budget(300)
    with open_source(path, budget) as source:
        held = []
        for chunk in source.chunks(100):
            held.append(chunk)
            assert budget.used <= 300
            if len(held) == 3:
                held.pop(0).release()
        for chunk in held:
            chunk.release()
    assert budget.used == 0


def test_another_try_reads_it_all_again(path: Path) -> None:
    with open_source(path, Budget(10_000)) as source:
        assert drain(source) == drain(source) == path.read_bytes()
        source.finish()


def test_a_file_that_is_not_what_was_scanned_is_noticed(path: Path) -> None:
    with SharedReads(1).reader(0) as reader:
        right = hashlib.sha256(path.read_bytes()).hexdigest()
        with reader.open(path, sha256=right) as source:
            drain(source)
            source.finish()
        with reader.open(path, sha256="0" * 64) as source:
            drain(source)
            with pytest.raises(SourceError, match="changed after it was scanned"):
                source.finish()


def test_a_file_that_is_replaced_cut_or_vanishes_is_noticed(path: Path, tmp_path: Path) -> None:
    with open_source(path, Budget(10_000)) as source:
        drain(source)
        (tmp_path / "new").write_bytes(path.read_bytes())
        (tmp_path / "new").replace(path)
        with pytest.raises(SourceError, match="changed"):
            source.finish()
    with open_source(path, Budget(10_000)) as source:
        path.write_bytes(b"short")
        with pytest.raises(SourceError, match="changed"):
            drain(source)
        path.unlink()
        with pytest.raises(SourceError, match="cannot read"):
            source.finish()


def test_a_reader_that_is_stopped_ends(path: Path) -> None:
    with SharedReads(1).reader(0) as reader, reader.open(path) as source:
        reader.stop()
        with pytest.raises(StoppedTransferError):
            drain(source)
