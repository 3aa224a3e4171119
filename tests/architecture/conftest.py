"""What the architecture tests look at: the source as syntax trees, the commands as a tree."""

import ast
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from deployer.cli.app import app

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Module:
    """One file of the package, parsed."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"


@dataclass(frozen=True)
class Command:
    """A command by the words one types, and typer's object for it."""

    words: tuple[str, ...]
    typed: Any

    @property
    def name(self) -> str:
        return " ".join(self.words)


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the repository's root."""
    return ROOT


@pytest.fixture(scope="session")
def modules() -> list[Module]:
    """Return every module of the package."""
    return [
        Module(_dotted(path), path, ast.parse(path.read_text()))
        for path in sorted((ROOT / "deployer").rglob("*.py"))
    ]


@pytest.fixture(scope="session")
def commands() -> list[Command]:
    """Return every command and group, the root first."""
    return list(_walk(get_command(app), ("deployer",)))


@pytest.fixture(scope="session")
def split_calls() -> Callable[[str], Iterator[list[str]]]:
    """Return the function that finds the calls of ours in a shell line."""
    return _split_calls


@pytest.fixture(scope="session")
def check_call() -> Callable[[list[str]], None]:
    """Return the function that finds out whether a call could be made; it runs nothing."""
    return _check_call


def _dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _walk(command: Any, words: tuple[str, ...]) -> Iterator[Command]:
    yield Command(words, command)
    for name, child in getattr(command, "commands", {}).items():
        yield from _walk(child, (*words, name))


def _split_calls(line: str) -> Iterator[list[str]]:
    """Split a shell line into the calls of ours in it."""
    call: list[str] = []
    for word in [*shlex.split(line, comments=True), ";"]:
        if word in (";", "&&", "||", "|", "&") or word.startswith((">", "<", "2>")):
            if call[:1] == ["deployer"]:
                yield call
            call = [] if not word.startswith((">", "<", "2>")) else ["(redirected)"]
        else:
            call.append(word)


def _check_call(words: list[str]) -> None:
    """Raise typer's own error when a command or an option is not there, or a value is wrong."""
    command: Any = get_command(app)
    parent: Any = None
    rest = words
    while True:
        context = command.context_class(command, info_name=rest[0], parent=parent)
        values, rest, _ = command.make_parser(context).parse_args(rest[1:])
        for parameter in command.get_params(context):
            parameter.process_value(context, values.get(parameter.name))
        if not (hasattr(command, "commands") and rest):
            break
        _, child, _ = command.resolve_command(context, list(rest))
        command, parent = child, context
    assert not rest, f"{' '.join(words)}: {rest} is too much"
