"""diff, drift and destroy through the real command line, on three local clusters."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Make = Callable[..., Any]


def test_what_is_deployed_is_compared_and_taken_away(make_deployment: Make) -> None:
    deployment = make_deployment()
    name = deployment.name
    first = deployment.run("diff", expect=2)
    assert f"+ Deployment/{name}-r1 (create)" in first.out
    assert f"{name}: nothing is deployed" in deployment.run("drift").out
    deployment.run("deploy")
    assert deployment.run("diff").out.count("nothing would change") == 3
    assert deployment.run("drift").out.count("as released") == 3
    target, folder = next(iter(deployment.clusters.items()))
    _remove(Path(folder), f"{name}-r1")
    drifted = deployment.run("drift", "-o", "json", expect=2).json
    assert drifted["schema"] == "deployer/drift/v1"
    found = {each["target"]: each["objects"] for each in drifted["targets"]}
    assert [(item["op"], item["kind"]) for item in found[target]] == [("create", "Deployment")]
    assert [objects for each, objects in found.items() if each != target] == [[], []]
    _forget(deployment, target)
    planned = deployment.run("plan", expect=None)
    assert f"{target}: orphaned: the spec has no such target, and release 1" in planned.out
    refused = deployment.run("destroy", "--target", target, expect=4)
    assert "nobody is there to agree" in refused.err
    assert f"Service/{name}" in refused.err
    gone = deployment.run("destroy", "--target", target, "--yes")
    assert f"{target}: " in gone.out
    assert deployment.serving()[target] == 0
    left = deployment.run("drift", "-o", "json").json["targets"]
    assert {each["target"] for each in left} == set(found) - {target}
    deployment.run("destroy", "--yes")
    assert f"{name}: nothing is deployed" in deployment.run("drift").out
    assert deployment.run("status", expect=3).out.startswith(f"{name}: nothing is deployed")


def _forget(deployment: Any, target: str) -> None:
    """Take a target out of the spec: no order to delete anything."""
    kept = [name for name in deployment.clusters if name != target]
    deployment.write_spec(targets=[deployment.target(name) for name in kept])


def _remove(folder: Path, workload: str) -> None:
    """Take a Deployment's file away, as somebody with a shell would."""
    (file,) = folder.glob(f"namespaces/*/objects/Deployment/{workload}.json")
    assert json.loads(file.read_text())["object"]["metadata"]["name"] == workload
    file.unlink()
