from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import label_ranking_average_precision_score, ndcg_score

from deployer.errors import SourceError
from deployer.evaluation.bounds import metric_names
from deployer.evaluation.holdout import Holdout, load_holdout
from deployer.evaluation.metrics import compare_answers, score_predictions
from deployer.evaluation.predict import Predictions

QUERIES = ("a", "b", "a", "a", "b", "c", "d", "d")
LABELS = (2, 1, 0, 1, 0, 3, 0, 0)


def ranked(*answers: Any, labels: tuple[Any, ...] = LABELS) -> tuple[Holdout, Predictions]:
    rows = tuple((float(n),) for n in range(len(labels)))
    holdout = Holdout(("x",), "relevance", rows, labels, "ranking", QUERIES[: len(labels)])
    return holdout, Predictions(answers, None, (0.1,))


def test_the_metrics_are_means_over_queries_that_can_be_ranked() -> None:
    """Query a: relevance 2, 0, 1 with scores 0.1, 0.9, 0.5, so that the order is 0, 1, 2.

    DCG = 0/log2 2 + 1/log2 3 + 2/log2 4 = 0.6309 + 1 = 1.6309; ideal 2 + 0.6309 = 2.6309: 0.6199.
    Its first relevant row is second: 1/2. Query b puts its relevant row first: 1 and 1. c has one
    row, d no relevant one. Means: (0.6199 + 1)/2 = 0.8100 and 0.75.
    """
    holdout, predictions = ranked(0.1, 0.8, 0.9, 0.5, 0.2, 1, 1, 2)
    scores = score_predictions(holdout, predictions)
    assert tuple(scores.metrics) == metric_names(holdout)
    assert scores.metrics["ndcg"].value == pytest.approx(0.8100, abs=1e-4)
    assert scores.metrics["mrr"].value == pytest.approx(0.75)
    own = (ndcg_score([[2, 0, 1]], [[0.1, 0.9, 0.5]]) + ndcg_score([[1, 0]], [[0.8, 0.2]])) / 2
    assert scores.metrics["ndcg"].value == pytest.approx(own)
    assert scores.metrics["mrr"].low is not None
    assert set(scores.baseline) == {"all alike"}


def test_with_one_relevant_row_the_reciprocal_rank_is_scikit_learns() -> None:
    rng = np.random.default_rng(3)
    given = rng.integers(0, 4, size=8).astype(float)  # with ties
    labels = (0, 0, 1, 0, 1, 0, 0, 1)
    holdout, predictions = ranked(*given, labels=labels)
    found = score_predictions(holdout, predictions).metrics["mrr"].value
    parts = [[i for i, q in enumerate(QUERIES) if q == name] for name in "abd"]
    own = [
        label_ranking_average_precision_score([[labels[i] for i in p]], [given[p]]) for p in parts
    ]
    assert found == pytest.approx(float(np.mean(own)))


def test_what_cannot_be_ranked_is_undefined_and_says_so() -> None:
    holdout, predictions = ranked(1, 2, 3, labels=(0, 0, 0))
    score = score_predictions(holdout, predictions).metrics["ndcg"]
    assert score.value is None
    assert score.undefined == "no query has two rows and a relevant one among them"
    with pytest.raises(SourceError, match="no query has two rows"):
        compare_answers(holdout, (1, 2, 3), (3, 2, 1))


def test_two_models_are_compared_query_by_query() -> None:
    holdout, _ = ranked()
    best, worst = (2, 1, 0, 1, 0, 3, 0, 0), (0, 0, 2, 1, 1, 3, 0, 0)
    change = compare_answers(holdout, best, worst)
    assert change == compare_answers(holdout, best, worst)
    assert compare_answers(holdout, best, best) != change


@pytest.mark.parametrize(
    ("answers", "labels", "why"),
    [
        ((1, 2, "three"), (1, 0, 1), "no finite number"),
        ((1, 2, float("nan")), (1, 0, 1), "no finite number"),
        ((1, 2, 3), (1, -1, 1), "below 0"),
    ],
)
def test_scores_are_numbers_and_relevance_is_not_below_0(
    answers: tuple[Any, ...], labels: tuple[int, ...], why: str
) -> None:
    with pytest.raises(SourceError, match=why):
        score_predictions(*ranked(*answers, labels=labels))


def test_the_querys_column_is_no_feature(tmp_path: Path) -> None:
    file = tmp_path / "ranked.csv"
    file.write_text("q,x,relevance\nred shoes,1,2\nhats,2,0\n")
    held = load_holdout(file, query="q")
    assert (held.names, held.rows, held.task) == (("x",), ((1.0,), (2.0,)), "ranking")
    assert (held.queries, held.labels) == (("red shoes", "hats"), (2, 0))
    with pytest.raises(SourceError, match="no column 'relevance' besides the label"):
        load_holdout(file, query="relevance")
