"""Metrics of a classifier's answers, by scikit-learn's own functions."""

from collections.abc import Sequence

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
    names, true, answered = _encode(holdout, predictions)
    classes = list(range(len(names)))
    kept = {"labels": classes, "zero_division": 0.0}
    confusion = _count(true, answered, classes)
    found = {
        "accuracy": accuracy_score(true, answered),
        "balanced_accuracy": recall_score(
            true, answered, labels=sorted(set(true.tolist())), average="macro", zero_division=0.0
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
        classes=tuple(originals[name] for name in names),
        confusion=tuple(tuple(int(cell) for cell in row) for row in confusion),
        per_class=_per_class(true, answered, [originals[name] for name in names]),
        baseline=_baseline(true),
    )


def _count(true: np.ndarray, answered: np.ndarray, classes: list[int]) -> np.ndarray:
    if len(classes) == 1:  # scikit-learn warns that this may be a mistake
        return np.array([[len(true)]])
    return np.asarray(confusion_matrix(true, answered, labels=classes))


def _encode(holdout: Holdout, predictions: Predictions) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return the classes in words, sorted, and both sides as places among them.

    In words, since a server may answer 1.0 or "1" for the class 1; as places, since scikit-learn
    takes numbers ten times as fast.
    """
    sides = [[_word(label) for label in it] for it in (holdout.labels, predictions.answers)]
    names = sorted({*sides[0], *sides[1]})
    places = {name: place for place, name in enumerate(names)}
    true, answered = (np.array([places[word] for word in side]) for side in sides)
    return names, true, answered


def _word(label: Label) -> str:
    return str(int(label)) if isinstance(label, float) and label.is_integer() else str(label)


def _originals(holdout: Holdout, predictions: Predictions) -> dict[str, Label]:
    return {_word(label): label for label in (*predictions.answers, *holdout.labels)}


def _per_class(
    true: np.ndarray, answered: np.ndarray, names: Sequence[Label]
) -> tuple[PerClass, ...]:
    places = list(range(len(names)))
    rows = precision_recall_fscore_support(true, answered, labels=places, zero_division=0.0)
    return tuple(
        PerClass(name, float(p), float(r), float(f), int(support))
        for name, p, r, f, support in zip(names, *rows, strict=True)
    )


def _baseline(true: np.ndarray) -> dict[str, float]:
    """Return the accuracy of answers that ignore the input (scikit-learn's DummyClassifier)."""
    nothing = np.zeros((len(true), 1))
    return {
        name: float(
            DummyClassifier(strategy=strategy, random_state=_SEED)
            .fit(nothing, true)
            .score(nothing, true)
        )
        for name, strategy in (("majority class", "most_frequent"), ("stratified", "stratified"))
    }
