"""Asks a release for its answers, past any router: to the hold-out rows and the example requests.

What it says is kept for the gates that judge it, so that nobody is asked twice.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from deployer.errors import RolloutError
from deployer.evaluation import AnswerError, Holdout, Predictions, predict_rows
from deployer.execution.answers import make_request, read_values
from deployer.ports import Clock, Cluster, HttpRequest, HttpResponse
from deployer.release.gates import GatesRecord
from deployer.release.records import TargetBundle
from deployer.retry import Backoff, retry_transient
from deployer.values import Json

__all__ = ["Asker", "ReleaseAnswers", "ask_release", "predict_holdout"]

_JSON = {"content-type": "application/json"}
_OK = 200


@dataclass(frozen=True, slots=True)
class ReleaseAnswers:
    """What a release answered on one target.

    Attributes:
        predictions: To the rows of the hold-out set, where a gate has one.
        values: Every answer by the name of what was asked: ``row 3``, ``request 1``.
    """

    predictions: Predictions | None = None
    values: dict[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asker:
    """How to reach a release of one target; ``check`` is called before every request."""

    cluster: Cluster
    part: TargetBundle
    clock: Clock
    check: Callable[[], None]
    timeout_seconds: float

    def send(self, request: HttpRequest) -> HttpResponse:
        """Send to the release's own Service, again for a while where no pod answers.

        Raises:
            TransientError: No pod of the release answered.
        """
        self.check()
        call = partial(self.cluster.call, self.part.direct, request)
        return retry_transient(
            lambda: call(timeout_seconds=self.timeout_seconds),
            clock=self.clock,
            backoff=Backoff(budget_seconds=15.0),
        )


def ask_release(asker: Asker, gates: GatesRecord, release: int) -> ReleaseAnswers:
    """Return the release's answers to all that its gates ask.

    Raises:
        RolloutError: It answered with an error or with what is no prediction.
        TransientError: No pod of the release answered.
    """
    values: dict[str, Json] = {}
    predictions = None
    try:
        if gates.evaluate is not None:
            predictions = predict_holdout(asker, gates.evaluate.holdout)
            values |= _values_of(predictions)
        if gates.parity is not None:
            for number, request in enumerate(gates.smoke.requests, start=1):
                values[f"request {number}"] = _ask(asker, number, request)
    except AnswerError as error:
        raise RolloutError(
            f"{asker.part.target}: release {release}: {error.message}", release=release
        ) from error
    return ReleaseAnswers(predictions, values)


def predict_holdout(asker: Asker, holdout: Holdout) -> Predictions:
    """Return the release's answer to every row.

    Raises:
        AnswerError: An answer is an error, or is not one prediction per row.
        TransientError: No pod of the release answered.
    """
    return predict_rows(asker.send, asker.part.infer_path, holdout)


def _values_of(predictions: Predictions) -> dict[str, Json]:
    """Name the rows as a person counts them, without the header."""
    given = predictions.probabilities
    return {
        f"row {index + 1}": [answer, *(given[index] if given is not None else ())]
        for index, answer in enumerate(predictions.answers)
    }


def _ask(asker: Asker, number: int, request: Json) -> dict[str, Json]:
    path, body = make_request(asker.part, request)
    response = asker.send(HttpRequest("POST", path, _JSON, body))
    if response.status != _OK:
        text = response.body[:200].decode(errors="replace").strip()
        raise _refused(path, f"it answered request {number} with {response.status}: {text}")
    try:
        return read_values(asker.part, request, response.body)
    except ValueError as error:
        raise _refused(path, f"its answer to request {number} {error}") from error


def _refused(path: str, why: str) -> AnswerError:
    return AnswerError(f"{path}: {why}", operation="predict", resource=path)
