"""Metrics of a classifier's answers, by scikit-learn's own functions."""

from collections.abc import Mapping

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    f1_score,
    precision_recall_fscore_support,
    precision_score,
    recall_score,
)

from deployer.evaluation.holdout import Holdout, Label
from deployer.evaluation.predict import Predictions
from deployer.evaluation.probabilities import score_probabilities
from deployer.evaluation.resample import bootstrap_confusion
from deployer.evaluation.score import PerClass, Score, Scores

__all__ = ["score_classification"]

_SEED = 0


def score_classification(holdout: Holdout, predictions: Predictions) -> Scores:
    """Return every metric of the answers, and of the probabilities where there are any."""
    true, answered = _as_labels(holdout, predictions)
    classes = sorted({*true, *answered})
    kept = {"labels": classes, "zero_division": 0.0}
    confusion = _count(true, answered, classes)
    found = {
        "accuracy": accuracy_score(true, answered),
        "balanced_accuracy": recall_score(
            true, answered, labels=sorted(set(true)), average="macro", zero_division=0.0
        ),
        **{
            f"{name}_{average}": score(true, answered, average=average, **kept)
            for average in ("macro", "weighted", "micro")
            for name, score in (
                ("precision", precision_score),
                ("recall", recall_score),
                ("f1", f1_score),
            )
        },
    }
    bounds = bootstrap_confusion(confusion)
    metrics = {
        name: Score(float(value), *bounds.get(name, (None, None))) for name, value in found.items()
    }
    originals = _originals(holdout, predictions)
    return Scores(
        rows=len(holdout),
        metrics={**metrics, **score_probabilities(holdout, predictions)},
        classes=tuple(originals[name] for name in classes),
        confusion=tuple(tuple(int(cell) for cell in row) for row in confusion),
        per_class=_per_class(true, answered, classes, originals),
        baseline=_baseline(true),
    )


def _count(true: list[str], answered: list[str], classes: list[str]) -> np.ndarray:
    if len(classes) == 1:  # scikit-learn warns that this may be a mistake
        return np.array([[len(true)]])
    return np.asarray(confusion_matrix(true, answered, labels=classes))


def _as_labels(holdout: Holdout, predictions: Predictions) -> tuple[list[str], list[str]]:
    """Return both as words: a server may answer 1.0 or "1" for the class 1."""
    return [_word(label) for label in holdout.labels], [_word(it) for it in predictions.answers]


def _word(label: Label) -> str:
    return str(int(label)) if isinstance(label, float) and label.is_integer() else str(label)


def _originals(holdout: Holdout, predictions: Predictions) -> dict[str, Label]:
    return {_word(label): label for label in (*predictions.answers, *holdout.labels)}


def _per_class(
    true: list[str], answered: list[str], classes: list[str], originals: Mapping[str, Label]
) -> tuple[PerClass, ...]:
    rows = precision_recall_fscore_support(true, answered, labels=classes, zero_division=0.0)
    return tuple(
        PerClass(originals[name], float(p), float(r), float(f), int(support))
        for name, p, r, f, support in zip(classes, *rows, strict=True)
    )


def _baseline(true: list[str]) -> dict[str, float]:
    """Return the accuracy of answers that ignore the input (scikit-learn's DummyClassifier)."""
    nothing = [[0.0]] * len(true)
    return {
        name: float(
            DummyClassifier(strategy=strategy, random_state=_SEED)
            .fit(nothing, true)
            .score(nothing, true)
        )
        for name, strategy in (("majority class", "most_frequent"), ("stratified", "stratified"))
    }
