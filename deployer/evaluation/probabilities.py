"""Metrics of the probabilities a classifier gives: how it ranks, and whether it means them."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from deployer.evaluation.holdout import Holdout
from deployer.evaluation.predict import Predictions
from deployer.evaluation.score import Score

__all__ = ["as_one_hot", "find_why_undefined", "score_probabilities"]

_BINS = 10
_TWO = 2
_SUM_TOLERANCE = 1e-3  # servers round, and may compute in 16 bits


def score_probabilities(holdout: Holdout, predictions: Predictions) -> dict[str, Score]:
    """Return every such metric; undefined, with the reason, where it has no meaning."""
    names = ("roc_auc_ovr", "roc_auc_ovo", "pr_auc", "log_loss", "brier", "ece")
    binary = len(holdout.classes) == _TWO
    wanted = tuple(name for name in names if not (binary and name == "roc_auc_ovo"))
    renamed = {"roc_auc_ovr": "roc_auc"} if binary else {}
    losses = ("log_loss", "brier", "ece")
    why = find_why_undefined(holdout, predictions)
    found: dict[str, Score] = {}
    for name in wanted:
        value = None if why else _PROBABILITY_METRICS[name](*as_one_hot(holdout, predictions))
        found[renamed.get(name, name)] = Score(
            value, undefined=why, smaller_is_better=name in losses
        )
    return found


def find_why_undefined(holdout: Holdout, predictions: Predictions) -> str:
    """Return why probabilities say nothing here; empty when they do."""
    if predictions.probabilities is None:
        return "the model gives no probabilities"
    if len(holdout.classes) < _TWO:
        return "the hold-out set has one class only"
    width = len(predictions.probabilities[0])
    if width != len(holdout.classes):
        return f"{width} probabilities for the {len(holdout.classes)} classes of the hold-out set"
    odd = _find_odd(np.asarray(predictions.probabilities, dtype=float))
    return "" if odd is None else f"the probabilities of row {odd + 1} are not of sum 1"


def _find_odd(given: np.ndarray) -> int | None:
    """Return the first row that is no distribution; not-a-number is in none."""
    fine = (given >= 0).all(axis=1) & (np.abs(given.sum(axis=1) - 1.0) <= _SUM_TOLERANCE)
    return None if fine.all() else int(np.argmin(fine))


def as_one_hot(holdout: Holdout, predictions: Predictions) -> tuple[np.ndarray, np.ndarray]:
    """Return what is true and what is given, a column for each class of the hold-out set."""
    order = {label: index for index, label in enumerate(holdout.classes)}
    indexes = [order[label] for label in holdout.labels]
    return np.eye(len(order))[indexes], np.asarray(predictions.probabilities, dtype=float)


def _roc_auc(true: np.ndarray, given: np.ndarray, how: str) -> float:
    if true.shape[1] == _TWO:
        return float(roc_auc_score(true[:, 1], given[:, 1]))
    rows = given / given.sum(axis=1, keepdims=True)
    return float(roc_auc_score(true.argmax(axis=1), rows, multi_class=how, average="macro"))


def _pr_auc(true: np.ndarray, given: np.ndarray) -> float:
    if true.shape[1] == _TWO:
        return float(average_precision_score(true[:, 1], given[:, 1]))
    return float(average_precision_score(true, given, average="macro"))


def _log_loss(true: np.ndarray, given: np.ndarray) -> float:
    rows = given / given.sum(axis=1, keepdims=True)
    return float(log_loss(true.argmax(axis=1), rows, labels=list(range(true.shape[1]))))


def _brier(true: np.ndarray, given: np.ndarray) -> float:
    """Return Brier's score: for two classes of the second's probability, else over all (1950)."""
    squares = ((given - true) ** 2).sum(axis=1).mean()
    return float(squares / 2 if true.shape[1] == _TWO else squares)


def _ece(true: np.ndarray, given: np.ndarray) -> float:
    """Return the expected calibration error over ten equal bins (Naeini et al., AAAI 2015)."""
    confidence, right = given.max(axis=1), given.argmax(axis=1) == true.argmax(axis=1)
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    gaps = [
        (bins == index).mean() * abs(right[bins == index].mean() - confidence[bins == index].mean())
        for index in np.unique(bins)
    ]
    return float(sum(gaps))


_PROBABILITY_METRICS: Mapping[str, Callable[[Any, Any], float]] = {
    "roc_auc_ovr": lambda true, given: _roc_auc(true, given, "ovr"),
    "roc_auc_ovo": lambda true, given: _roc_auc(true, given, "ovo"),
    "pr_auc": _pr_auc,
    "log_loss": _log_loss,
    "brier": _brier,
    "ece": _ece,
}
