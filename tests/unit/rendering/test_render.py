import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from deployer.release.records import TargetBundle
from deployer.rendering import RenderedTarget, content_objects
from deployer.rendering.library import load_layers
from deployer.rendering.render import compose_target
from deployer.rendering.request import describe_request
from deployer.spec import Spec
from deployer.values import Cloud

Render = Callable[..., RenderedTarget]
Find = Callable[[RenderedTarget, str], Any]
MakeSpec = Callable[..., Spec]
TARGETS = ["aws", "gcp", "azure", "lab", "here", "sandbox"]


def pod_of(rendered: RenderedTarget) -> Any:
    return next(m for m in rendered.objects if m["kind"] == "Deployment")["spec"]["template"][
        "spec"
    ]


def server_of(rendered: RenderedTarget) -> Any:
    return pod_of(rendered)["containers"][0]


def env_of(container: Any) -> dict[str, Any]:
    return {item["name"]: item.get("value", item.get("valueFrom")) for item in container["env"]}


def test_what_others_refer_to_is_applied_first(render: Render) -> None:
    rendered = render()
    names = [(item["kind"], item["metadata"]["name"]) for item in rendered.objects]
    config = rendered.objects[1]["metadata"]["name"]
    assert names == [
        ("ServiceAccount", "iris"),
        ("ConfigMap", config),
        ("NetworkPolicy", "iris"),
        ("PodDisruptionBudget", "iris-r42"),
        ("Service", "iris-r42"),
        ("Deployment", "iris-r42"),
    ]
    assert (rendered.workload, rendered.direct, rendered.service) == (
        "iris-r42",
        "iris-r42",
        "iris",
    )


def test_the_stable_service_points_to_this_release_and_carries_no_number(render: Render) -> None:
    shift = render().shift
    assert shift["metadata"]["name"] == "iris"
    assert shift["spec"]["selector"] == {"deployer/name": "iris", "deployer/release": "42"}
    assert "deployer/release" not in shift["metadata"]["labels"]
    assert shift["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "deployer"


def test_selectors_match_the_pods_of_this_release_only(render: Render, find: Find) -> None:
    rendered = render()
    deployment, direct = find(rendered, "Deployment"), find(rendered, "Service")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    for selector in (deployment["spec"]["selector"]["matchLabels"], direct["spec"]["selector"]):
        assert selector == {"deployer/name": "iris", "deployer/release": "42"}
        assert selector.items() <= labels.items()
    [spread] = pod_of(rendered)["topologySpreadConstraints"]
    assert spread["labelSelector"]["matchLabels"] == direct["spec"]["selector"]


def test_what_releases_share_carries_no_release(render: Render, find: Find) -> None:
    for kind in ("ServiceAccount", "ConfigMap"):
        assert "deployer/release" not in find(render(), kind)["metadata"]["labels"]


def test_the_model_is_pulled_and_proven_before_the_server_starts(
    render: Render, digest: str, uri: str
) -> None:
    [pull] = pod_of(render())["initContainers"]
    assert pull["command"][:7] == [
        "deployer",
        "pull",
        "$(MODEL_URI)",
        "--digest",
        "$(MODEL_DIGEST)",
        "--to",
        "$(MODEL_DIR)",
    ]
    assert env_of(pull)["MODEL_DIR"] == "/mnt/models"
    assert env_of(pull)["MODEL_URI"] == uri
    assert env_of(pull)["MODEL_DIGEST"] == digest
    assert env_of(pull)["AWS_REGION"] == "us-east-1"
    assert pull["image"].startswith("deployer:")


def test_another_endpoint_is_handed_to_the_pull(render: Render) -> None:
    [pull] = pod_of(render("sandbox"))["initContainers"]
    assert pull["command"][7:9] == ["--endpoint", "http://127.0.0.1:9000"]


def test_the_pull_knows_every_other_store_once_and_no_folder_of_another_machine(
    render: Render, digest: str
) -> None:
    [pull] = pod_of(render())["initContainers"]
    words = pull["command"][7:]
    where = f"artifacts/{digest.replace(':', '/')}"
    assert words == [
        *("--or", f"gs://models/{where}"),
        *("--or", f"az://models/{where}"),
        *("--or", f"s3://models/{where},endpoint=http://127.0.0.1:9000"),
    ]


def test_the_pull_is_told_where_a_customers_key_is_and_never_the_key(render: Render) -> None:
    only = """targets:
  - {name: aws, provider: aws, cluster: {context: a},
     store: {url: "s3://models", customer_key: "env:OURS"}}
  - {name: gcp, provider: gcp, cluster: {context: g},
     store: {url: "gs://models", payer: p, customer_key: "file:/k"}}
"""
    [pull] = pod_of(render(only=only))["initContainers"]
    assert pull["command"][7:9] == ["--customer-key", "env:OURS"]
    assert pull["command"][10].endswith(",payer=p,customer-key=file:/k")


def test_on_one_machine_its_folder_is_a_source_too(render: Render) -> None:
    [pull] = pod_of(render("sandbox"))["initContainers"]
    assert any(word.startswith("file:///models/") for word in pull["command"])


def test_containers_beside_ours_are_left_alone(make_spec: MakeSpec, digest: str, uri: str) -> None:
    spec = make_spec()
    other = {"name": "other", "image": "other"}
    pod = {"containers": [other], "initContainers": [other]}
    layer = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "model"},
        "spec": {"template": {"spec": pod}},
    }
    request = describe_request(spec, spec.target("lab"), release=1, digest=digest, uri=uri)
    rendered = compose_target(request, [*load_layers(spec, "kubernetes", ()), (layer,)], [])
    assert pod_of(rendered)["containers"][1] == other
    assert pod_of(rendered)["initContainers"][1] == other


