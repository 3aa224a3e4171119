import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deployer.cli.app import app
from deployer.spec.tree import parse_trees

DIGEST = "sha256:" + "0" * 64
ON_A_CLUSTER = [
    *("ServiceAccount", "ConfigMap", "NetworkPolicy", "PodDisruptionBudget"),
    *("Service", "Deployment", "Service"),
]
ON_ONE_MACHINE = ["ServiceAccount", "ConfigMap", "Service", "Deployment", "Service"]


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.chdir(tmp_path)
    return CliRunner()


def test_a_spec_can_be_written_and_rendered_at_once(runner: CliRunner) -> None:
    written = runner.invoke(app, ["init", "aws", "local", "aws", "--name", "iris"])
    assert written.exit_code == 0
    assert "deployer.yaml is written" in written.stderr
    rendered = runner.invoke(app, ["render", "--digest", DIGEST, "--release", "7"])
    assert rendered.exit_code == 0
    kinds = [tree.data["kind"] for tree in parse_trees(rendered.stdout, file=Path("out"))]
    assert kinds == ON_A_CLUSTER + ON_ONE_MACHINE
    assert "name: iris-r7" in rendered.stdout


def test_all_three_public_clouds_are_the_default(runner: CliRunner) -> None:
    assert runner.invoke(app, ["init"]).exit_code == 0
    text = Path("deployer.yaml").read_text()
    assert [f"provider: {cloud}" in text for cloud in ("aws", "gcp", "azure", "local")] == [
        True,
        True,
        True,
        False,
    ]


def test_a_spec_is_never_overwritten(runner: CliRunner) -> None:
    Path("deployer.yaml").write_text("mine")
    result = runner.invoke(app, ["init"])
    assert result.exit_code == 4
    assert "is there already" in result.stderr
    assert Path("deployer.yaml").read_text() == "mine"


def test_the_schema_is_json(runner: CliRunner) -> None:
    result = runner.invoke(app, ["schema"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["required"] == ["name", "model", "targets"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "cannot read deployer.yaml"),
        ("name: [", "deployer.yaml:1:8: a bracket that is never closed"),
        ("name: iris\n", "deployer.yaml:1:1: targets is missing"),
    ],
)
def test_a_bad_spec_is_bad_input(runner: CliRunner, text: str | None, words: str) -> None:
    if text is not None:
        Path("deployer.yaml").write_text(text)
    result = runner.invoke(app, ["render", "--digest", DIGEST])
    assert result.exit_code == 4
    assert words in result.stderr
    assert result.stdout == ""


def test_a_target_that_is_not_there_is_bad_input(runner: CliRunner) -> None:
    runner.invoke(app, ["init", "aws"])
    result = runner.invoke(app, ["render", "--digest", DIGEST, "--target", "aws"])
    assert result.exit_code == 4
    assert "aws-virginia" in result.stderr
