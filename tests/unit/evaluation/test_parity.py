import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.evaluation import choose_reference, find_differences

VALUES = st.recursive(
    st.integers() | st.floats(allow_nan=False) | st.text(max_size=3) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=6,
)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.text(max_size=3), VALUES, max_size=4))
def test_equal_answers_never_differ(answers: dict[str, object]) -> None:
    assert find_differences(answers, dict(answers), tolerance=0.0) == ()


@pytest.mark.parametrize(
    ("wanted", "got", "agrees"),
    [
        (0.5, 0.5000004, True),
        (0.5, 0.500002, False),
        (1e9, 1e9 + 500, True),
        (0.0, 1e-7, True),
        ([1, 0.25], [1, 0.2500001], True),
        ([1, 0.25], [1], False),
        ({"a": 1.0}, {"a": 1.0000001}, True),
        ({"a": 1}, {"b": 1}, False),
        ("setosa", "virginica", False),
        (1, "1", False),
        (math.nan, math.nan, False),
        ([math.nan], [math.nan], False),
    ],
)
def test_numbers_may_differ_by_the_tolerance_and_nothing_else_may(
    wanted: object, got: object, *, agrees: bool
) -> None:
    assert (find_differences({"row 1": wanted}, {"row 1": got}, tolerance=1e-6) == ()) is agrees


def test_a_missing_answer_differs_in_both_directions() -> None:
    for wanted, got in (({"row 1": 1}, {}), ({}, {"row 1": 1})):
        assert [it.where for it in find_differences(wanted, got, tolerance=1.0)] == ["row 1"]


def test_of_three_the_odd_one_out_is_never_the_reference() -> None:
    right, wrong = {"row 1": 0, "row 2": 1}, {"row 1": 1, "row 2": 0}
    places = {"aws": wrong, "azure": right, "gcp": right}
    assert choose_reference(places, tolerance=0.0) == "azure"
    assert choose_reference({"gcp": wrong, "aws": right}, tolerance=0.0) == "aws"


def test_the_reference_is_the_nearest_to_all_where_no_two_are_equal() -> None:
    places = {"a": {"r": 0, "s": 9}, "b": {"r": 1, "s": 1}, "c": {"r": 1, "s": 9}}
    assert choose_reference(places, tolerance=0.0) == "c"


def test_without_answers_there_is_no_reference() -> None:
    with pytest.raises(ValueError, match="no answers"):
        choose_reference({}, tolerance=0.0)
