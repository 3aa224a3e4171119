"""The tables of docs/costs.md name tests that there are."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "costs.md"
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def list_rows(title: str) -> list[str]:
    section = PAGE.read_text(encoding="utf-8").split(f"## {title}\n")[1].split("\n## ")[0]
    return [line for line in section.splitlines() if line.startswith("| ")][1:]


def list_tests(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def find_docstring(file: str, name: str) -> str:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    (found,) = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == name]
    return ast.get_docstring(found) or ""


@pytest.mark.parametrize(
    ("title", "least"), [("Formulas", 15), ("What is promised, and by which test", 25)]
)
def test_every_row_names_tests_and_each_is_there(title: str, least: int) -> None:
    rows = list_rows(title)
    assert len(rows) >= least
    for row in rows:
        named = NAMED.findall(row)
        assert named, row
        for file, name in named:
            assert name in list_tests(file), f"{file} has no {name}"


def test_every_formula_is_worked_by_hand_with_numbers() -> None:
    for row in list_rows("Formulas"):
        texts = [find_docstring(file, name) for file, name in NAMED.findall(row)]
        assert any(re.search(r"\d", text) for text in texts), row
