"""How good a model's answers are: a labelled hold-out set, predictions, metrics, comparisons.

`deployer.evaluation.metrics` is not imported here: it needs the extra ``evaluate``.
"""

from deployer.evaluation.compare import Comparison, Disagreement, compare_models, find_disagreement
from deployer.evaluation.holdout import Holdout, load_holdout
from deployer.evaluation.predict import Predictions, predict_rows
from deployer.evaluation.score import PerClass, Score, Scores

__all__ = [
    "Comparison",
    "Disagreement",
    "Holdout",
    "PerClass",
    "Predictions",
    "Score",
    "Scores",
    "compare_models",
    "find_disagreement",
    "load_holdout",
    "predict_rows",
]