def test_the_image_that_pulls_is_a_setting(render: Render) -> None:
    [pull] = pod_of(render(more="service: {image: registry.example/deployer:1}\n"))[
        "initContainers"
    ]
    assert pull["image"] == "registry.example/deployer:1"


def test_variables_stand_before_those_that_refer_to_them(render: Render) -> None:
    names = [item["name"] for item in server_of(render(more="service: {env: {Z: $(A)}}\n"))["env"]]
    assert names[:4] == ["MODEL_NAME", "MODEL_DIR", "MODEL_URI", "MODEL_DIGEST"]
    assert names[-1] == "Z"
    assert names.index("MODEL_HOST") < names.index("MLSERVER_HOST")
    assert len(names) == len(set(names))


def test_the_users_environment_lives_in_the_config_map(render: Render, find: Find) -> None:
    rendered = render(more="service: {env: {LOG_LEVEL: info, MLSERVER_PARALLEL_WORKERS: '2'}}\n")
    config = find(rendered, "ConfigMap")
    assert config["data"] == {"LOG_LEVEL": "info", "MLSERVER_PARALLEL_WORKERS": "2"}
    assert config["immutable"] is True
    for name in config["data"]:
        reference = {"name": config["metadata"]["name"], "key": name}
        assert env_of(server_of(rendered))[name] == {"configMapKeyRef": reference}


def test_another_environment_is_another_config_map(render: Render, find: Find) -> None:
    def name(more: str) -> str:
        return str(find(render(more=more), "ConfigMap")["metadata"]["name"])

    assert name("") == name("service: {env: {}}\n")
    assert name("") != name("service: {env: {A: b}}\n")


def test_memory_is_limited_to_what_is_requested(render: Render) -> None:
    rendered = render(more="service: {resources: {cpu: 2, memory: 3Gi, gpu: 1}}\n")
    assert server_of(rendered)["resources"] == {
        "requests": {"cpu": "2", "memory": "3Gi", "nvidia.com/gpu": "1"},
        "limits": {"memory": "3Gi", "nvidia.com/gpu": "1"},
    }
    assert (rendered.cpu, rendered.memory, rendered.gpu) == ("2", "3Gi", 1)
    assert "nvidia.com/gpu" not in server_of(render())["resources"]["limits"]


def test_replicas_and_patience_are_the_specs(render: Render, find: Find) -> None:
    rendered = render(more="service: {replicas: {min: 3}}\n")
    assert find(rendered, "Deployment")["spec"]["replicas"] == rendered.replicas == 3
    assert find(rendered, "Deployment")["spec"]["progressDeadlineSeconds"] == 600


def test_ready_means_that_this_model_can_predict(render: Render) -> None:
    rendered = render()
    assert rendered.ready_path == "/v2/models/iris/ready"
    assert rendered.infer_path == "/v2/models/iris/infer"
    assert rendered.protocol == "open-inference-v2"
    probe = server_of(rendered)["readinessProbe"]
    assert probe["httpGet"] == {"path": "/v2/models/iris/ready", "port": "http"}
    assert server_of(rendered)["livenessProbe"]["httpGet"]["path"] == "/v2/health/live"


