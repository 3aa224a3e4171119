"""What is known of a model's answers once they are compared with what is true."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from deployer.evaluation.holdout import Label

__all__ = ["PerClass", "Score", "Scores"]


@dataclass(frozen=True, slots=True)
class Score:
    """A metric's value, and where it lies in 95 % of the resampled hold-out sets.

    Attributes:
        undefined: Why there is no value; empty when there is one.
        smaller_is_better: Of errors and losses.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    undefined: str = ""
    smaller_is_better: bool = False


@dataclass(frozen=True, slots=True)
class PerClass:
    """How one class fares."""

    label: Label
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class Scores:
    """Everything about one model's answers.

    Attributes:
        confusion: Row: the true class, column: the answered one, in the order of ``classes``.
        baseline: What a model that ignores its input gets, by its name, in the first metric.
    """

    rows: int
    metrics: Mapping[str, Score]
    classes: tuple[Label, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    per_class: tuple[PerClass, ...] = ()
    baseline: Mapping[str, float] = field(default_factory=dict)
