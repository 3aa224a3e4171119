from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from deployer.errors import SpecError
from deployer.rendering import RenderedTarget
from deployer.rendering.patches import load_patches
from deployer.spec import Spec

Render = Callable[..., RenderedTarget]
Find = Callable[[RenderedTarget, str], Any]

ACCOUNT = """\
apiVersion: v1
kind: ServiceAccount
metadata:
  name: iris
  annotations: {eks.amazonaws.com/role-arn: "arn:aws:iam::1:role/iris"}
"""

WORKLOAD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: iris}
spec:
  selector: {matchLabels: {wrong: "yes"}}
  template:
    spec:
      containers:
        - name: server
          env: [{name: MLSERVER_PARALLEL_WORKERS, value: "1"}]
          envFrom: [{configMapRef: {name: iris}}]
          ports: [{containerPort: 9999, name: extra}]
          resources: {limits: {cpu: 2}}
        - {name: sidecar, image: busybox}
      volumes:
        - {name: settings, configMap: {name: iris}}
        - {name: other, configMap: {name: theirs}}
"""

EXTRA = """\
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: theirs}
spec: {maxUnavailable: 1, selector: {matchLabels: {deployer/name: iris}}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: mine}
spec: {nothing: ~}
"""


def test_an_object_of_ours_is_merged_under_the_name_without_a_number(
    render: Render, find: Find
) -> None:
    account = find(render(account=ACCOUNT), "ServiceAccount")
    assert account["metadata"]["annotations"] == {
        "eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/iris"
    }
    assert account["metadata"]["labels"]["deployer/name"] == "iris"


def test_a_workload_can_be_changed_but_not_taken_away_from_its_service(
    render: Render, find: Find
) -> None:
    rendered = render(workload=WORKLOAD)
    deployment, config = find(rendered, "Deployment"), find(rendered, "ConfigMap")
    pod = deployment["spec"]["template"]["spec"]
    server, sidecar = pod["containers"]
    assert deployment["metadata"]["name"] == "iris-r42"
    assert deployment["spec"]["selector"]["matchLabels"] == rendered.shift["spec"]["selector"]
    assert {"name": "MLSERVER_PARALLEL_WORKERS", "value": "1"} in server["env"]
    assert {"name": "extra", "containerPort": 9999, "protocol": "TCP"} in server["ports"]
    assert server["resources"]["limits"]["cpu"] == "2"
    assert sidecar["image"] == "busybox"
    assert server["envFrom"] == [{"configMapRef": {"name": config["metadata"]["name"]}}]
    names = [volume["configMap"]["name"] for volume in pod["volumes"] if "configMap" in volume]
    assert names == [config["metadata"]["name"], "theirs"]


def test_what_a_patch_adds_to_the_config_map_changes_its_name(render: Render, find: Find) -> None:
    patch = "{apiVersion: v1, kind: ConfigMap, metadata: {name: iris}, data: {a.json: '{}'}}"
    plain, patched = find(render(), "ConfigMap"), find(render(config=patch), "ConfigMap")
    assert patched["data"] == {"a.json": "{}"}
    assert patched["metadata"]["name"] != plain["metadata"]["name"]


def test_other_objects_are_applied_with_the_rest_in_order(render: Render) -> None:
    rendered = render(extra=EXTRA)
    assert [item["kind"] for item in rendered.objects] == [
        "ServiceAccount",
        "ConfigMap",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "PodDisruptionBudget",
        "Service",
        "Deployment",
        "HorizontalPodAutoscaler",
    ]
    assert rendered.objects[-1]["metadata"]["name"] == "mine"
    assert rendered.objects[-1]["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "deployer"
    assert rendered.objects[-1]["spec"] == {}


def test_patches_are_merged_in_the_order_of_the_list(render: Render, find: Find) -> None:
    one = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: iris}, spec: {replicas: 5}}"
    two = one.replace("5", "6")
    assert find(render(one=one, two=two), "Deployment")["spec"]["replicas"] == 6


def test_a_spread_of_the_users_own_keeps_its_selector(render: Render, find: Find) -> None:
    patch = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: iris}
spec:
  template:
    spec:
      topologySpreadConstraints:
        - topologyKey: kubernetes.io/hostname
          maxSkew: 1
          whenUnsatisfiable: DoNotSchedule
          labelSelector: {matchLabels: {team: ml}}
"""
    deployment = find(render(patch=patch), "Deployment")
    spreads = deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert [item["labelSelector"]["matchLabels"] for item in spreads] == [
        {"deployer/name": "iris", "deployer/release": "42"},
        {"team": "ml"},
    ]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("kind: ConfigMap\nmetadata: {name: a}\n", ["1:1 apiVersion"]),
        ("apiVersion: v1\nkind: ConfigMap\n", ["1:1 metadata.name"]),
        ("[]\n", ["1:1 "]),
        ("text\n", ["1:1 "]),
        (ACCOUNT + "  namespace: other\n", ["6:14 metadata.namespace"]),
        (ACCOUNT + "kind: Deployment\n", ["6:1 "]),
        (ACCOUNT + "$patch: delete\n", ["6:9 $patch"]),
        ("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {a: b}\n", ["2:7 kind"]),
        (ACCOUNT + "---\nkind: 3\n", ["7:1 apiVersion", "7:1 metadata.name", "7:7 kind"]),
    ],
)
def test_a_bad_patch_is_refused_with_its_places(
    render: Render, text: str, places: list[str]
) -> None:
    with pytest.raises(SpecError, match=r"bad\.yaml cannot be applied") as caught:
        render(bad=text)
    found = [f"{fault.line}:{fault.column} {fault.path}" for fault in caught.value.faults]
    assert len(found) == len(places)
    assert all(a.startswith(b) for a, b in zip(sorted(found), sorted(places), strict=True))


