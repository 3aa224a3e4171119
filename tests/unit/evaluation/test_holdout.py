from pathlib import Path

import pytest

from deployer.errors import SourceError
from deployer.evaluation import load_holdout


def write(folder: Path, text: str) -> Path:
    file = folder / "holdout.csv"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("labels", "task", "typed"),
    [
        (("0", "1", "1.0"), "classification", (0, 1, 1)),
        (("setosa", "virginica", "1"), "classification", ("setosa", "virginica", "1")),
        (("0.5", "1", "2"), "regression", (0.5, 1.0, 2.0)),
    ],
)
def test_labels_tell_the_task(
    tmp_path: Path, labels: tuple[str, ...], task: str, typed: tuple[object, ...]
) -> None:
    rows = "".join(f"{i},2.5,{label}\n" for i, label in enumerate(labels))
    found = load_holdout(write(tmp_path, f"a,b,y\n{rows}"))
    assert (found.task, found.labels) == (task, typed)
    assert (found.names, found.label, found.rows[1]) == (("a", "b"), "y", (1.0, 2.5))


def test_many_whole_numbers_are_values_and_a_wish_decides(tmp_path: Path) -> None:
    file = write(tmp_path, "a,y\n" + "".join(f"1,{i}\n" for i in range(60)))
    assert load_holdout(file).task == "regression"
    assert load_holdout(file, task="classification").task == "classification"


def test_the_label_may_stand_anywhere(tmp_path: Path) -> None:
    found = load_holdout(write(tmp_path, "y,a,b\n1,2,3\n"), label="y")
    assert (found.labels, found.rows, found.names) == ((1,), ((2.0, 3.0),), ("a", "b"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,y\n", "there is a header and no row"),
        ("", "expected a header"),
        (
            "a,y\n1,0\nx,1\n,0\n",
            "line 3: a: expected a finite number, got 'x'; line 4: a",
        ),
        ("a,y\nnan,0\n", "line 2: a: expected a finite number, got 'nan'"),
        ("a,y\n1\n", "line 2: 1 cells, 2 columns"),
        ("a,y\n1,\n", "line 2: y: there is no label"),
        ("a,y\n" + "x,1\n" * 9, r"\(and 4 more\)"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SourceError, match=said):
        load_holdout(write(tmp_path, text))


def test_a_label_that_is_no_column_is_named_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no column 'z'") as caught:
        load_holdout(write(tmp_path, "a,y\n1,1\n"), label="z")
    assert caught.value.hint == "It has a, y."


def test_words_are_no_values(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="a regression's labels are numbers"):
        load_holdout(write(tmp_path, "a,y\n1,high\n"), task="regression")


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        load_holdout(tmp_path / "gone.csv")
