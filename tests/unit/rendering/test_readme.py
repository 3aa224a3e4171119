"""What ``manifests/README.md`` teaches, done: a runtime is one folder."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deployer.errors import SpecError
from deployer.rendering import RenderedTarget
from deployer.spec import Spec, load_spec, settle_format
from deployer.spec.library import list_runtimes, manifests_folder

Render = Callable[..., RenderedTarget]
Find = Callable[[RenderedTarget, str], Any]
README = (manifests_folder() / "README.md").read_text()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A runtime made of what the README shows."""
    adding = README[README.index("## Adding a runtime") :]
    blocks = re.findall(r"```yaml\n(.*?)```", adding, flags=re.DOTALL)
    folder = tmp_path / "runtimes" / "echo"
    folder.mkdir(parents=True)
    for name, text in zip(("runtime.yaml", "deployment.yaml"), blocks, strict=True):
        (folder / name).write_text(text)
    return folder


@pytest.mark.usefixtures("folder")
def test_a_runtime_is_added_by_one_folder(render: Render, find: Find) -> None:
    rendered = render(more="runtime: ./runtimes/echo\nservice: {monitor: {}}\n")
    pod = find(rendered, "Deployment")["spec"]["template"]["spec"]
    [server] = pod["containers"]
    assert server["image"] == "example.com/echo:1.0.0"
    assert server["resources"]["requests"] == {"cpu": "1", "memory": "1Gi"}
    assert server["readinessProbe"]["httpGet"]["path"] == "/v2/models/iris/ready"
    assert server["securityContext"]["readOnlyRootFilesystem"] is True
    for container in (*pod["initContainers"], server):
        assert {"name": "MODEL_DIR", "value": "/mnt/models/iris/1"} in container["env"]
    assert rendered.infer_path == "/v2/models/iris/infer"


@pytest.mark.usefixtures("folder")
def test_an_added_runtime_says_what_it_serves(make_spec: Callable[..., Spec]) -> None:
    spec = make_spec("runtime: ./runtimes/echo\n")
    assert settle_format(spec, ["model.json"]) == "echo"
    with pytest.raises(SpecError, match=r"runtimes/echo serves echo, not onnx"):
        settle_format(spec, ["model.onnx"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cannot read"),
        ("protocol: custom\n", "is not understood: line 1"),
        ("a: 1\na: 2\n", "is there already, on line 1"),
    ],
)
def test_a_bad_runtime_is_a_fault_of_the_spec(
    make_spec: Callable[..., Spec], folder: Path, text: str | None, message: str
) -> None:
    (folder / "runtime.yaml").unlink()
    if text is not None:
        (folder / "runtime.yaml").write_text(text)
    with pytest.raises(SpecError) as caught:
        make_spec("runtime: ./runtimes/echo\n")
    [fault] = caught.value.faults
    assert fault.path == "runtime"
    assert message in fault.message


def test_the_readme_names_every_runtime_with_its_image() -> None:
    table = README[README.index("## The runtimes") : README.index("TorchServe")]
    named = set(re.findall(r"`(\w[\w-]+)`", table.replace("`-", "`mlserver-")))
    assert {*list_runtimes(), "custom"} <= named


def test_the_spec_that_the_readme_shows_is_one(tmp_path: Path) -> None:
    shown = re.findall(r"```yaml\n(.*?)```", README, flags=re.DOTALL)[0]
    needed = "    provider: aws\n    store: s3://m\n    cluster: {context: a}\n"
    file = tmp_path / "deployer.yaml"
    file.write_text(
        "name: iris\nmodel: {path: ./model}\n"
        + shown.replace("    expose:", f"{needed}    expose:")
    )
    spec = load_spec(file, environment={})
    assert spec.service.replicas.cpu_percent == 70
    assert spec.targets[0].nodes.accelerator == "l4"
    assert [patch.path for patch in spec.patches] == ["./k8s", "fix.yaml", "-"]