def test_the_targets_own_namespace_may_be_written(render: Render) -> None:
    render("lab", account=ACCOUNT.replace("  name: iris", "  name: iris\n  namespace: ml"))


def test_two_objects_of_one_name_are_refused(render: Render) -> None:
    with pytest.raises(SpecError) as caught:
        render(one=EXTRA, two=EXTRA)
    assert caught.value.file.name == "two.yaml"
    assert "PodDisruptionBudget/theirs is there twice" in caught.value.faults[0].message


def test_a_patch_file_that_is_missing_is_named(make_spec: Callable[..., Spec]) -> None:
    spec = make_spec(listed="[gone.yaml]")
    with pytest.raises(SpecError, match=r"cannot read .*gone\.yaml"):
        load_patches(spec, namespace="default")


def test_an_empty_document_is_passed_over(render: Render) -> None:
    assert render().objects != render(empty=f"---\n---\n{ACCOUNT}---\n# nothing\n").objects


OPERATIONS = """\
- {op: add, path: /spec/template/spec/containers/0/env/-, value: {name: A, value: b}}
- {op: test, path: /spec/replicas, value: 1}
- {op: replace, path: /spec/replicas, value: 3}
"""
TO_WORKLOAD = "[{path: patch.yaml, target: {kind: Deployment, name: iris}}]"


def test_a_json_patch_changes_what_its_target_names(render: Render, find: Find) -> None:
    deployment = find(render(listed=TO_WORKLOAD, patch=OPERATIONS), "Deployment")
    assert deployment["metadata"]["name"] == "iris-r42"
    assert deployment["spec"]["replicas"] == 3
    [server] = deployment["spec"]["template"]["spec"]["containers"]
    assert {"name": "A", "value": "b"} in server["env"]


def test_a_merge_may_have_a_target_instead_of_a_name(render: Render, find: Find) -> None:
    rendered = render(listed=TO_WORKLOAD, patch="spec: {minReadySeconds: 5}\n")
    assert find(rendered, "Deployment")["spec"]["minReadySeconds"] == 5


