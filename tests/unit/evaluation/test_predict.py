import json
from collections.abc import Callable
from typing import Any

import pytest

from deployer.errors import ProviderError
from deployer.evaluation import Holdout, predict_rows
from deployer.ports import HttpRequest, HttpResponse

MakeHoldout = Callable[..., Holdout]
PATH = "/v2/models/iris/infer"


def given(probabilities: Any) -> HttpResponse:
    outputs = [
        {"name": "predict", "data": [0, 1, 0]},
        {"name": "predict_proba", "data": probabilities},
    ]
    return HttpResponse(200, json.dumps({"outputs": outputs}).encode(), 0.0)


class Server:
    """Answers each row with its first feature as a class; may know probabilities, or not."""

    def __init__(self, *, probabilities: bool = True, only: str = "") -> None:
        self.probabilities = probabilities
        self.only = only
        self.sizes: list[int] = []

    def __call__(self, request: HttpRequest) -> HttpResponse:
        body = json.loads(request.body)
        (tensor,) = body["inputs"]
        rows, width = tensor["shape"]
        first = [int(value) for value in tensor["data"][::width]]
        self.sizes.append(rows)
        if "outputs" in body and not self.probabilities:
            return HttpResponse(500, b'{"error": "no predict_proba"}', 0.001)
        outputs = [{"name": "predict", "shape": [rows, 1], "data": first}]
        if "outputs" in body:
            data = [float(i == value % 2) for value in first for i in range(2)]
            outputs.append({"name": "predict_proba", "shape": [rows, 2], "data": data})
        chosen = [output for output in outputs if self.only in (output["name"], "")]
        return HttpResponse(200, json.dumps({"outputs": chosen}).encode(), 0.001)


def test_every_row_gets_its_answer_in_order(holdout: MakeHoldout) -> None:
    server = Server()
    found = predict_rows(server, PATH, holdout([0] * 10), batch=4)
    assert found.answers == tuple(range(10))
    assert found.probabilities is not None
    assert found.probabilities[:2] == ((1.0, 0.0), (0.0, 1.0))
    assert sorted(server.sizes) == [1, 2, 4, 4], "one to see what it can, then the batches"
    assert len(found.seconds) == 3


def test_a_model_without_probabilities_still_answers(holdout: MakeHoldout) -> None:
    found = predict_rows(Server(probabilities=False), PATH, holdout([0] * 3))
    assert found.answers == (0, 1, 2)
    assert found.probabilities is None


def test_of_probabilities_alone_the_largest_is_the_answer(holdout: MakeHoldout) -> None:
    found = predict_rows(Server(only="predict_proba"), PATH, holdout([0] * 4))
    assert found.answers == (0, 1, 0, 1)
    assert found.probabilities is not None


@pytest.mark.parametrize(
    ("response", "said"),
    [
        (HttpResponse(503, b"busy", 0.0), "it answered 503: busy"),
        (HttpResponse(200, b"<html>", 0.0), "is no prediction in the Open Inference Protocol"),
        (HttpResponse(200, b'{"outputs": [3]}', 0.0), "is no prediction"),
        (HttpResponse(200, b'{"outputs": []}', 0.0), "0 answers came for 3 rows"),
        (
            HttpResponse(200, b'{"outputs": [{"name": "predict", "data": [1, 2]}]}', 0.0),
            "2 answers came for 3 rows",
        ),
        (given([[0.5, 0.5]]), "2 rows of probabilities came for 3 rows"),
        (given([[0.5, None]] * 3), "its probabilities are no numbers"),
    ],
)
def test_what_is_no_prediction_is_an_error(
    holdout: MakeHoldout, response: HttpResponse, said: str
) -> None:
    def answer(_request: HttpRequest) -> Any:
        return response

    with pytest.raises(ProviderError, match=said):
        predict_rows(answer, PATH, holdout([0, 1, 0]))
