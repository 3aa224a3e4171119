from collections.abc import Callable, Sequence

import pytest

from deployer.evaluation import (
    Holdout,
    Predictions,
    Score,
    Scores,
    find_losses,
    find_misses,
    format_bounds,
    metric_names,
)
from deployer.evaluation.metrics import score_predictions

MakeHoldout = Callable[..., Holdout]
MakePredictions = Callable[..., Predictions]


def scores(**metrics: Score) -> Scores:
    return Scores(4, metrics)


def test_a_bound_is_the_least_of_a_score_and_the_most_of_a_loss() -> None:
    found = scores(f1=Score(0.5), mae=Score(2.0, smaller_is_better=True))
    assert find_misses(found, {"f1": 0.5, "mae": 2.0}) == ()
    assert find_misses(found, {"f1": 0.6, "mae": 1.0}) == (
        "f1 is 0.5000, below 0.6",
        "mae is 2.0000, above 1",
    )
    assert format_bounds(found, {"mae": 3}) == "mae 2.0000 (at most 3)"


def test_what_is_undefined_or_unheard_of_misses_its_bound() -> None:
    found = scores(r2=Score(None, undefined="the labels do not vary"))
    assert find_misses(found, {"r2": -9, "f1": 0}) == (
        "r2 is undefined: the labels do not vary",
        "there is no metric f1; there are r2",
    )


def test_a_loss_is_what_is_worse_by_more_than_its_margin() -> None:
    before = scores(f1=Score(0.9), mae=Score(1.0, smaller_is_better=True), auc=Score(None))
    after = scores(f1=Score(0.85), mae=Score(1.5, smaller_is_better=True), auc=Score(0.5))
    assert find_losses(after, before, {"f1": 0.1, "mae": 1.0, "auc": 0.0}) == ()
    assert find_losses(after, before, {"f1": 0.02, "mae": 0.1}) == (
        ("f1 is 0.8500", "0.9000"),
        ("mae is 1.5000", "1.0000"),
    )
    assert find_losses(before, after, {"f1": 0.0, "mae": 0.0}) == ()
    gone = scores(f1=Score(None, undefined="one class only"))
    assert find_losses(gone, before, {"f1": 1.0}) == (
        ("f1 is undefined: one class only", "0.9000"),
    )


@pytest.mark.parametrize(
    ("labels", "width"), [((0, 1, 2, 0), 3), ((0, 1, 1, 0), 2), ((1, 1, 1, 1), 1)]
)
def test_the_names_are_those_of_the_metrics_there_are(
    holdout: MakeHoldout,
    predictions: MakePredictions,
    labels: Sequence[int],
    width: int,
) -> None:
    held = holdout(labels)
    given = predictions(labels, [[1 / width] * width] * 4)
    assert set(metric_names(held)) == set(score_predictions(held, given).metrics)
    numbers = holdout([0.5, 1.5, 2.5, 3.5], "regression")
    found = score_predictions(numbers, predictions([1.0, 1.0, 2.0, 3.0]))
    assert set(metric_names(numbers)) == set(found.metrics)
