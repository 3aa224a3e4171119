import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deployer.cli.app import app


def deployer(*words: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("deployer")
    return subprocess.run([program, *words], capture_output=True, text=True, check=False)


def test_a_cloud_outlives_the_command_that_started_it(tmp_path: Path) -> None:
    place = ("--dir", str(tmp_path / "sandbox"))
    try:
        up = deployer("sandbox", "up", "gcp", *place)
        assert up.returncode == 0, up.stderr
        assert "Next: source" in up.stderr
        status = json.loads(deployer("sandbox", "status", "-o", "json", *place).stdout)
    finally:
        down = deployer("sandbox", "down", "--now", *place)
    states = {one["cloud"]: one["state"] for one in status["clouds"]}
    assert status["schema"] == "deployer/sandbox/v1"
    assert states == {"aws": "down", "gcp": "healthy", "azure": "down"}
    assert Path(status["env"]).read_text().startswith("# Source this")
    assert down.stdout.count("down") == 3


def test_a_cloud_without_a_stand_in_is_bad_input(tmp_path: Path) -> None:
    words = ["sandbox", "up", "kubernetes", "--dir", str(tmp_path / "sandbox")]
    answer = CliRunner().invoke(app, words)
    assert answer.exit_code == 4
    assert "has no stand-in" in answer.stderr


@pytest.mark.parametrize("verb", ["status", "down"])
def test_without_a_sandbox_there_is_nothing_to_say(tmp_path: Path, verb: str) -> None:
    answer = CliRunner().invoke(app, ["sandbox", verb, "--dir", str(tmp_path / "none")])
    assert answer.exit_code == 0
    assert "there is no sandbox" in answer.stderr