@pytest.mark.parametrize("target", TARGETS)
def test_containers_have_no_more_rights_than_they_need(render: Render, target: str) -> None:
    pod = pod_of(render(target))
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in [*pod["initContainers"], *pod["containers"]]:
        rights = container["securityContext"]
        assert rights["allowPrivilegeEscalation"] is False
        assert rights["readOnlyRootFilesystem"] is True
        assert rights["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        ("aws", "LoadBalancer"),
        ("gcp", "LoadBalancer"),
        ("azure", "LoadBalancer"),
        ("lab", "ClusterIP"),
        ("here", "ClusterIP"),
        ("sandbox", "ClusterIP"),
    ],
)
def test_only_the_stable_service_of_a_cloud_is_public(
    render: Render, find: Find, target: str, kind: str
) -> None:
    rendered = render(target)
    assert rendered.shift["spec"]["type"] == kind
    assert find(rendered, "Service")["spec"]["type"] == "ClusterIP"


@pytest.mark.parametrize("target", ["here", "sandbox"])
def test_a_local_cluster_has_its_own_overlay_whoever_the_provider_is(
    render: Render, target: str
) -> None:
    rendered = render(target)
    host = env_of(server_of(rendered))["MODEL_HOST"]
    assert host == {"fieldRef": {"fieldPath": "status.podIP"}}
    assert "lifecycle" not in server_of(rendered)
    assert [port["port"] for port in rendered.shift["spec"]["ports"]] == [8080]


def test_azure_pods_ask_for_their_identity(render: Render, find: Find) -> None:
    labels = find(render("azure"), "Deployment")["spec"]["template"]["metadata"]["labels"]
    assert labels["azure.workload.identity/use"] == "true"


def test_a_runtime_of_the_users_own_goes_the_same_way(render: Render) -> None:
    rendered = render(
        more="runtime: {image: mine:1, command: [serve, $(MODEL_DIR)], port: 9000, health: /ok}\n"
    )
    server = server_of(rendered)
    assert (server["image"], server["command"]) == ("mine:1", ["serve", "$(MODEL_DIR)"])
    assert server["ports"] == [{"name": "http", "containerPort": 9000, "protocol": "TCP"}]
    assert server["livenessProbe"]["httpGet"]["path"] == rendered.ready_path == "/ok"
    assert rendered.infer_path == "/v2/models/iris/infer"


@pytest.mark.parametrize(("infer", "path"), [("", "/"), (", infer: /predict", "/predict")])
def test_a_custom_protocol_says_where_predictions_go(render: Render, infer: str, path: str) -> None:
    rendered = render(more=f"runtime: {{image: mine, protocol: custom{infer}}}\n")
    assert (rendered.protocol, rendered.infer_path) == ("custom", path)
    assert "command" not in server_of(rendered)


@pytest.mark.parametrize("target", TARGETS)
def test_equal_arguments_give_equal_objects_that_share_nothing(render: Render, target: str) -> None:
    first = render(target)
    untouched = copy.deepcopy(first)
    for manifest in [*first.objects, first.shift]:
        manifest["metadata"]["labels"].clear()
        manifest.get("spec", {}).clear()
    assert render(target) == untouched


def test_the_number_alone_is_no_other_content(make_spec: MakeSpec, digest: str, uri: str) -> None:
    spec = make_spec()
    target = spec.target("aws")
    content = content_objects(spec, target, artifact_digest=digest, artifact_uri=uri)
    assert "r0" not in json.dumps(content)
    assert "deployer/release" not in json.dumps(content)
    assert [item["metadata"]["name"] for item in content if item["kind"] == "Deployment"] == [
        "iris"
    ]
    assert content == content_objects(spec, target, artifact_digest=digest, artifact_uri=uri)
    other = make_spec("service: {env: {A: b}}\n")
    assert content != content_objects(other, target, artifact_digest=digest, artifact_uri=uri)


def test_a_bundle_takes_all_of_it(render: Render, uri: str) -> None:
    rendered = render()
    fields = {
        name: getattr(rendered, name)
        for name in RenderedTarget.__dataclass_fields__
        if name in TargetBundle.model_fields
    }
    assert set(fields) == set(RenderedTarget.__dataclass_fields__)
    TargetBundle(
        target="aws",
        cloud=Cloud.AWS,
        region="",
        namespace="default",
        machine="",
        uri=uri,
        **fields,
    )
