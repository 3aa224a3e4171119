"""By hand where the number is ours; against scikit-learn's own call where it is theirs."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from sklearn import metrics as sk

from deployer.errors import SourceError
from deployer.evaluation import ErrorChange, Holdout, Predictions
from deployer.evaluation.metrics import compare_answers, score_predictions

MakeHoldout = Callable[..., Holdout]
MakePredictions = Callable[..., Predictions]


def test_a_confusion_by_hand(holdout: MakeHoldout, predictions: MakePredictions) -> None:
    """3 of 5 right. Class a: precision 2/3, recall 2/2; b: 1/2, 1/2; c: 0/0, 0/1.

    Macro F1: (0.8 + 0.5 + 0) / 3; micro is the accuracy; weighted (2 x 0.8 + 2 x 0.5) / 5.
    """
    scores = score_predictions(holdout("aabbc"), predictions("aabab"))
    value = {name: score.value for name, score in scores.metrics.items()}
    assert scores.confusion == ((2, 0, 0), (1, 1, 0), (0, 1, 0))
    assert value["accuracy"] == value["f1_micro"] == 0.6
    assert value["precision_macro"] == pytest.approx((2 / 3 + 1 / 2) / 3)
    assert value["recall_macro"] == value["balanced_accuracy"] == 0.5
    assert value["f1_macro"] == pytest.approx(1.3 / 3)
    assert value["f1_weighted"] == pytest.approx(2.6 / 5)
    assert [(each.label, each.support) for each in scores.per_class] == [
        ("a", 2),
        ("b", 2),
        ("c", 1),
    ]
    assert scores.baseline["majority class"] == 0.4


def test_numbers_are_the_same_class_however_they_are_written(
    holdout: MakeHoldout, predictions: MakePredictions
) -> None:
    scores = score_predictions(holdout([0, 1, 2]), predictions([0.0, "1", 2]))
    assert scores.metrics["accuracy"].value == 1.0
    assert scores.classes == (0, 1, 2)


def test_a_class_nobody_knew_shows_in_the_confusion(
    holdout: MakeHoldout, predictions: MakePredictions
) -> None:
    scores = score_predictions(holdout([0, 0]), predictions([0, 7]))
    assert scores.classes == (0, 7)
    assert scores.metrics["accuracy"].value == 0.5
    assert scores.metrics["balanced_accuracy"].value == 0.5


def test_probabilities_of_two_classes_by_hand(
    holdout: MakeHoldout, predictions: MakePredictions
) -> None:
    """Of the four pairs (positive, negative) three are in order: AUC 0.75.

    Brier: (0.1^2 + 0.6^2 + 0.5^2 + 0.2^2) / 4 = 0.165. Calibration by bins of the larger
    probability: 0.9 right, 0.6 wrong, 0.5 wrong (argmax is the first), 0.8 right:
    (0.1 + 0.6 + 0.5 + 0.2) / 4 = 0.35.
    """
    given = [(0.9, 0.1), (0.4, 0.6), (0.5, 0.5), (0.2, 0.8)]
    scores = score_predictions(holdout([0, 0, 1, 1]), predictions([0, 1, 0, 1], given))
    value = {name: score.value for name, score in scores.metrics.items()}
    assert value["roc_auc"] == 0.75
    assert value["brier"] == pytest.approx(0.165)
    assert value["ece"] == pytest.approx(0.35)
    assert value["log_loss"] == pytest.approx(-np.log([0.9, 0.4, 0.5, 0.8]).mean())
    assert "roc_auc_ovo" not in value


def test_many_classes_are_as_scikit_learn_has_them(
    holdout: MakeHoldout, predictions: MakePredictions
) -> None:
    rng = np.random.default_rng(1)
    true = rng.integers(0, 3, 60)
    given = rng.dirichlet([1, 1, 1], 60)
    scores = score_predictions(
        holdout(true.tolist()), predictions(given.argmax(axis=1).tolist(), given.tolist())
    )
    value = {name: score.value for name, score in scores.metrics.items()}
    for how in ("ovr", "ovo"):
        assert value[f"roc_auc_{how}"] == pytest.approx(
            sk.roc_auc_score(true, given, multi_class=how)
        )
    assert value["log_loss"] == pytest.approx(sk.log_loss(true, given))
    assert value["pr_auc"] == pytest.approx(sk.average_precision_score(np.eye(3)[true], given))


@pytest.mark.parametrize(
    ("labels", "given", "why"),
    [
        ([0, 1], None, "the model gives no probabilities"),
        ([1, 1], [(0.1, 0.9)] * 2, "the hold-out set has one class only"),
        ([0, 1], [(0.1, 0.2, 0.7)] * 2, "3 probabilities for the 2 classes of the hold-out set"),
        ([0, 1], [(0.1, 0.9), (0.5, 0.6)], "the probabilities of row 2 are not of sum 1"),
        ([0, 1], [(-0.5, 1.5), (0.5, 0.5)], "the probabilities of row 1 are not of sum 1"),
        ([0, 1], [(0.5, 0.5), (math.nan, 1.0)], "the probabilities of row 2 are not of sum 1"),
    ],
)
def test_what_has_no_meaning_is_undefined_and_says_why(
    holdout: MakeHoldout,
    predictions: MakePredictions,
    labels: list[int],
    given: list[tuple[float, ...]] | None,
    why: str,
) -> None:
    scores = score_predictions(holdout(labels), predictions([1, 1], given))
    undefined = {name for name, score in scores.metrics.items() if score.value is None}
    assert undefined >= {"pr_auc", "log_loss", "brier", "ece"}
    assert {scores.metrics[name].undefined for name in undefined} == {why}


def test_the_interval_is_that_of_resampled_rows(
    holdout: MakeHoldout, predictions: MakePredictions
) -> None:
    """Against resampling the rows themselves; for the accuracy a binomial says it too."""
    rng = np.random.default_rng(2)
    true, answered = rng.integers(0, 3, 200), rng.integers(0, 3, 200)
    answered[:120] = true[:120]
    scores = score_predictions(holdout(true.tolist()), predictions(answered.tolist()))
    drawn = [rng.integers(0, 200, 200) for _ in range(400)]
    f1s = [sk.f1_score(true[rows], answered[rows], average="macro") for rows in drawn]
    f1 = scores.metrics["f1_macro"]
    assert (f1.low, f1.high) == pytest.approx(tuple(np.quantile(f1s, [0.025, 0.975])), abs=0.02)
    recalls = [sk.recall_score(true[rows], answered[rows], average="macro") for rows in drawn]
    recall = scores.metrics["recall_macro"]
    assert recall == scores.metrics["balanced_accuracy"]
    assert (recall.low, recall.high) == pytest.approx(
        tuple(np.quantile(recalls, [0.025, 0.975])), abs=0.02
    )
    accuracy = scores.metrics["accuracy"]
    assert accuracy.value is not None
    assert accuracy.low is not None
    half = 1.96 * math.sqrt(accuracy.value * (1 - accuracy.value) / 200)
    assert accuracy.low == pytest.approx(accuracy.value - half, abs=0.02)


def test_a_regression_by_hand(holdout: MakeHoldout, predictions: MakePredictions) -> None:
    """Errors 0, 1, -2: MAE 1, RMSE sqrt(5/3), R2 1 - 5/2."""
    scores = score_predictions(holdout([1.0, 2.0, 3.0], "regression"), predictions([1, 3, 1]))
    value = {name: score.value for name, score in scores.metrics.items()}
    assert value["mae"] == 1.0
    assert value["rmse"] == pytest.approx(math.sqrt(5 / 3))
    assert value["r2"] == pytest.approx(-1.5)
    assert scores.baseline["mean"] == pytest.approx(2 / 3)


def test_labels_that_do_not_vary_have_no_r2(
    holdout: MakeHoldout, predictions: MakePredictions
) -> None:
    scores = score_predictions(holdout([2.0, 2.0], "regression"), predictions([2.0, 2.5]))
    assert scores.metrics["r2"].value is None
    assert scores.metrics["r2"].undefined == "the labels do not vary"


def test_an_answer_that_is_no_number_is_no_regression(
    holdout: MakeHoldout, predictions: MakePredictions
) -> None:
    with pytest.raises(SourceError, match="'high', which is no finite number"):
        score_predictions(holdout([1.0], "regression"), predictions(["high"]))


def test_two_regressions_are_compared_by_their_errors(holdout: MakeHoldout) -> None:
    """Errors grow by 1 on every row: whatever is drawn, the change is 1."""
    held = holdout([float(index) for index in range(20)], "regression")
    first = [value + 0.5 for value in map(float, held.labels)]
    second = [value - 1.5 for value in map(float, held.labels)]
    assert compare_answers(held, first, second) == ErrorChange(1.0, 1.0, 1.0)
    mixed = [value + (-1) ** index for index, value in enumerate(first)]
    found = compare_answers(held, first, mixed)
    assert isinstance(found, ErrorChange)
    assert found.low < found.change == 0.5 < found.high
