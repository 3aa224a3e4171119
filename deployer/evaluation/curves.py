"""What a classifier's probabilities look like as curves, by scikit-learn's own functions."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from sklearn.calibration import calibration_curve
from sklearn.metrics import precision_recall_curve, roc_curve

from deployer.evaluation.holdout import Holdout
from deployer.evaluation.predict import Predictions
from deployer.evaluation.probabilities import as_one_hot, find_why_undefined

__all__ = ["Curve", "Curves", "trace_curves"]

_POINTS = 200
"""Of a curve, at most: more cannot be told apart on a page."""

_BINS = 10
_TWO = 2


@dataclass(frozen=True, slots=True)
class Curve:
    """One class against the rest: points from left to right."""

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Curves:
    """Every class's curves; of two classes only the second's, as the first mirrors it.

    Attributes:
        roc: True positive rate over false positive rate.
        precision_recall: Precision over recall.
        calibration: The share that is of the class, over the probability given, in ten equal bins.
        undefined: Why there are none; empty when there are.
    """

    roc: tuple[Curve, ...] = ()
    precision_recall: tuple[Curve, ...] = ()
    calibration: tuple[Curve, ...] = ()
    undefined: str = ""


def trace_curves(holdout: Holdout, predictions: Predictions) -> Curves:
    """Return the curves, or why there are none."""
    if holdout.task != "classification":
        return Curves(undefined=f"a {holdout.task} has no classes")
    if why := find_why_undefined(holdout, predictions):
        return Curves(undefined=why)
    columns = tuple(_columns(holdout, predictions))
    return Curves(
        roc=tuple(_roc(*column) for column in columns),
        precision_recall=tuple(_precision_recall(*column) for column in columns),
        calibration=tuple(_calibration(*column) for column in columns),
    )


def _columns(
    holdout: Holdout, predictions: Predictions
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    true, given = as_one_hot(holdout, predictions)
    for index, label in enumerate(holdout.classes):
        if index or len(holdout.classes) > _TWO:
            yield str(label), true[:, index], given[:, index]


def _roc(label: str, true: np.ndarray, given: np.ndarray) -> Curve:
    false_positive, true_positive, _ = roc_curve(true, given)
    return _thin(label, false_positive, true_positive)


def _precision_recall(label: str, true: np.ndarray, given: np.ndarray) -> Curve:
    precision, recall, _ = precision_recall_curve(true, given, drop_intermediate=True)
    return _thin(label, recall[::-1], precision[::-1])


def _calibration(label: str, true: np.ndarray, given: np.ndarray) -> Curve:
    share, mean = calibration_curve(true, np.clip(given, 0.0, 1.0), n_bins=_BINS)
    return _thin(label, mean, share)


def _thin(label: str, x: np.ndarray, y: np.ndarray) -> Curve:
    kept = np.unique(np.linspace(0, len(x) - 1, min(len(x), _POINTS)).astype(int))
    return Curve(label, tuple(map(float, x[kept])), tuple(map(float, y[kept])))
