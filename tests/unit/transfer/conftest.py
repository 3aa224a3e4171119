"""A file of a few chunks, and an upload into memory that records what it is asked."""

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from deployer.checksums import checksum_of
from deployer.errors import NotFoundError
from deployer.ports import Chunk, ObjectInfo
from deployer.transfer import SentPart


class RecordedUpload:
    """See `PartUpload`. ``fail`` is called before each part is sent; ``there`` was left before."""

    algorithm = "crc32"

    def __init__(self) -> None:
        self.parts: dict[int, bytes] = {}
        self.there: dict[int, SentPart] | None = None
        self.fail: Callable[[int], None] = lambda _number: None
        self.committed = b""
        self.checksum = ""
        self.aborted = False
        self.begun = 0
        self._lock = threading.Lock()

    def put_whole(self, chunk: Chunk) -> ObjectInfo:
        self.committed = bytes(chunk.body)
        return ObjectInfo("key", len(chunk.body), "1", proof="crc32")

    def find_parts(self) -> Mapping[int, SentPart] | None:
        return self.there

    def begin(self) -> None:
        self.begun += 1

    def send_part(self, chunk: Chunk) -> SentPart:
        self.fail(chunk.number)
        with self._lock:
            self.parts[chunk.number] = bytes(chunk.body)
        return SentPart(chunk.number, len(chunk.body), "tag", {"crc32": chunk.checksum("crc32")})

    def commit(self, parts: Sequence[SentPart], size: int, checksum: str) -> ObjectInfo:
        if self.aborted:
            raise NotFoundError("gone", operation="write", resource="key")
        assert [part.number for part in parts] == list(range(1, len(parts) + 1))
        self.checksum = checksum
        return ObjectInfo("key", size, "1", proof="crc32")

    def abort(self) -> None:
        self.aborted = True


@pytest.fixture
def upload() -> RecordedUpload:
    return RecordedUpload()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "model"
    path.write_bytes(bytes(range(250)) * 4 + b"the end")
    return path


def part_of(number: int, body: bytes) -> SentPart:
    return SentPart(number, len(body), "old", {"crc32": checksum_of("crc32", body)})


@pytest.fixture(name="part_of")
def _part_of() -> Callable[[int, bytes], SentPart]:
    return part_of
