"""What a model must reach to be let in: thresholds, and how much worse than another it may be."""

from collections.abc import Iterator, Mapping

from deployer.evaluation.holdout import Holdout
from deployer.evaluation.score import Scores

__all__ = ["find_losses", "find_misses", "format_bounds", "metric_names"]

_AVERAGES = ("macro", "weighted", "micro")
_TWO = 2


def metric_names(holdout: Holdout) -> tuple[str, ...]:
    """Return the metrics there are for such a hold-out set, whether or not one is undefined."""
    if holdout.task == "regression":
        return ("mae", "rmse", "r2")
    if holdout.task == "ranking":
        return ("ndcg", "ndcg_at_10", "mrr")
    averaged = [
        f"{name}_{average}" for average in _AVERAGES for name in ("precision", "recall", "f1")
    ]
    areas = ["roc_auc"] if len(holdout.classes) == _TWO else ["roc_auc_ovr", "roc_auc_ovo"]
    return (
        *("accuracy", "balanced_accuracy"),
        *averaged,
        *areas,
        *("pr_auc", "log_loss", "brier", "ece"),
    )


def find_misses(scores: Scores, bounds: Mapping[str, float]) -> tuple[str, ...]:
    """Return in words what misses its bound: the least of a score, the most of an error or a loss.

    A metric that is undefined, or that there is not, misses its bound.
    """
    return tuple(_misses(scores, bounds))


def find_losses(
    scores: Scores, before: Scores, margins: Mapping[str, float]
) -> tuple[tuple[str, str], ...]:
    """Return what is worse than ``before`` by more than its margin: what it is, and what it was."""
    return tuple(_losses(scores, before, margins))


def format_bounds(scores: Scores, bounds: Mapping[str, float]) -> str:
    """Return the metrics that have a bound, with it: ``f1_macro 0.9778 (at least 0.9)``."""
    sides = {True: "at most", False: "at least"}
    return ", ".join(
        f"{name} {metric.value:.4f} ({sides[metric.smaller_is_better]} {bound:g})"
        for name, bound in bounds.items()
        if (metric := scores.metrics[name]).value is not None
    )


def _misses(scores: Scores, bounds: Mapping[str, float]) -> Iterator[str]:
    for name, bound in bounds.items():
        metric = scores.metrics.get(name)
        if metric is None:
            yield f"there is no metric {name}; there are {', '.join(scores.metrics)}"
        elif metric.value is None:
            yield f"{name} is undefined: {metric.undefined}"
        elif metric.smaller_is_better and metric.value > bound:
            yield f"{name} is {metric.value:.4f}, above {bound:g}"
        elif not metric.smaller_is_better and metric.value < bound:
            yield f"{name} is {metric.value:.4f}, below {bound:g}"


def _losses(
    scores: Scores, before: Scores, margins: Mapping[str, float]
) -> Iterator[tuple[str, str]]:
    for name, margin in margins.items():
        now, then = scores.metrics.get(name), before.metrics.get(name)
        if then is None or then.value is None:
            continue  # there is nothing to lose
        if now is None or now.value is None:
            why = now.undefined if now is not None else "there is no such metric"
            yield f"{name} is undefined: {why}", f"{then.value:.4f}"
        elif (now.value - then.value) * (1 if now.smaller_is_better else -1) > margin:
            yield f"{name} is {now.value:.4f}", f"{then.value:.4f}"
