from pathlib import Path
from typing import Any

import pytest

from deployer.checksums import checksum_of
from deployer.errors import NotFoundError, SourceError, TransientError
from deployer.transfer import Budget, Lanes, Limits, open_source, send_source


@pytest.fixture
def limits() -> Limits:
    return Limits(part_bytes=100, workers=3, budget=Budget(450))


def send(upload: Any, path: Path, limits: Limits, **options: Any) -> Any:
    with open_source(path, limits.budget) as source:
        return send_source(upload, source, limits=limits, lanes=Lanes(limits.workers), **options)


def test_a_small_file_goes_whole(upload: Any, tmp_path: Path, limits: Limits) -> None:
    (tmp_path / "small").write_bytes(b"x" * 100)
    told: list[int] = []
    assert send(upload, tmp_path / "small", limits, progress=told.append).size == 100
    assert (upload.committed, upload.begun, told) == (b"x" * 100, 0, [100])


def test_a_large_file_goes_in_parts_of_which_the_whole_is_known(
    upload: Any, path: Path, limits: Limits
) -> None:
    told: list[int] = []
    send(upload, path, limits, progress=told.append)
    body = path.read_bytes()
    assert b"".join(upload.parts[number] for number in sorted(upload.parts)) == body
    assert upload.checksum == checksum_of("crc32", body)
    assert sum(told) == len(body)
    assert limits.budget.used == 0


def test_what_is_there_is_not_sent_again(
    upload: Any, path: Path, limits: Limits, part_of: Any
) -> None:
    body = path.read_bytes()
    upload.there = {2: part_of(2, body[100:200]), 4: part_of(4, body[300:400])}
    send(upload, path, limits)
    assert sorted(upload.parts) == [1, 3, 5, 6, 7, 8, 9, 10, 11]
    assert (upload.begun, upload.checksum) == (0, checksum_of("crc32", body))


@pytest.mark.parametrize("there", [b"x" * 100, b"x"])
def test_an_upload_with_a_part_of_other_bytes_is_left_alone(
    upload: Any, path: Path, limits: Limits, part_of: Any, there: bytes
) -> None:
    body = path.read_bytes()
    upload.there = {1: part_of(1, body[:100]), 2: part_of(2, there)}
    send(upload, path, limits)
    assert sorted(upload.parts) == list(range(1, 12))
    assert (upload.begun, upload.aborted) == (1, False)
    assert upload.checksum == checksum_of("crc32", body)
    assert limits.budget.used == 0


def test_a_part_that_fails_ends_the_upload_and_keeps_what_was_sent(
    upload: Any, path: Path, limits: Limits
) -> None:
    def fail(number: int) -> None:
        if number == 5:
            raise TransientError("away", operation="write", resource="key")

    upload.fail = fail
    with pytest.raises(TransientError) as caught:
        send(upload, path, limits)
    assert "invisible; the next try goes on with them" in caught.value.__notes__[0]
    assert not upload.aborted
    assert len(upload.parts) < 10
    assert limits.budget.used == 0


def test_a_source_that_changed_drops_its_parts(upload: Any, path: Path, limits: Limits) -> None:
    def change(_count: int) -> None:
        path.write_bytes(b"other")

    with pytest.raises(SourceError, match="changed"):
        send(upload, path, limits, progress=change)
    assert upload.aborted
    assert limits.budget.used == 0


def test_an_upload_that_is_taken_away_is_begun_again(
    upload: Any, path: Path, limits: Limits
) -> None:
    def fail(number: int) -> None:
        if number == 3 and upload.begun < 3:
            raise NotFoundError("gone", operation="write", resource="key")

    upload.fail = fail
    send(upload, path, limits)
    assert upload.begun == 3


def test_an_upload_that_is_always_taken_away_is_given_up_on(
    upload: Any, path: Path, limits: Limits
) -> None:
    upload.aborted = True
    with pytest.raises(TransientError, match="taken away 3 times"):
        send(upload, path, limits)


def test_parts_grow_with_the_file_and_stay_few() -> None:
    limits = Limits()
    assert limits.part_length(1) == limits.part_length(70 << 30) == 8 << 20
    assert limits.part_length(4 << 40) % (1 << 20) == 0
    assert (4 << 40) / limits.part_length(4 << 40) <= 9_500
