"""What can be compiled is there, and nothing compiled lies in the tree, where it would be stale."""

import tomllib
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def named(root: Path) -> list[str]:
    settings = tomllib.loads((root / "pyproject.toml").read_text())
    hook = settings["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["mypyc"]
    assert hook["enable-by-default"] is False
    found: list[str] = hook["include"]
    return found


def test_every_module_that_is_named_is_there(root: Path, named: list[str]) -> None:
    assert named == sorted(set(named))
    assert [name for name in named if not (root / name.removeprefix("/")).is_file()] == []


def test_nothing_compiled_lies_beside_its_source(root: Path) -> None:
    assert list((root / "deployer").rglob("*.so")) == []
