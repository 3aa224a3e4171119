"""Answers that must be numbers: of regressions and rankings."""

import math
from collections.abc import Sequence

import numpy as np

from deployer.errors import SourceError
from deployer.evaluation.holdout import Label

__all__ = ["read_numbers"]


def read_numbers(answers: Sequence[Label]) -> np.ndarray:
    """Return the answers as numbers.

    Raises:
        SourceError: One is no finite number.
    """
    return np.asarray([_finite(answer) for answer in answers], dtype=float)


def _finite(answer: Label) -> float:
    value = float(answer) if isinstance(answer, int | float) else math.nan
    if not math.isfinite(value):
        raise SourceError(f"the model answered {answer!r}, which is no finite number")
    return value
