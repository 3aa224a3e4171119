import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from deployer.cli.app import app

SPEC = """\
name: iris
model: {path: ./model}
targets:
  - {name: here, provider: local, store: "file://STORE", cluster: {local: ./cluster}}
"""
COMMANDS = [["status"], ["report", "health"], ["report", "cost"], ["history"]]


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """Return a spec of one target on this machine, its store there, nothing deployed."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.joblib").write_bytes(b"model")
    (tmp_path / "store").mkdir()
    file = tmp_path / "deployer.yaml"
    file.write_text(SPEC.replace("STORE", str(tmp_path / "store")))
    return file


def run(command: list[str], spec: Path, *more: str) -> Any:
    return CliRunner().invoke(app, [*command, "-f", str(spec), *more])


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_nothing_deployed_is_an_answer(command: list[str], spec: Path) -> None:
    result = run(command, spec)
    assert result.exit_code == (3 if command[-1] in {"status", "health"} else 0)
    assert result.stdout.startswith("iris: ")
    assert not result.stderr


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_reading_command_answers_in_json(command: list[str], spec: Path) -> None:
    document = json.loads(run(command, spec, "-o", "json").stdout)
    assert document["schema"] == f"deployer/{command[-1]}/v1"
    assert document["name"] == "iris"


@pytest.mark.parametrize("command", [["status"], ["report", "health"]], ids=" ".join)
def test_a_state_that_cannot_be_read_is_unknown_to_scripts(command: list[str], spec: Path) -> None:
    head = spec.parent / "store" / "deployer" / "iris" / "head.json"
    head.parent.mkdir(parents=True)
    head.write_text("no record")
    result = run(command, spec)
    assert result.exit_code == 3
    assert "is damaged" in result.stderr
    assert not result.stdout


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_state_that_nobody_can_open_is_a_matter_of_setup(command: list[str], spec: Path) -> None:
    (spec.parent / "store").rmdir()
    (spec.parent / "store").write_text("a file")
    result = run(command, spec)
    assert result.exit_code == 5
    assert result.stderr.startswith("error: reading head.json of iris")
    assert not result.stdout


def test_a_release_that_is_not_there_is_one_paragraph(spec: Path) -> None:
    result = run(["history", "show", "7"], spec)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: iris has no release 7\n")


@pytest.mark.parametrize("command", [*COMMANDS, ["history", "show"], ["report"]], ids=" ".join)
def test_help_begins_with_a_sentence(command: list[str]) -> None:
    result = CliRunner().invoke(app, [*command, "--help"])
    assert result.exit_code == 0
    sentence = result.stdout.split("\n\n")[1].strip()
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert command == ["report"] or f"Example: deployer {' '.join(command)}" in result.stdout
