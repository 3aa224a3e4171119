"""Metrics of a regression's answers, by scikit-learn's own functions."""

import math
from collections.abc import Sequence

import numpy as np
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

from deployer.evaluation.compare import ErrorChange
from deployer.evaluation.holdout import Holdout, Label
from deployer.evaluation.numbers import read_numbers
from deployer.evaluation.predict import Predictions
from deployer.evaluation.resample import bootstrap_change, bootstrap_errors
from deployer.evaluation.score import Score, Scores

__all__ = ["compare_regressions", "score_regression"]


def score_regression(holdout: Holdout, predictions: Predictions) -> Scores:
    """Return the errors; R² is undefined where the labels do not vary.

    Raises:
        SourceError: An answer is no finite number.
    """
    true = np.asarray(holdout.labels, dtype=float)
    given = read_numbers(predictions.answers)
    errors = given - true
    mae, rmse = bootstrap_errors(errors)
    constant = "the labels do not vary" if float(np.ptp(true)) == 0.0 else ""
    return Scores(
        rows=len(holdout),
        metrics={
            "mae": Score(float(mean_absolute_error(true, given)), *mae, smaller_is_better=True),
            "rmse": Score(
                math.sqrt(mean_squared_error(true, given)), *rmse, smaller_is_better=True
            ),
            "r2": Score(None if constant else float(r2_score(true, given)), undefined=constant),
        },
        baseline={"mean": float(np.abs(true - true.mean()).mean())},
    )


def compare_regressions(
    labels: Sequence[Label], first: Sequence[Label], second: Sequence[Label]
) -> ErrorChange:
    """Compare two models' absolute errors on rows that both answered.

    Raises:
        SourceError: An answer is no finite number.
    """
    true = np.asarray(labels, dtype=float)
    one, two = (read_numbers(answers) - true for answers in (first, second))
    change, (low, high) = bootstrap_change(one, two)
    return ErrorChange(change, low, high)
