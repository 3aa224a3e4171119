"""From an apply to a spec: every environment's outputs are what `deployer init` makes a plan of."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from deployer.artifact import scan_artifact
from deployer.cli.app import app
from deployer.plan import build_plan
from deployer.spec import load_spec

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

Walk = Callable[[Any], Iterator[dict[str, Any]]]
ENVIRONMENTS = ("envs/three-clouds", "envs/aws-only", "envs/existing-clusters", "envs/dev")


@pytest.fixture(scope="module")
def apply(workshop: Any) -> Callable[[str], Any]:
    """Return what applies an environment once and gives its outputs."""
    done: dict[str, Any] = {}

    def once(where: str) -> Any:
        if where not in done:
            workshop.save_plan(where)
            workshop.run(where, "apply", "-no-color", "-input=false", "saved.plan")
            done[where] = json.loads(workshop.run(where, "output", "-json").out)
        return done[where]

    return once


@pytest.mark.parametrize("where", ENVIRONMENTS)
def test_a_plan_accepts_the_spec_that_is_written(
    where: str,
    apply: Callable[[str], Any],
    memory_session: Callable[[Any], Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    outputs = apply(where)
    (tmp_path / "terraform.json").write_text(json.dumps(outputs))
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.pkl").write_bytes(b"weights")
    monkeypatch.chdir(tmp_path)
    written = CliRunner().invoke(app, ["init", "--from-terraform", "terraform.json"])
    assert written.exit_code == 0, written.stderr
    spec = load_spec(tmp_path / "deployer.yaml")
    names = [target["name"] for target in outputs["targets"]["value"]]
    assert [target.name for target in spec.targets] == names
    session = memory_session(spec)
    artifact = scan_artifact(tmp_path / "model")
    snapshot = session.snapshot(artifact.digest)
    plan = build_plan(session.spec, artifact, snapshot, gates=session.gates(), tool="test")
    assert plan.bundle.number == 1
    assert {part.target for part in plan.bundle.targets} == set(names)


def test_the_targets_of_all_clouds_have_one_shape(apply: Callable[[str], Any]) -> None:
    targets = apply("envs/three-clouds")["targets"]["value"]
    assert [target["provider"] for target in targets] == ["aws", "gcp", "azure"]
    assert len({tuple(sorted(target)) for target in targets}) == 1
    assert len({tuple(sorted(target["cluster"])) for target in targets}) == 1


def test_a_second_plan_has_nothing_to_do(workshop: Any, apply: Callable[[str], Any]) -> None:
    apply("envs/three-clouds")
    words = ("plan", "-input=false", "-no-color", "-detailed-exitcode")
    said = workshop.run("envs/three-clouds", *words, expect=0).said
    assert "No changes." in said


def test_a_destroy_leaves_the_store_unless_it_may_go(
    workshop: Any, apply: Callable[[str], Any], walk_resources: Walk
) -> None:
    """S3 and Cloud Storage refuse to delete what is not empty; Azure has to be told beforehand."""
    apply("envs/three-clouds")
    words = ("plan", "-destroy", "-input=false", "-no-color")
    said = workshop.run("envs/three-clouds", *words, expect=1).said
    assert "Resource module.azure.azurerm_storage_container.kept[0] has lifecycle" in said
    state = json.loads(workshop.run("envs/three-clouds", "show", "-json").out)
    forced = {
        item["type"]: item["values"]["force_destroy"]
        for item in walk_resources(state)
        if item["type"] in {"aws_s3_bucket", "google_storage_bucket"}
    }
    assert forced == {"aws_s3_bucket": False, "google_storage_bucket": False}


def test_a_destroy_takes_the_store_when_it_may(workshop: Any, apply: Callable[[str], Any]) -> None:
    apply("envs/dev")
    words = ("plan", "-destroy", "-input=false", "-no-color")
    said = workshop.run("envs/dev", *words).said
    assert "azurerm_storage_container.disposable[0] will be destroyed" in said


def test_a_store_outlives_its_key(workshop: Any) -> None:
    """A destroy that stops at a full bucket has not ended the key that reads it."""
    plan = workshop.plan("envs/three-clouds")
    modules = plan["configuration"]["root_module"]["module_calls"]

    def depends(cloud: str, address: str) -> list[str]:
        resources = modules[cloud]["module"]["resources"]
        found = next(item for item in resources if item["address"] == address)
        wanted: list[str] = found.get("depends_on", [])
        return wanted

    assert "aws_kms_key.store" in depends("aws", "aws_s3_bucket.store")
    key = "google_kms_crypto_key_iam_member.store"
    assert key in depends("gcp", "google_storage_bucket.store")
