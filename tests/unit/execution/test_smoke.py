import json
from collections.abc import Callable
from typing import Any

import pytest

from deployer.errors import RolloutError, TransientError
from deployer.execution.smoke import run_smoke
from deployer.ports import HttpRequest, HttpResponse
from deployer.release.gates import SmokeRecord
from deployer.release.records import TargetBundle

Smoke = Callable[..., str]
ASK = {"inputs": [{"name": "x", "data": [1]}]}


def outputs(*data: Any, name: str = "p") -> HttpResponse:
    return answer({"outputs": [{"name": name, "data": list(data)}]})


def answer(body: Any, status: int = 200) -> HttpResponse:
    return HttpResponse(status, json.dumps(body).encode(), 0.001)


def expecting(*data: Any, name: str = "p") -> dict[str, Any]:
    return {**ASK, "expect": [{"name": name, "data": list(data)}]}


@pytest.fixture
def smoke(make_cluster: Any, make_part: Any) -> Smoke:
    """Run the gate of these requests on a cluster that answers all of them the same way."""

    def smoke(response: Any, *requests: Any, agree: float = 1.0) -> str:
        part: TargetBundle = make_part()
        record = SmokeRecord(requests=requests, agree=agree)
        return run_smoke(make_cluster(call=response), part, record, 42)

    return smoke


def test_without_requests_only_readiness_is_asked_and_the_verdict_says_so(smoke: Smoke) -> None:
    assert smoke(answer({})) == "ready; no example requests given, so no prediction was made"
    with pytest.raises(RolloutError, match='aws-virginia: smoke: release 42: it answered 503: "x"'):
        smoke(answer("x", 503))


def test_without_expected_answers_any_prediction_will_do(smoke: Smoke) -> None:
    assert smoke(outputs(1), ASK, ASK) == "2 predictions answered; no expected answers given"


def test_expected_answers_are_what_counts(smoke: Smoke) -> None:
    assert smoke(outputs(1, 2), expecting(1, 2)) == "2 of 2 answers as expected"
    with pytest.raises(
        RolloutError, match=r"1 of 2 .*100% must be \(request 1, p\[1\]: expected 3, got 2"
    ):
        smoke(outputs(1, 2), expecting(1, 3))


def test_the_share_that_must_agree_is_the_users(smoke: Smoke) -> None:
    assert smoke(outputs(1, 2), expecting(1, 3), agree=0.5) == "1 of 2 answers as expected"


def test_floats_agree_within_rounding_and_not_beyond(smoke: Smoke) -> None:
    assert smoke(outputs(0.30000000000000004), expecting(0.3)) == "1 of 1 answers as expected"
    with pytest.raises(RolloutError, match="0 of 1"):
        smoke(outputs(0.31), expecting(0.3))


def test_an_answer_that_is_short_or_of_another_name_does_not_agree(smoke: Smoke) -> None:
    with pytest.raises(RolloutError, match=r"p\[1\]: expected 2, got None"):
        smoke(outputs(1), expecting(1, 2))
    with pytest.raises(RolloutError, match=r"q\[0\]: expected 1, got None"):
        smoke(outputs(1), expecting(1, name="q"))


@pytest.mark.parametrize(
    "response",
    [
        HttpResponse(200, b"<html>", 0.001),
        answer([]),
        answer({"outputs": [{"name": "p"}]}),
        answer({"outputs": [{"name": "p", "data": 1}]}),
    ],
)
def test_a_page_that_is_no_prediction_is_refused(smoke: Smoke, response: HttpResponse) -> None:
    with pytest.raises(RolloutError, match="answer to request 1 is no prediction"):
        smoke(response, ASK)


def test_an_empty_prediction_is_refused(smoke: Smoke) -> None:
    with pytest.raises(RolloutError, match="answer to request 1 has no data"):
        smoke(outputs(), ASK)


def test_no_pod_that_answers_is_for_the_caller_to_try_again(smoke: Smoke) -> None:
    silent = TransientError("no pod is ready", operation="call", resource="iris")
    with pytest.raises(TransientError):
        smoke(silent, ASK)


def test_the_release_is_asked_itself_and_what_is_expected_is_not_sent(
    make_cluster: Any, make_part: Any
) -> None:
    cluster = make_cluster(call=outputs(1))
    sent: list[HttpRequest] = []
    call = cluster.call

    def listen(service: str, request: HttpRequest, *, timeout_seconds: float) -> HttpResponse:
        sent.append(request)
        response: HttpResponse = call(service, request, timeout_seconds=timeout_seconds)
        return response

    cluster.call = listen
    run_smoke(cluster, make_part(), SmokeRecord(requests=(expecting(1),)), 42)
    assert cluster.asked == [("call", "iris-r42", "/v2/models/iris/infer")]
    assert json.loads(sent[0].body) == ASK
