import hashlib
import zlib
from pathlib import Path

import pytest

from deployer.checksums import Crc32
from deployer.errors import SourceError
from deployer.providers.source import SourceFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "model"
    path.write_bytes(b"0123456789")
    return path


def test_each_byte_is_digested_and_counted_once(path: Path) -> None:
    told: list[int] = []
    with SourceFile(path, hashlib.sha256(), progress=told.append) as source:
        assert source.read(4) == b"0123"
        source.seek(2)
        assert source.read(4) == b"2345"
        assert source.tell() == 6
        source.seek(0)
        assert source.read() == b"0123456789"
        source.check_unchanged()
        assert source.hexdigest == hashlib.sha256(b"0123456789").hexdigest()
    assert told == [4, 2, 4]


def test_a_file_that_grows_ends_where_it_ended(path: Path) -> None:
    with SourceFile(path, Crc32()) as source, path.open("ab") as file:
        file.write(b"more")
        file.flush()
        assert source.read(100) == b"0123456789"
        assert source.read(100) == b""
        assert int(source.hexdigest, 16) == zlib.crc32(b"0123456789")
        with pytest.raises(SourceError, match="changed"):
            source.check_unchanged()


def test_a_file_that_is_replaced_or_vanishes_is_noticed(path: Path, tmp_path: Path) -> None:
    with SourceFile(path, Crc32()) as source:
        source.read()
        (tmp_path / "new").write_bytes(b"0123456789")
        (tmp_path / "new").replace(path)
        with pytest.raises(SourceError, match="changed"):
            source.check_unchanged()
        path.unlink()
        with pytest.raises(SourceError, match="vanished"):
            source.check_unchanged()


def test_a_file_that_was_not_read_to_its_end_is_not_done(path: Path) -> None:
    with SourceFile(path, Crc32()) as source:
        source.read(3)
        with pytest.raises(SourceError):
            source.check_unchanged()
