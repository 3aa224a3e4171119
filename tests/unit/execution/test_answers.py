import json
from typing import Any

import pytest

from deployer.execution.answers import Comparison, compare_answer, make_request
from deployer.release.records import TargetBundle


@pytest.fixture
def other(make_part: Any) -> TargetBundle:
    """A part whose server speaks a protocol of its own."""
    part: TargetBundle = make_part()
    return part.model_copy(update={"protocol": "openai", "infer_path": "/v1/completions"})


def test_an_inference_request_is_sent_without_what_is_expected(make_part: Any) -> None:
    part: TargetBundle = make_part()
    path, body = make_request(part, {"inputs": [1], "expect": [{"name": "a", "data": [1]}]})
    assert (path, json.loads(body)) == (part.infer_path, {"inputs": [1]})


def test_another_protocols_body_goes_where_the_request_says(other: TargetBundle) -> None:
    assert make_request(other, {"body": {"a": 1}}) == ("/v1/completions", b'{"a": 1}')
    assert make_request(other, {"body": [], "path": "/x"}) == ("/x", b"[]")


def test_expectations_point_into_the_answer(other: TargetBundle) -> None:
    answer = json.dumps({"choices": [{"text": "4"}], "scores": [[0.1, 0.9]]}).encode()
    expect = [
        {"at": "/choices/0/text", "is": "4"},
        {"at": "/scores/0", "is": [0.1, 0.9000000001]},
        {"at": "/choices/1/text", "is": "5"},
    ]
    compared = compare_answer(other, {"body": 1, "expect": expect}, answer)
    assert [item.agrees for item in compared] == [True, True, False]
    assert compared[2] == Comparison("/choices/1/text", "5", None)


def test_an_answer_that_is_no_json_is_no_prediction(other: TargetBundle) -> None:
    with pytest.raises(ValueError, match="is not JSON"):
        compare_answer(other, {"body": 1}, b"<html>")
    assert compare_answer(other, {"body": 1}, b"{}") == ()


@pytest.mark.parametrize(
    ("wanted", "got", "agrees"),
    [(1, 1, True), (1.0, 1, True), ([1.0], [1.0, 2.0], False), ("1", 1, False), ([1], 1, False)],
)
def test_values_agree_to_six_digits(wanted: Any, got: Any, agrees: bool) -> None:
    assert Comparison("x", wanted, got).agrees is agrees
