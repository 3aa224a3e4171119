"""Asks a model for its answers, in the Open Inference Protocol v2, several rows at a time."""

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus

from deployer.errors import ProviderError
from deployer.evaluation.holdout import Holdout, Label
from deployer.ports import HttpRequest, HttpResponse
from deployer.values import Json

__all__ = ["AnswerError", "Predictions", "Send", "predict_rows"]

Send = Callable[[HttpRequest], HttpResponse]
"""Sends one request to the model; raises `DeployerError` when there is no answer."""

_IN_FLIGHT = 4
_BOTH = [{"name": "predict"}, {"name": "predict_proba"}]
"""What MLServer calls the answers of scikit-learn's models; others answer without being asked."""


class AnswerError(ProviderError):
    """The model answered, and what it said is no prediction: the model is to blame."""


@dataclass(frozen=True, slots=True)
class Predictions:
    """One answer per row, in the order of the rows.

    Attributes:
        answers: Classes or values. Of probabilities alone, the index of the largest.
        probabilities: Of each class, where the model gives them.
        seconds: How long each request took.
    """

    answers: tuple[Label, ...]
    probabilities: tuple[tuple[float, ...], ...] | None
    seconds: tuple[float, ...]


def predict_rows(send: Send, path: str, holdout: Holdout, *, batch: int = 256) -> Predictions:
    """Ask for every row, ``batch`` rows in a request, four requests at the same time.

    Raises:
        AnswerError: An answer is an error, or is not one prediction per row.
    """
    ask = _Ask(send, path, _supports_probabilities(send, path, holdout))
    pieces = [holdout.rows[start : start + batch] for start in range(0, len(holdout), batch)]
    with ThreadPoolExecutor(_IN_FLIGHT) as pool:
        parts = list(pool.map(ask.for_rows, pieces))
    answers = tuple(answer for part in parts for answer in part.answers)
    given = [part.probabilities for part in parts]
    probabilities = (
        None
        if any(part is None for part in given)
        else tuple(row for part in given if part is not None for row in part)
    )
    return Predictions(answers, probabilities, tuple(s for part in parts for s in part.seconds))


@dataclass(frozen=True, slots=True)
class _Ask:
    send: Send
    path: str
    both: bool

    def for_rows(self, rows: Sequence[Sequence[float]]) -> Predictions:
        response = self.send(_request(self.path, rows, both=self.both))
        if response.status != HTTPStatus.OK:
            text = response.body[:200].decode(errors="replace").strip()
            raise self._refused(f"it answered {response.status}: {text}")
        return self._read(response, len(rows))

    def _read(self, response: HttpResponse, count: int) -> Predictions:
        try:
            outputs = {
                out["name"]: _table(out, count) for out in json.loads(response.body)["outputs"]
            }
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._refused(
                "its answer is no prediction in the Open Inference Protocol v2"
            ) from error
        first = outputs.get("predict") or next(iter(outputs.values()), [])
        table = outputs.get("predict_proba") or (first if _is_table(first) else None)
        for found, what in ((first, "answers"), (table, "rows of probabilities")):
            if found is not None and len(found) != count:
                raise self._refused(f"{len(found)} {what} came for {count} rows")
        answers = tuple(_answer_of(row) for row in first)
        return Predictions(answers, self._as_numbers(table), (response.seconds,))

    def _as_numbers(self, table: list[list[Label]] | None) -> tuple[tuple[float, ...], ...] | None:
        try:
            return None if table is None else tuple(tuple(map(float, row)) for row in table)
        except (ValueError, TypeError) as error:
            raise self._refused("its probabilities are no numbers") from error

    def _refused(self, why: str) -> AnswerError:
        return AnswerError(f"{self.path}: {why}", operation="predict", resource=self.path)


def _supports_probabilities(send: Send, path: str, holdout: Holdout) -> bool:
    """Say whether the model gives probabilities when asked; many can't, and say so by an error."""
    if holdout.task == "regression":
        return False
    return send(_request(path, holdout.rows[:1], both=True)).status == HTTPStatus.OK


def _request(path: str, rows: Sequence[Sequence[float]], *, both: bool) -> HttpRequest:
    tensor = {
        "name": "features",
        "shape": [len(rows), len(rows[0])],
        "datatype": "FP64",
        "data": [value for row in rows for value in row],
    }
    body: dict[str, Json] = {"inputs": [tensor]}
    if both:
        body["outputs"] = _BOTH
    return HttpRequest(
        "POST", path, {"content-type": "application/json"}, json.dumps(body).encode()
    )


def _table(output: Json, count: int) -> list[list[Label]]:
    """Return the output's values by row; nested and flat data are both allowed by the protocol."""
    data = output["data"]
    flat = list(_flatten(data)) if any(isinstance(it, list) for it in data) else data
    width = max(1, len(flat) // count)
    return [flat[start : start + width] for start in range(0, len(flat), width)]


def _flatten(data: Json) -> Iterator[Label]:
    for value in data:
        if isinstance(value, list):
            yield from _flatten(value)
        else:
            yield value


def _is_table(rows: list[list[Label]]) -> bool:
    return bool(rows) and len(rows[0]) > 1


def _answer_of(row: list[Label]) -> Label:
    return row[0] if len(row) == 1 else max(range(len(row)), key=lambda index: row[index])
