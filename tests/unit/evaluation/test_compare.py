import pytest

from deployer.evaluation import compare_models, find_disagreement


def test_equal_answers_do_not_differ() -> None:
    found = find_disagreement([0, 1.0, "a"], [0.0, 1.0000000001, "a"])
    assert (found.share, found.examples) == (0.0, ())


def test_what_differs_is_counted_and_the_first_are_shown() -> None:
    found = find_disagreement([0] * 8, [0, 1] * 4)
    assert found.share == 0.5
    assert found.examples[0] == (1, 0, 1)
    assert found.examples[-1][0] == 7


def test_mcnemar_by_hand() -> None:
    """Only the first has 1 row right, only the second 9: 2 (1 + 10) / 2^10 = 0.0215."""
    labels = [1] * 20
    first = [1] * 5 + [0] * 5 + [1] + [0] * 9
    second = [1] * 5 + [0] * 5 + [0] + [1] * 9
    found = compare_models(labels, first, second)
    assert (found.only_first, found.only_second) == (1, 9)
    assert found.p_value == pytest.approx(22 / 1024)


def test_models_that_never_differ_are_no_evidence() -> None:
    assert compare_models([1, 1], [1, 0], [1, 0]).p_value == 1.0
