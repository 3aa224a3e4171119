from collections.abc import Callable

import numpy as np
import pytest
from sklearn import metrics as sk

from deployer.evaluation import Holdout, Predictions
from deployer.evaluation.curves import trace_curves

MakeHoldout = Callable[..., Holdout]
MakePredictions = Callable[..., Predictions]


def test_two_classes_by_hand(holdout: MakeHoldout, predictions: MakePredictions) -> None:
    """Sorted by probability: 0.8 positive, 0.6 negative, 0.5 positive, 0.1 negative."""
    given = [(0.9, 0.1), (0.4, 0.6), (0.5, 0.5), (0.2, 0.8)]
    curves = trace_curves(holdout([0, 0, 1, 1]), predictions([0, 1, 0, 1], given))
    (roc,) = curves.roc
    assert (roc.label, list(zip(roc.x, roc.y, strict=True))) == (
        "1",
        [(0, 0), (0, 0.5), (0.5, 0.5), (0.5, 1), (1, 1)],
    )
    (found,) = curves.precision_recall
    assert (found.x[0], found.x[-1]) == (0.0, 1.0)
    assert found.y[-1] == pytest.approx(0.5)


def test_the_curve_of_many_rows_is_thinned_and_keeps_its_area(
    holdout: MakeHoldout, predictions: MakePredictions
) -> None:
    rng = np.random.default_rng(3)
    true = rng.integers(0, 3, 6000)
    given = rng.dirichlet([1, 1, 1], 6000) + np.eye(3)[true]
    given /= given.sum(axis=1, keepdims=True)
    answers = given.argmax(axis=1).tolist()
    curves = trace_curves(holdout(true.tolist()), predictions(answers, given.tolist()))
    assert [curve.label for curve in curves.roc] == ["0", "1", "2"]
    for index, curve in enumerate(curves.roc):
        assert len(curve.x) <= 200
        area = sk.roc_auc_score(true == index, given[:, index])
        assert np.trapezoid(curve.y, curve.x) == pytest.approx(area, abs=0.01)
    assert all(len(curve.x) <= 10 for curve in curves.calibration)


def test_where_there_are_no_curves_it_says_why(
    holdout: MakeHoldout, predictions: MakePredictions
) -> None:
    given = [(0.1, 0.9)] * 2
    assert trace_curves(holdout([1, 1]), predictions([1, 1], given)).undefined == (
        "the hold-out set has one class only"
    )
    assert trace_curves(holdout([1.5, 2], "regression"), predictions([1, 1])).undefined
