import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deployer.cli.app import app

SPEC = """\
name: iris
model: {{path: ./model}}
targets:
  - name: here
    provider: local
    store: "{store}"
    cluster: {{local: ./cluster}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "store").mkdir()
    (tmp_path / "deployer.yaml").write_text(SPEC.format(store=(tmp_path / "store").as_uri()))
    return tmp_path / "deployer.yaml"


def test_a_target_that_is_well_is_said_to_be(file: Path) -> None:
    ran = CliRunner().invoke(app, ["doctor", "-f", str(file)])
    assert ran.exit_code == 0, ran.output
    assert ran.stdout.startswith("iris: 1 target can take a deploy\n")
    assert all(len(line) <= 100 for line in ran.stdout.splitlines())
    assert list((file.parent / "store").rglob("doctor*")) == []


def test_what_is_wrong_is_told_with_what_to_do_and_has_an_exit_code(file: Path) -> None:
    (file.parent / "store").rmdir()
    (file.parent / "store").write_text("no folder")
    ran = CliRunner().invoke(app, ["doctor", "here", "-f", str(file)])
    assert ran.exit_code == 5
    assert ran.stdout.startswith("iris: 1 of 1 target cannot take a deploy\n")
    assert "here: error: " in ran.stdout
    document = json.loads(CliRunner().invoke(app, ["doctor", "-f", str(file), "-o", "json"]).stdout)
    assert document["schema"] == "deployer/doctor/v1"
    states = {each["check"]: each["state"] for each in document["targets"][0]["findings"]}
    assert states == {"store": "error", "kinds": "ok"}


def test_a_target_that_the_spec_has_not_is_named(file: Path) -> None:
    ran = CliRunner().invoke(app, ["doctor", "mars", "-f", str(file)])
    assert ran.exit_code == 4
    assert "no target 'mars'" in ran.stderr
