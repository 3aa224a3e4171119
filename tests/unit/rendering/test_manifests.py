"""Every runtime on every overlay, held to the schemas that Kubernetes publishes."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate  # type: ignore[import-untyped]  # it ships no types
import pytest
from referencing import Registry, Resource

from deployer.rendering import RenderedTarget
from deployer.spec.library import manifests_folder
from deployer.spec.tree import parse_trees, read_text
from tests.manifests.matrix import (
    CUSTOM,
    Matrix,
    distinct_objects,
    objects_of,
    render_matrix,
)


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Matrix:
    return render_matrix(tmp_path_factory.mktemp("matrix"))


@cache
def schema_of(folder: Path, name: str) -> Any:
    return json.loads((folder / f"{name}.json").read_text())


@cache
def validator(version: str, kind: str, api_version: str) -> jsonschema.Draft202012Validator:
    """The strict schema of a kind; `kubernetes_validate.validate` reads it anew each time."""
    package = Path(kubernetes_validate.__file__).parent
    folder = package / "kubernetes-json-schema" / f"v{version}.0-local-strict"
    group, slash, number = api_version.partition("/")
    end = f"{group.partition('.')[0]}-{number}" if slash else group
    resources = [schema_of(folder, name) for name in ("_definitions", f"{kind.lower()}-{end}")]
    registry = Registry[Any]().with_resources(
        (resource["$id"], Resource.from_contents(resource)) for resource in resources
    )
    return jsonschema.Draft202012Validator(resources[1], registry=registry)


@pytest.mark.parametrize("version", [f"1.{minor}" for minor in range(31, 37)])
def test_what_is_rendered_is_valid_kubernetes(matrix: Matrix, version: str) -> None:
    faults = [
        f"{where}: {manifest['kind']}: {fault.json_path}: {fault.message}"
        for where, manifest in distinct_objects(matrix)
        if manifest["kind"] not in CUSTOM
        for fault in validator(version, manifest["kind"], manifest["apiVersion"]).iter_errors(
            manifest
        )
    ]
    assert not faults


def test_the_schemas_know_every_field(matrix: Matrix) -> None:
    deployment = deployment_of(next(iter(matrix.values())))
    misspelt = {**deployment, "spec": {**deployment["spec"], "replicaz": 1}}
    assert validator("1.36", "Deployment", "apps/v1").is_valid(deployment)
    assert not validator("1.36", "Deployment", "apps/v1").is_valid(misspelt)


def test_nothing_is_left_to_fill_in(matrix: Matrix) -> None:
    for where, rendered in matrix.items():
        text = json.dumps(objects_of(rendered))
        assert not re.search(r"\$patch|\{\{|\$\{|\{model\}|TODO", text), where
        pod = deployment_of(rendered)["spec"]["template"]["spec"]
        for container in [*pod["initContainers"], *pod["containers"]]:
            check_variables(container)


def deployment_of(rendered: RenderedTarget) -> Any:
    [deployment] = [item for item in rendered.objects if item["kind"] == "Deployment"]
    return deployment


def check_variables(container: Any) -> None:
    """Every $(NAME) is a variable that stands before it."""
    known: list[str] = []
    for item in container["env"]:
        for name in re.findall(r"\$\((\w+)\)", item.get("value", "")):
            assert name in known
        known.append(item["name"])
    for word in [*container.get("command", ()), *container.get("args", ())]:
        assert set(re.findall(r"\$\((\w+)\)", word)) <= set(known)


def test_every_port_that_is_named_is_there_and_has_a_protocol(matrix: Matrix) -> None:
    for where, rendered in matrix.items():
        containers = deployment_of(rendered)["spec"]["template"]["spec"]["containers"]
        ports = [port for container in containers for port in container["ports"]]
        known = {port["name"] for port in ports}
        services = [item for item in objects_of(rendered) if item["kind"] == "Service"]
        assert len(services) == 2, where
        for port in [port for service in services for port in service["spec"]["ports"]]:
            assert port["protocol"] == "TCP"
            assert port["targetPort"] in known, where
        assert all(port["protocol"] == "TCP" for port in ports)
        for item in rendered.objects:
            if item["kind"] == "ServiceMonitor":
                [read] = item["spec"]["endpoints"]
                direct = next(
                    service for service in services if "r42" in service["metadata"]["name"]
                )
                assert read["port"] in {port["name"] for port in direct["spec"]["ports"]}, where


def test_what_scales_or_protects_a_release_is_its_own(matrix: Matrix) -> None:
    kinds = ("HorizontalPodAutoscaler", "ScaledObject", "PodDisruptionBudget")
    seen = set()
    for rendered in matrix.values():
        for item in rendered.objects:
            if item["kind"] in kinds:
                seen.add(item["kind"])
                assert item["metadata"]["name"] == rendered.workload
                assert item["metadata"]["labels"]["deployer/release"] == "42"
                target = item["spec"].get("scaleTargetRef", {"name": rendered.workload})
                assert target["name"] == rendered.workload
    assert seen == set(kinds)


def test_pods_pass_the_restricted_standard_and_have_requests_and_limits(matrix: Matrix) -> None:
    for where, rendered in matrix.items():
        pod = deployment_of(rendered)["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True, where
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in [*pod["initContainers"], *pod["containers"]]:
            rights = container["securityContext"]
            assert rights["allowPrivilegeEscalation"] is False, where
            assert rights["readOnlyRootFilesystem"] is True, where
            assert rights["capabilities"] == {"drop": ["ALL"]}, where
            assert {"cpu", "memory"} <= set(container["resources"]["requests"]), where
            assert "memory" in container["resources"]["limits"], where


def test_every_image_has_a_version(matrix: Matrix) -> None:
    for rendered in matrix.values():
        [server] = deployment_of(rendered)["spec"]["template"]["spec"]["containers"]
        image, _, tag = server["image"].partition(":")
        assert image == "mine" or re.search(r"\d+\.\d+", tag)


def test_every_file_of_the_library_is_plain_yaml() -> None:
    files = sorted(manifests_folder().rglob("*.yaml"))
    assert len(files) > 40
    for file in files:
        for tree in parse_trees(read_text(file), file=file):
            assert not tree.findings
            assert tree.data


def test_every_cloud_has_an_overlay() -> None:
    overlays = {folder.name for folder in (manifests_folder() / "overlays").iterdir()}
    assert overlays == {"aws", "gcp", "azure", "kubernetes", "local"}
