from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.rendering.text import format_yaml
from deployer.spec.tree import parse_trees

TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20) | st.sampled_from(
    ["yes", "on", "010", "1_000", "12:30", "2026-11-23", "1e3", "null", "~", "0x1", "true", "y"]
)


@given(st.dictionaries(st.sampled_from("abc"), TEXTS | st.booleans() | st.integers(-9, 9)))
def test_what_is_written_reads_back(document: dict[str, object]) -> None:
    [tree] = parse_trees(format_yaml([document]), file=Path("x"))
    assert tree.data == document


@pytest.mark.parametrize(
    "text", ["yes", "No", "on", "y", "010", "1_000", "12:30", "1e3", "0o7", "="]
)
def test_words_that_older_readers_take_for_values_are_quoted(text: str) -> None:
    assert format_yaml([{"a": text}]) == f'---\na: "{text}"\n'


def test_long_lines_stay_whole_and_equal_objects_stay_apart() -> None:
    shared = {"x": "word " * 100}
    text = format_yaml([{"a": shared, "b": shared}])
    assert "&" not in text
    assert len(text.splitlines()) == 5
