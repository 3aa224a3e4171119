from collections.abc import Callable
from pathlib import Path

import pytest

from deployer.errors import SpecError
from deployer.spec import Spec, load_spec
from deployer.spec.library import list_runtimes
from deployer.spec.load import load_spec as same

Load = Callable[..., Spec]
Faults = Callable[..., list[str]]


def test_a_small_spec_is_enough(load: Load, small: str) -> None:
    spec = load(small)
    assert spec.runtime == "mlserver-sklearn"
    assert spec.service.replicas.min == 1
    assert spec.strategy.soak == 60.0
    assert spec.targets[0].store.url == "file:///srv/models"


def test_everything_the_design_shows_is_read(load: Load) -> None:
    spec = load("""\
name: iris
model: {path: ./model, format: sklearn, version: 2026-11-23}
runtime: {image: "registry.example/iris:1", command: [serve, --fast], port: 9000, health: /ok}
service:
  replicas: {min: 2, max: 2}
  resources: {cpu: 0.5, memory: 1Gi, gpu: 1}
  env: {LOG_LEVEL: info}
targets:
  - name: aws-virginia
    provider: aws
    region: us-east-1
    store: s3://acme-models/team
    cluster: {eks: prod-1}
    namespace: models
    machine: m6i.xlarge
    endpoint: https://iris.aws.acme.example
    timeout: 5m
  - name: azure-virginia
    provider: azure
    store: {url: "az://models", endpoint: "http://127.0.0.1:10000"}
    cluster: {aks: prod, resource_group: ml}
  - name: lab
    provider: kubernetes
    store: s3://models
    cluster: {kubeconfig: ~/.kube/lab, context: lab}
gates: {smoke: {requests: examples.json, timeout: 500ms}}
routing: {weights: {aws-virginia: 60, azure-virginia: 40, lab: 0}, idempotent: true}
state: {stores: [s3://more]}
""")
    assert spec.model.version == "2026-11-23"
    assert spec.service.resources.cpu == "0.5"
    assert spec.target("aws-virginia").timeout == 300.0
    assert spec.target("azure-virginia").store.endpoint == "http://127.0.0.1:10000"
    assert spec.gates.smoke.timeout == 0.5
    with pytest.raises(KeyError):
        spec.target("nowhere")


def test_paths_are_relative_to_the_spec(load: Load, tmp_path: Path, small: str) -> None:
    spec = load(small.replace("file:///srv/models", "file://./store"))
    assert spec.folder == tmp_path
    assert spec.file == tmp_path / "deployer.yaml"
    assert spec.locate("./model") == tmp_path / "model"
    assert spec.targets[0].store.url == f"file://{tmp_path}/store"
    assert str(tmp_path / "deployer.yaml") not in spec.model_dump_json()


def test_every_folder_as_a_store_is_made_absolute(load: Load, tmp_path: Path, small: str) -> None:
    text = small.replace("file:///srv/models", '{url: "file://store"}')
    spec = load(text + "state: {stores: ['file://more']}\n")
    assert spec.targets[0].store.url == f"file://{tmp_path}/store"
    assert spec.state.stores[0].url == f"file://{tmp_path}/more"


def test_a_recorded_spec_reads_back_equal(load: Load, small: str) -> None:
    spec = load(small)
    again = Spec.model_validate_json(spec.model_dump_json())
    assert again.read_from(spec.file) == spec


def test_all_faults_come_at_once_in_the_order_of_the_file(faults: Faults) -> None:
    assert faults("""\
name: Iris
modle: {path: ./model}
runtime: mlserver-sklern
replicas: 3
service: {replicas: {min: "2", max: 1}, env: {PORT: 8080}}
targets:
  - name: a
    provider: asw
    store: s4://x
    cluster: {eks: a, context: b}
  - name: a
    provider: gcp
    store: s3://x
    cluster: {}
  - {name: c}
strategy: {type: canry, soak: 3x}
routing: {weights: {b: 0}}
gates: {smoke: {agree: 2}}
""") == [
        "1:1 : model is missing",
        (
            "1:7 name: expected lower-case letters, digits and dashes, a letter first, at most 40 "
            'characters, got "Iris"'
        ),
        "2:1 modle: unknown key 'modle' (did you mean model?)",
        (
            "3:10 runtime: there is no runtime 'mlserver-sklern' (did you mean mlserver-sklearn?); "
            f"known: {', '.join(list_runtimes())}"
        ),
        "4:1 replicas: unknown key 'replicas'; it belongs at service.replicas",
        '5:27 service.replicas.min: expected a whole number, got "2"; without quotes',
        '5:53 service.env.PORT: expected a string, got 8080; put it in quotes: "8080"',
        (
            "8:15 targets[0].provider: expected one of aws, gcp, azure, kubernetes, local, "
            'got "asw" (did you mean aws?)'
        ),
        (
            "9:12 targets[0].store: expected a bucket such as s3://bucket/prefix, gs://bucket, "
            'az://container or file:///folder, got "s4://x"'
        ),
        "10:5 targets[0].cluster: eks and context are two clusters; keep one",
        "11:11 targets[1].name: two targets are called 'a'; the other is targets[0]",
        "13:12 targets[1].store: expected gs://… for the provider gcp, got s3://",
        "14:5 targets[1].cluster: expected one of eks, gke, aks, context, kubeconfig, local",
        "15:5 targets[2]: cluster is missing",
        "15:5 targets[2]: provider is missing",
        "15:5 targets[2]: store is missing",
        (
            '16:18 strategy.type: expected one of blue-green, canary, rolling, got "canry" '
            "(did you mean canary?)"
        ),
        '16:31 strategy.soak: expected a duration such as 30s, 2m or 500ms, got "3x"',
        "17:11 routing.weights: all weights are 0: no target gets traffic",
        "17:21 routing.weights.b: no target is called 'b'",
        "18:24 gates.smoke.agree: expected 1 or less, got 2",
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("- a\n", "1:1 : expected a map of keys and values, got a list"),
        ("just text\n", '1:1 : expected a map of keys and values, got "just text"'),
        ("name: iris\n---\nname: iris\n", "3:1 : expected one document, and this is a second one"),
    ],
)
def test_what_is_no_map_is_refused(faults: Faults, text: str, line: str) -> None:
    assert faults(text)[0].startswith(line)


def test_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="No such file") as caught:
        load_spec(tmp_path / "deployer.yaml")
    assert "deployer init" in (caught.value.hint or "")


def test_an_empty_file_says_so(load: Load) -> None:
    with pytest.raises(SpecError, match="is empty"):
        load("# nothing but a comment\n")


def test_the_process_environment_is_the_default(
    tmp_path: Path, small: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPEC_TEST_NAMESPACE", "models")
    file = tmp_path / "deployer.yaml"
    file.write_text(small + "    namespace: ${SPEC_TEST_NAMESPACE}\n")
    assert same(file).targets[0].namespace == "models"


def test_runtimes_can_be_given(tmp_path: Path, small: str) -> None:
    file = tmp_path / "deployer.yaml"
    file.write_text(small + "runtime: mine\n")
    assert load_spec(file, runtimes={"mine": ("sklearn",)}).runtime == "mine"
