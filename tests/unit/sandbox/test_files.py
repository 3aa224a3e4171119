import os
import subprocess
from pathlib import Path

import pytest

from deployer.sandbox.files import collect_environment, render_environment, render_spec
from deployer.sandbox.stand_ins import stand_in
from deployer.sandbox.state import CLOUDS, SandboxFolder
from deployer.spec.load import load_spec
from deployer.values import Cloud

SERVERS = [stand_in(cloud, 10000 + number) for number, cloud in enumerate(CLOUDS)]


def test_the_spec_is_valid_and_leads_to_the_example(tmp_path: Path) -> None:
    folder = SandboxFolder(tmp_path / "sandbox")
    example = tmp_path / "build"
    (example / "v1").mkdir(parents=True)
    (example / "v1" / "model.joblib").write_bytes(b"model")
    (example / "requests.json").write_text('[{"inputs": []}]')
    folder.path.mkdir()
    folder.spec.write_text(render_spec(folder, SERVERS, example))
    spec = load_spec(folder.spec)
    assert [target.provider for target in spec.targets] == [Cloud.AWS, Cloud.GCP, Cloud.AZURE]
    assert spec.targets[2].store.endpoint == "http://127.0.0.1:10002/devstoreaccount1"
    assert (folder.path / spec.model.path).resolve() == example / "v1"
    assert set(spec.routing.weights) == {target.name for target in spec.targets}


def test_the_environment_survives_a_shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NO_PROXY", "intern.example")
    environment = collect_environment(SERVERS)
    assert environment["NO_PROXY"] == "intern.example,127.0.0.1,localhost"
    file = tmp_path / "env"
    file.write_text(render_environment(environment))
    shell = subprocess.run(
        ["sh", "-c", f". {file}; env -0"], capture_output=True, check=True, env=dict(os.environ)
    )
    seen = dict(line.split("=", 1) for line in shell.stdout.decode().split("\0") if line)
    assert environment.items() <= seen.items()
