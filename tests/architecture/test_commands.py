"""Every command explains itself, and what it explains with works."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from deployer.cli.app import app

SplitCalls = Callable[[str], Iterator[list[str]]]
CheckCall = Callable[[list[str]], None]

COLUMNS = 80
UNHELPFUL = ("<str>", "<path>", "<int>", "<float>")


def is_runnable(command: Any) -> bool:
    """Tell whether it does something by itself, as a group only does when it says so."""
    return not hasattr(command.typed, "commands") or command.typed.invoke_without_command


def paragraphs(command: Any) -> list[str]:
    return [part.strip() for part in command.typed.help.split("\n\n")]


def help_of(command: Any) -> str:
    answer = CliRunner().invoke(app, [*command.words[1:], "--help"], env={"COLUMNS": str(COLUMNS)})
    assert answer.exit_code == 0, answer.output
    return answer.output


def test_the_help_begins_with_one_sentence_that_fits_the_list_of_commands(
    commands: list[Any],
) -> None:
    for command in commands:
        first = paragraphs(command)[0]
        assert first.endswith("."), command.name
        assert "\n" not in first, command.name
        assert ". " not in first, command.name
        assert "..." not in help_of(command).partition("\nCommands:")[2], command.name


def test_every_command_shows_an_example_of_itself(commands: list[Any]) -> None:
    for command in filter(is_runnable, commands):
        examples = [part for part in paragraphs(command) if part.startswith("Example: ")]
        assert len(examples) == 1, command.name
        assert examples[0].startswith(f"Example: {command.name}"), command.name


def test_every_example_is_a_call_that_works(
    commands: list[Any], split_calls: SplitCalls, check_call: CheckCall
) -> None:
    lines = [
        part.removeprefix("Example: ")
        for command in commands
        for part in paragraphs(command)
        if part.startswith("Example: ")
    ]
    calls = [call for line in lines for call in split_calls(line)]
    assert len(calls) >= len(lines)
    for call in calls:
        check_call(call)


@pytest.mark.parametrize(
    "line",
    [
        "deployer deploi",
        "deployer plan --sav x",
        "deployer plan -o yaml",
        "deployer history show x",
        "deployer pull",
    ],
)
def test_the_check_of_examples_finds_what_does_not_exist(
    line: str, split_calls: SplitCalls, check_call: CheckCall
) -> None:
    (call,) = split_calls(line)
    with pytest.raises(Exception, match=r"[Nn]o such|not one of|valid integer|Missing"):
        check_call(call)


def test_every_option_says_what_it_takes_and_what_for(commands: list[Any]) -> None:
    for command in commands:
        text = help_of(command).partition("\nOptions:")[2]
        assert not [word for word in UNHELPFUL if word in text], command.name
        for parameter in command.typed.params:
            assert parameter.help, f"{command.name}: {parameter.name} says nothing"


def test_a_shell_line_is_split_into_our_calls(split_calls: SplitCalls) -> None:
    line = "deployer render -t a | kubectl diff -f - && deployer plan > plan.txt # deployer x"
    assert list(split_calls(line)) == [["deployer", "render", "-t", "a"], ["deployer", "plan"]]
