import os
import subprocess
import sys
from pathlib import Path

import pytest

DEPLOYER = str(Path(sys.executable).parent / "deployer")


def run_help(columns: int, *arguments: str) -> str:
    return subprocess.run(
        [DEPLOYER, *arguments],
        env={**os.environ, "COLUMNS": str(columns)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.mark.parametrize("flag", ["--help", "-h"])
@pytest.mark.parametrize("columns", [50, 80, 200])
def test_the_help_fits_the_terminal(flag: str, columns: int) -> None:
    page = run_help(columns, flag)
    assert page.startswith("Usage: deployer ")
    assert "rollback" in page
    assert max(map(len, page.splitlines())) <= columns


def test_only_the_bare_help_is_a_written_page() -> None:
    assert run_help(80, "plan", "--help").startswith("Usage: deployer plan ")
    assert run_help(80, "--version").startswith("deployer ")


def test_a_reader_that_left_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [DEPLOYER, "--help"], stdout=writing, stderr=subprocess.PIPE, check=False, text=True
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")
