from collections.abc import Callable, Sequence

import pytest

from deployer.evaluation import Holdout, Predictions
from deployer.evaluation.holdout import Label, Task

MakeHoldout = Callable[..., Holdout]
MakePredictions = Callable[..., Predictions]


@pytest.fixture
def holdout() -> MakeHoldout:
    def make(labels: Sequence[Label], task: Task = "classification") -> Holdout:
        rows = tuple((float(index), 1.0) for index in range(len(labels)))
        return Holdout(("a", "b"), "y", rows, tuple(labels), task)

    return make


@pytest.fixture
def predictions() -> MakePredictions:
    def make(
        answers: Sequence[Label], probabilities: Sequence[Sequence[float]] | None = None
    ) -> Predictions:
        given = None if probabilities is None else tuple(map(tuple, probabilities))
        return Predictions(tuple(answers), given, (0.01,))

    return make
