"""Intervals by resampling: how much a metric depends on which rows happened to be held out."""

import numpy as np

__all__ = ["Interval", "bootstrap_change", "bootstrap_confusion", "bootstrap_errors"]

Interval = tuple[float, float]
"""The lower and the upper end."""

_RESAMPLES = 1000
_SEED = 0


def bootstrap_confusion(confusion: np.ndarray) -> dict[str, Interval]:
    """Return 95 % intervals of what the confusion matrix determines.

    Drawing rows with replacement is drawing the matrix's cells from a multinomial, so a resample
    costs the number of classes squared and not the number of rows.
    """
    total = int(confusion.sum())
    drawn = np.random.default_rng(_SEED).multinomial(
        total, (confusion / total).ravel(), size=_RESAMPLES
    )
    tables = drawn.reshape(_RESAMPLES, *confusion.shape)
    right = np.diagonal(tables, axis1=1, axis2=2)
    asked, answered = tables.sum(axis=2), tables.sum(axis=1)
    by_class = {
        "precision": right / np.maximum(answered, 1),
        "recall": right / np.maximum(asked, 1),
        "f1": 2 * right / np.maximum(asked + answered, 1),
    }
    accuracy = _interval(right.sum(axis=1) / total)
    there = confusion.sum(axis=1) > 0
    found = {"accuracy": accuracy}
    found["balanced_accuracy"] = _interval(by_class["recall"][:, there].mean(axis=1))
    for name, values in by_class.items():
        found[f"{name}_macro"] = _interval(values.mean(axis=1))
        found[f"{name}_weighted"] = _interval((values * asked).sum(axis=1) / total)
        found[f"{name}_micro"] = accuracy
    return found


def bootstrap_errors(errors: np.ndarray) -> tuple[Interval, Interval]:
    """Return 95 % intervals of the mean absolute and the root mean squared error."""
    rng, count = np.random.default_rng(_SEED), len(errors)
    absolute, squared = np.empty(_RESAMPLES), np.empty(_RESAMPLES)
    for index in range(_RESAMPLES):
        drawn = errors[rng.integers(0, count, count)]
        absolute[index], squared[index] = np.abs(drawn).mean(), (drawn**2).mean()
    return _interval(absolute), _interval(np.sqrt(squared))


def bootstrap_change(first: np.ndarray, second: np.ndarray) -> tuple[float, Interval]:
    """Return by how much the mean absolute error grows from one model's errors to another's.

    Rows are drawn for both at once (a paired bootstrap): what is hard for both counts for neither.
    """
    rng, grown = np.random.default_rng(_SEED), np.abs(second) - np.abs(first)
    count = len(grown)
    means = [grown[rng.integers(0, count, count)].mean() for _ in range(_RESAMPLES)]
    return float(grown.mean()), _interval(np.asarray(means))


def _interval(values: np.ndarray) -> Interval:
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)
