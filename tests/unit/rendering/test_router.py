"""Routers on a cluster: what is printed, and that the program takes the command in it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from deployer.rendering.router import render_router
from deployer.spec import load_spec
from deployer.spec.library import manifests_folder

SPEC = """
name: iris
model: {path: ./model}
service: {env: {TOKEN: not-for-routers}}
targets:
  - {name: edge, provider: local, store: "file:///nowhere", cluster: {local: ./cluster}}
gates: {smoke: {requests: examples.json}}
"""


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Path:
    file = tmp_path / "deployer.yaml"
    file.write_text(SPEC)
    return file


def render(file: Path, **options: Any) -> dict[str, Any]:
    objects = render_router(load_spec(file), image="acme/deployer:1", **options)
    return {one["kind"]: one for one in objects}


def test_all_there_is_has_the_deployments_name(file: Path) -> None:
    found = render(file, namespace="models", replicas=3)
    assert {one["metadata"]["name"] for one in found.values()} == {"iris-router"}
    assert {one["metadata"]["namespace"] for one in found.values()} == {"models"}
    assert "deployer-router" not in json.dumps(found)
    assert len(found) == 7
    assert found["HorizontalPodAutoscaler"]["spec"]["minReplicas"] == 3
    container = found["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "acme/deployer:1"


def test_no_replicas_stand_in_the_deployment_that_is_scaled(file: Path) -> None:
    assert "replicas" not in render(file)["Deployment"]["spec"]


def test_the_spec_in_it_is_one_and_has_only_what_routers_read(file: Path, tmp_path: Path) -> None:
    text = render(file)["ConfigMap"]["data"]["deployer.yaml"]
    (tmp_path / "again.yaml").write_text(text)
    again = load_spec(tmp_path / "again.yaml")
    assert [target.store.url for target in again.targets] == ["file:///nowhere"]
    assert "not-for-routers" not in text
    assert "gates" not in text


def test_another_spec_replaces_the_pods(file: Path) -> None:
    def note() -> str:
        template = render(file)["Deployment"]["spec"]["template"]
        return str(template["metadata"]["annotations"]["deployer/spec"])

    before = note()
    assert note() == before
    file.write_text(SPEC.replace("nowhere", "elsewhere"))
    assert note() != before


def test_the_folder_is_a_kustomization_of_all_its_files() -> None:
    folder = manifests_folder() / "router"
    listed = YAML(typ="safe").load((folder / "kustomization.yaml").read_text())["resources"]
    assert listed == sorted({file.name for file in folder.iterdir()} - {"kustomization.yaml"})


def test_the_program_takes_the_command_and_is_healthy_before_it_has_routes(
    file: Path, tmp_path: Path
) -> None:
    container = render(file)["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    program, *words = container["command"]
    assert program == "deployer"
    places = {"/etc/deployer": tmp_path, "/run/deployer": tmp_path, "0.0.0.0:8080": "127.0.0.1:0"}
    for place, ours in places.items():
        words = [word.replace(place, str(ours)) for word in words]
    start = [sys.executable, "-c", "from deployer.cli.app import main; main()", *words]
    with subprocess.Popen(
        start,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"HOME": "/tmp"},  # noqa: S108 - it is not written to
    ) as router:
        assert router.stderr is not None
        said = next(line for line in router.stderr if "listening on" in line)
        router.terminate()
        router.communicate(timeout=20)
    assert said.startswith("router: listening on http://127.0.0.1:")
    assert router.returncode == 0
