"""diff, drift and destroy through the real command line, on three local clusters."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Make = Callable[..., Any]


def test_what_is_deployed_is_compared_and_taken_away(make_deployment: Make) -> None:
    deployment = make_deployment("aws-virginia", "gcp-iowa")
    name = deployment.name
    assert f"+ Deployment/{name}-r1 (create)" in deployment.run("diff", expect=2).out
    deployment.run("deploy")
    assert deployment.run("drift").out.count("as released") == 2
    _remove(Path(deployment.clusters["gcp-iowa"]), f"{name}-r1")
    drifted = deployment.run("drift", "-o", "json", expect=2).json
    assert drifted["schema"] == "deployer/drift/v1"
    found = {each["target"]: each["objects"] for each in drifted["targets"]}
    assert [(item["op"], item["kind"]) for item in found["gcp-iowa"]] == [("create", "Deployment")]
    assert found["aws-virginia"] == []
    _forget(deployment, "gcp-iowa")
    orphaned = "gcp-iowa: orphaned: the spec has no such target, and release 1 stays there"
    assert orphaned in deployment.run("plan", expect=None).out
    refused = deployment.run("destroy", "--target", "gcp-iowa", expect=4)
    assert "nobody is there to agree" in refused.err
    assert f"Service/{name}" in refused.err
    assert "gcp-iowa: " in deployment.run("destroy", "--target", "gcp-iowa", "--yes").out
    assert deployment.serving() == {"aws-virginia": 1, "gcp-iowa": 0}
    deployment.run("destroy", "--yes")
    assert deployment.objects() == {"aws-virginia": [], "gcp-iowa": []}


def _forget(deployment: Any, target: str) -> None:
    """Take a target out of the spec: no order to delete anything."""
    kept = [name for name in deployment.clusters if name != target]
    deployment.write_spec(targets=[deployment.target(name) for name in kept])


def _remove(folder: Path, workload: str) -> None:
    """Take a Deployment's file away, as somebody with a shell would."""
    (file,) = folder.glob(f"namespaces/*/objects/Deployment/{workload}.json")
    assert json.loads(file.read_text())["object"]["metadata"]["name"] == workload
    file.unlink()
