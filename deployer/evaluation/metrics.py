"""Scores predictions, by the task of the hold-out set. Needs the extra ``evaluate``."""

from collections.abc import Sequence

from deployer.evaluation.classification import score_classification
from deployer.evaluation.compare import Comparison, ErrorChange, compare_models
from deployer.evaluation.holdout import Holdout, Label
from deployer.evaluation.predict import Predictions
from deployer.evaluation.ranking import compare_rankings, score_ranking
from deployer.evaluation.regression import compare_regressions, score_regression
from deployer.evaluation.score import Scores

__all__ = ["compare_answers", "score_predictions"]


def score_predictions(holdout: Holdout, predictions: Predictions) -> Scores:
    """Return every metric that fits the task; what has no meaning is undefined, with the reason.

    Raises:
        SourceError: A regression's or a ranking's answer is no finite number.
    """
    if holdout.task == "regression":
        return score_regression(holdout, predictions)
    if holdout.task == "ranking":
        return score_ranking(holdout, predictions)
    return score_classification(holdout, predictions)


def compare_answers(
    holdout: Holdout, first: Sequence[Label], second: Sequence[Label]
) -> Comparison | ErrorChange:
    """Say whether two models differ by more than chance, by the task's own test.

    Raises:
        SourceError: A regression's answer is no finite number.
    """
    if holdout.task == "regression":
        return compare_regressions(holdout.labels, first, second)
    if holdout.task == "ranking":
        return compare_rankings(holdout, first, second)
    return compare_models(holdout.labels, first, second)