@pytest.mark.parametrize(
    ("listed", "text", "message"),
    [
        ("[patch.yaml]", OPERATIONS, "a JSON patch needs a target"),
        (TO_WORKLOAD, "- {op: add}\n", "has op and path"),
        (TO_WORKLOAD, "- {op: replace, path: /spec/nothing, value: 1}\n", "replace /spec/nothing"),
        (TO_WORKLOAD, "- {op: test, path: /spec/replicas, value: 9}\n", "test /spec/replicas"),
        (TO_WORKLOAD, "- {op: bogus, path: /spec}\n", "Unknown operation"),
        (TO_WORKLOAD, "- {op: replace, path: '', value: 3}\n", "replaced by something else"),
        (TO_WORKLOAD, "- {op: replace, path: /metadata/name, value: x}\n", "names are ours"),
        (TO_WORKLOAD, "- {op: remove, path: /metadata}\n", "would be no object any more"),
        (
            TO_WORKLOAD,
            "- {op: remove, path: /spec/template/spec/containers}\n",
            "spec.template.spec.containers of Deployment/iris would be no list",
        ),
        (TO_WORKLOAD, "spec: {template: 3}\n", "spec.template of Deployment/iris would be no map"),
        (
            "[{path: patch.yaml, target: {kind: Job, name: iris}}]",
            "- {op: add, path: /spec, value: {}}\n",
            "there is no Job/iris to change; there are ConfigMap/iris, Deployment/iris",
        ),
    ],
)
def test_a_patch_that_cannot_be_done_is_refused(
    render: Render, listed: str, text: str, message: str
) -> None:
    with pytest.raises(SpecError, match=r"patch\.yaml cannot be applied") as caught:
        render(listed=listed, patch=text)
    assert message in " ".join(fault.message for fault in caught.value.faults)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("apiVersion: v1\nkind: Namespace\nmetadata: {name: a, namespace: default}\n", "3:32 met"),
        ("apiVersion: apps/v1\nkind: Deploymint\nmetadata: {name: a}\n", "2:7 kind"),
        (ACCOUNT.replace("v1", "v2", 1), "1:13 apiVersion"),
        (ACCOUNT + "  uid: abc\n", "6:3 metadata.uid"),
        (ACCOUNT + "status: {}\n", "6:1 status"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {PASSWORD: x}\n", "4:18 da"),
        (
            "kind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: a}}\n",
            "3:26 items[0].kind",
        ),
    ],
)
def test_what_no_server_should_be_asked_is_refused_here(
    render: Render, text: str, place: str
) -> None:
    with pytest.raises(SpecError) as caught:
        render(bad=text)
    [fault] = caught.value.faults
    assert f"{fault.line}:{fault.column} {fault.path}".startswith(place)


def test_an_alias_bomb_is_refused_before_it_is_read(render: Render) -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]" for a, b in pairwise("abcdefgh")]
    with pytest.raises(SpecError) as caught:
        render(bomb="\n".join(lines))
    assert "once aliases are expanded" in caught.value.faults[0].message


def test_ten_megabytes_are_refused_before_they_are_read(render: Render) -> None:
    with pytest.raises(SpecError, match=r"large\.yaml is larger than 1 MiB; it is not read"):
        render(large="a: b\n" * (2 << 20))


def test_what_a_release_can_do_without_can_be_left_out(render: Render) -> None:
    policy = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: iris}\n"
    kinds = [item["kind"] for item in render(off=policy + "$patch: delete\n").objects]
    assert "NetworkPolicy" not in kinds
    with pytest.raises(SpecError) as caught:
        render(off=ACCOUNT + "$patch: delete\n")
    assert "cannot be deleted, only changed" in caught.value.faults[0].message


SCALER = """\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: mine}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: TARGET}
  maxReplicas: 3
"""


def test_an_autoscaler_of_the_users_own_follows_the_release(render: Render, find: Find) -> None:
    ours = find(render(scaler=SCALER.replace("TARGET", "iris")), "HorizontalPodAutoscaler")
    assert ours["metadata"]["name"] == "mine-r42"
    assert ours["metadata"]["labels"]["deployer/release"] == "42"
    assert ours["spec"]["scaleTargetRef"]["name"] == "iris-r42"
    other = find(render(scaler=SCALER.replace("TARGET", "web")), "HorizontalPodAutoscaler")
    assert other["metadata"]["name"] == "mine"
    assert other["spec"]["scaleTargetRef"]["name"] == "web"
