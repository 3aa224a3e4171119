"""Terraform's own checks of every module and environment: validate, and the modules' tests."""

import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2] / "terraform"
MODULES = ("modules/aws", "modules/gcp", "modules/azure")
ENVIRONMENTS = ("envs/three-clouds", "envs/aws-only", "envs/existing-clusters", "envs/dev")
BACKENDS = ("envs/state/s3", "envs/state/gcs", "envs/state/azurerm")


@pytest.mark.parametrize("where", [*MODULES, *ENVIRONMENTS, *BACKENDS])
def test_it_is_valid_against_the_whole_schema(workshop: Any, where: str) -> None:
    told = json.loads(workshop.run(where, "validate", "-json").out)
    assert told["valid"]
    assert told["diagnostics"] == []


@pytest.mark.parametrize("where", ["modules/aws", "envs/aws-only"])
def test_it_is_valid_with_the_real_provider(real_workshop: Any, where: str) -> None:
    told = json.loads(real_workshop.run(where, "validate", "-json").out)
    assert told["valid"]
    assert told["diagnostics"] == []


@pytest.mark.parametrize("where", MODULES)
def test_its_own_tests_pass(workshop: Any, where: str) -> None:
    assert_passed(workshop.run(where, "test", "-no-color", expect=None))


def test_its_own_tests_pass_with_the_real_provider(real_workshop: Any) -> None:
    if Path(real_workshop.binary).name == "tofu":
        pytest.skip("OpenTofu makes up ARNs that the real provider's own checks refuse")
    assert_passed(real_workshop.run("modules/aws", "test", "-no-color", expect=None))


def assert_passed(done: Any) -> None:
    assert done.code == 0, done.said
    assert ", 0 failed" in done.said


def test_no_environment_is_left_out() -> None:
    folders = {path.parent.relative_to(ROOT) for path in ROOT.glob("envs/**/*.tf")}
    assert {str(folder) for folder in folders} == {*ENVIRONMENTS, *BACKENDS}
