"""Two models, or one model in two places, on the same rows."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from deployer.evaluation.holdout import Label

__all__ = [
    "Comparison",
    "Disagreement",
    "ErrorChange",
    "compare_models",
    "find_disagreement",
]

_EXAMPLES = 5
_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Disagreement:
    """How far one target's answers are from another's.

    Attributes:
        share: Of the rows that got another answer.
        examples: The first few: number of the row, the answer there, the answer here.
    """

    share: float
    examples: tuple[tuple[int, Label, Label], ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Whether two models differ by more than chance.

    Attributes:
        only_first: Rows that only the first has right.
        only_second: Rows that only the second has right.
        p_value: Of McNemar's exact test: how likely such a split is when both are equally good.
    """

    only_first: int
    only_second: int
    p_value: float


@dataclass(frozen=True, slots=True)
class ErrorChange:
    """By how much the mean absolute error grows from a first regression to a second.

    Attributes:
        change: In the labels' unit; negative when the second is better.
        low: Where it lies in 95 % of the resampled hold-out sets; 0 inside may be chance.
        high: The other end.
    """

    change: float
    low: float
    high: float


def find_disagreement(there: Sequence[Label], here: Sequence[Label]) -> Disagreement:
    """Compare two targets' answers row by row; numbers may differ by one in a million."""
    differing = [
        (row, first, second)
        for row, (first, second) in enumerate(zip(there, here, strict=True))
        if not _same(first, second)
    ]
    return Disagreement(len(differing) / max(1, len(there)), tuple(differing[:_EXAMPLES]))


def compare_models(
    labels: Sequence[Label], first: Sequence[Label], second: Sequence[Label]
) -> Comparison:
    """Compare two classifiers on rows that both answered (McNemar 1947, exact binomial form).

    Rows on which both are right, or both are wrong, say nothing about which one is better.
    """
    rights = [
        (_same(label, one), _same(label, other))
        for label, one, other in zip(labels, first, second, strict=True)
    ]
    only_first = sum(one and not other for one, other in rights)
    only_second = sum(other and not one for one, other in rights)
    return Comparison(only_first, only_second, _exact_p(only_first, only_second))


def _exact_p(first: int, second: int) -> float:
    """Return the two-sided probability of a fair coin being at least as uneven."""
    total, fewer = first + second, min(first, second)
    tail: float = sum(math.comb(total, k) for k in range(fewer + 1)) / 2**total
    return min(1.0, 2.0 * tail)


def _same(first: Label, second: Label) -> bool:
    numbers = isinstance(first, int | float) and isinstance(second, int | float)
    if numbers:
        return math.isclose(float(first), float(second), rel_tol=_TOLERANCE, abs_tol=1e-9)
    return str(first) == str(second)
