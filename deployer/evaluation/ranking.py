"""Metrics of a ranking: how well a model's scores put each query's relevant rows first."""

from collections.abc import Sequence

import numpy as np
from sklearn.metrics import ndcg_score

from deployer.errors import SourceError
from deployer.evaluation.compare import ErrorChange
from deployer.evaluation.holdout import Holdout, Label
from deployer.evaluation.numbers import read_numbers
from deployer.evaluation.predict import Predictions
from deployer.evaluation.resample import bootstrap_change, bootstrap_errors
from deployer.evaluation.score import Score, Scores

__all__ = ["compare_rankings", "score_ranking"]

_TOP = 10
_TWO = 2


def score_ranking(holdout: Holdout, predictions: Predictions) -> Scores:
    """Return means over queries: NDCG, NDCG among the first ten, and the reciprocal rank.

    NDCG is scikit-learn's. The reciprocal rank is 1 / place of the first relevant row, where equal
    scores count as the last of their places; with one relevant row per query it is scikit-learn's
    label ranking average precision. Queries of one row, or without a relevant one, cannot be ranked
    and are left out.

    Raises:
        SourceError: A label is below 0, or an answer is no finite number.
    """
    queries = _split(holdout, predictions.answers)
    found = {
        "ndcg": [_ndcg(true, given) for true, given in queries],
        f"ndcg_at_{_TOP}": [_ndcg(true, given, _TOP) for true, given in queries],
        "mrr": [_reciprocal_rank(true, given) for true, given in queries],
    }
    baseline = {"all alike": float(np.mean([_ndcg(true, 0 * true) for true, _ in queries] or [0]))}
    return Scores(
        rows=len(holdout),
        metrics={name: _mean(np.asarray(values)) for name, values in found.items()},
        baseline=baseline if queries else {},
    )


def compare_rankings(
    holdout: Holdout, first: Sequence[Label], second: Sequence[Label]
) -> ErrorChange:
    """Compare two models by how far each query's NDCG is from 1, query by query.

    Raises:
        SourceError: As `score_ranking` does, or no query can be ranked.
    """
    one, two = (
        np.array([1 - _ndcg(true, given) for true, given in _split(holdout, answers)])
        for answers in (first, second)
    )
    if not len(one):
        raise SourceError(_WHY_NOT)
    change, (low, high) = bootstrap_change(one, two)
    return ErrorChange(change, low, high)


_WHY_NOT = "no query has two rows and a relevant one among them"


def _split(holdout: Holdout, answers: Sequence[Label]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return relevance and scores of each query that can be ranked."""
    true, given = np.asarray(holdout.labels, dtype=float), read_numbers(answers)
    if (true < 0).any():
        raise SourceError("a relevance is below 0; 0 is of no use, more is better")
    rows: dict[Label, list[int]] = {}
    for index, query in enumerate(holdout.queries):
        rows.setdefault(query, []).append(index)
    parts = [(true[places], given[places]) for places in rows.values()]
    return [(one, two) for one, two in parts if len(one) >= _TWO and one.any()]


def _ndcg(true: np.ndarray, given: np.ndarray, top: int | None = None) -> float:
    return float(ndcg_score([true], [given], k=top))


def _reciprocal_rank(true: np.ndarray, given: np.ndarray) -> float:
    best = given[true > 0].max()
    return 1.0 / float((given >= best).sum())


def _mean(values: np.ndarray) -> Score:
    if not len(values):
        return Score(None, undefined=_WHY_NOT)
    interval, _ = bootstrap_errors(values)
    return Score(float(values.mean()), *interval)
