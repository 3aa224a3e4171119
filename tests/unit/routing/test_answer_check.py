import gzip

import pytest

from deployer.release.steering import CheckRecord
from deployer.routing.answer_check import AnswerCheck, AnswerWatch

GOOD = b'{"outputs": [{"data": [1]}]}'
BAD = b'{"error": "model not loaded"}'


def fault(record: CheckRecord, body: bytes, status: int = 200, *, whole: bool = True) -> str:
    return AnswerCheck(record).find_fault(status, body, whole=whole)


@pytest.mark.parametrize(
    "record",
    [
        CheckRecord(pointer="/outputs/0/data"),
        CheckRecord(pattern='"outputs"'),
        CheckRecord(absent='"error"'),
    ],
)
def test_a_200_with_an_error_in_it_is_told_from_an_answer(record: CheckRecord) -> None:
    assert fault(record, GOOD) == ""
    assert fault(record, BAD)
    assert fault(record, gzip.compress(GOOD)) == ""
    assert fault(record, gzip.compress(BAD))


def test_what_a_fault_says_never_quotes_the_answer() -> None:
    said = fault(CheckRecord(pointer="/outputs"), b'{"error": "secret-7"}')
    assert said == "the answer has nothing at '/outputs'"
    assert fault(CheckRecord(pointer=""), b"secret-7") == "the answer is not JSON"


def test_only_successes_are_looked_into() -> None:
    record = CheckRecord(status=(200,), pointer="/outputs")
    assert fault(record, BAD, 400) == ""
    assert fault(record, GOOD, 202) == "answered 202, which is not right here"


def test_an_answer_longer_than_what_is_looked_at_has_no_json_to_point_into() -> None:
    watch = AnswerWatch(AnswerCheck(CheckRecord(pointer="/outputs", first_bytes=10)))
    watch.see(200, [BAD[:4], BAD[4:]])
    assert watch.find_fault() == ""
    short = AnswerWatch(AnswerCheck(CheckRecord(pointer="/outputs", first_bytes=100)))
    short.see(200, [])
    short.see(200, [BAD[:4], BAD[4:]])
    assert short.find_fault() == "the answer has nothing at '/outputs'"


def test_a_pattern_is_looked_for_in_the_beginning_only() -> None:
    record = CheckRecord(absent="error", first_bytes=10)
    watch = AnswerWatch(AnswerCheck(record))
    watch.see(200, [b"0123456789error"])
    assert watch.find_fault() == ""


def test_what_only_looks_like_gzip_is_taken_as_it_is() -> None:
    assert fault(CheckRecord(pattern="x"), b"\x1f\x8bx") == ""
