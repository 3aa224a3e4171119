"""Scores predictions, by the task of the hold-out set. Needs the extra ``evaluate``."""

from deployer.evaluation.classification import score_classification
from deployer.evaluation.holdout import Holdout
from deployer.evaluation.predict import Predictions
from deployer.evaluation.regression import score_regression
from deployer.evaluation.score import Scores

__all__ = ["score_predictions"]


def score_predictions(holdout: Holdout, predictions: Predictions) -> Scores:
    """Return every metric that fits the task; what has no meaning is undefined, with the reason.

    Raises:
        SourceError: A regression's answer is no finite number.
    """
    if holdout.task == "regression":
        return score_regression(holdout, predictions)
    return score_classification(holdout, predictions)
