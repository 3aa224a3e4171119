"""How good a model's answers are: a labelled hold-out set, predictions, metrics, comparisons.

`deployer.evaluation.metrics` is not imported here: it needs the extra ``evaluate``.
"""

from deployer.evaluation.bounds import find_losses, find_misses, format_bounds, metric_names
from deployer.evaluation.compare import (
    Comparison,
    Disagreement,
    ErrorChange,
    compare_models,
    find_disagreement,
)
from deployer.evaluation.holdout import Holdout, load_holdout
from deployer.evaluation.parity import Answers, Difference, choose_reference, find_differences
from deployer.evaluation.predict import AnswerError, Predictions, predict_rows
from deployer.evaluation.score import PerClass, Score, Scores

__all__ = [
    "AnswerError",
    "Answers",
    "Comparison",
    "Difference",
    "Disagreement",
    "ErrorChange",
    "Holdout",
    "PerClass",
    "Predictions",
    "Score",
    "Scores",
    "choose_reference",
    "compare_models",
    "find_differences",
    "find_disagreement",
    "find_losses",
    "find_misses",
    "format_bounds",
    "load_holdout",
    "metric_names",
    "predict_rows",
]
