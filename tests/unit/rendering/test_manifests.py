"""Every runtime on every overlay, held to the schemas that Kubernetes publishes."""

import re
from collections.abc import Callable
from itertools import product
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]  # it ships no types
import pytest

from deployer.rendering import RenderedTarget
from deployer.rendering.text import format_yaml
from deployer.spec.library import list_runtimes, manifests_folder
from deployer.spec.tree import parse_trees, read_text

Render = Callable[..., RenderedTarget]
TARGETS = ["aws", "gcp", "azure", "lab", "here", "sandbox"]
OWN = "{image: mine, port: 9000}"
SERVERS = [*list_runtimes(), OWN]
ENV = "service: {env: {A: b}, resources: {gpu: 1}}\n"


def all_of(rendered: RenderedTarget) -> list[Any]:
    return [*rendered.objects, rendered.shift]


@pytest.mark.parametrize("version", ["1.31", "1.36"])
@pytest.mark.parametrize(("runtime", "target"), list(product(SERVERS, TARGETS)))
def test_what_is_rendered_is_valid_kubernetes(
    render: Render, runtime: str, target: str, version: str
) -> None:
    for manifest in all_of(render(target, more=f"runtime: {runtime}\n{ENV}")):
        kubernetes_validate.validate(manifest, version, strict=True)


@pytest.mark.parametrize(("runtime", "target"), list(product(SERVERS, TARGETS)))
def test_nothing_is_left_to_fill_in(render: Render, runtime: str, target: str) -> None:
    rendered = render(target, more=f"runtime: {runtime}\n{ENV}")
    text = format_yaml(all_of(rendered))
    assert not re.search(r"\$patch|\{\{|\$\{|\{model\}|TODO", text)
    for manifest in rendered.objects:
        if manifest["kind"] != "Deployment":
            continue
        pod = manifest["spec"]["template"]["spec"]
        for container in [*pod["initContainers"], *pod["containers"]]:
            _check_variables(container)


def _check_variables(container: Any) -> None:
    """Every $(NAME) is a variable that stands before it."""
    known: list[str] = []
    for item in container["env"]:
        for name in re.findall(r"\$\((\w+)\)", item.get("value", "")):
            assert name in known
        known.append(item["name"])
    for word in [*container.get("command", ()), *container.get("args", ())]:
        assert set(re.findall(r"\$\((\w+)\)", word)) <= set(known)


@pytest.mark.parametrize(("runtime", "target"), list(product(SERVERS, TARGETS)))
def test_every_port_a_service_names_is_there_and_has_a_protocol(
    render: Render, runtime: str, target: str
) -> None:
    rendered = render(target, more=f"runtime: {runtime}\n")
    deployment = rendered.objects[-1]
    containers = deployment["spec"]["template"]["spec"]["containers"]
    ports = [port for container in containers for port in container["ports"]]
    for service in (rendered.objects[-2], rendered.shift):
        for port in service["spec"]["ports"]:
            assert port["protocol"] == "TCP"
            assert port["targetPort"] in [found["name"] for found in ports]
    assert all(port["protocol"] == "TCP" for port in ports)


def test_every_file_of_the_library_is_plain_yaml() -> None:
    files = sorted(manifests_folder().rglob("*.yaml"))
    assert len(files) > 10
    for file in files:
        for tree in parse_trees(read_text(file), file=file):
            assert not tree.findings
            assert tree.data


def test_every_cloud_has_an_overlay() -> None:
    overlays = {folder.name for folder in (manifests_folder() / "overlays").iterdir()}
    assert overlays == {"aws", "gcp", "azure", "local"}
