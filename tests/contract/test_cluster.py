"""What every `Cluster` promises, asked of each adapter.

Kubernetes is the tests' own control plane with its node agent, or what stands in for it; on a
cluster without nodes, the parts that need running pods are left out.
"""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from deployer.errors import PreconditionError, ProviderError, TransientError
from deployer.ports import (
    Applied,
    Cluster,
    HttpRequest,
    ObjectRef,
    PodState,
    Readiness,
    Verdict,
)
from deployer.providers.http.probe import HttpProbe
from deployer.providers.kube.connect import connect_cluster
from deployer.providers.local.clock import SystemClock
from deployer.providers.local.cluster import LocalCluster
from deployer.providers.local.cluster_faults import FlakyCluster
from deployer.providers.local.lifecycle import stop_cluster
from deployer.providers.local.memory_cluster import MemoryCluster
from tests.cluster.fixtures import MakeNamespace
from tests.cluster.rig import ApiServer

SERVER = Path(__file__).parents[1] / "pods" / "server.py"
CLOCK = SystemClock()


@dataclass(frozen=True)
class Rig:
    """A cluster under test, and how to make its pods misbehave."""

    cluster: Cluster
    runs_pods: bool
    crash: Callable[[str], None]
    hold: Callable[[str], None]
    say: Callable[[str, str], None]

    def need_pods(self) -> None:
        if not self.runs_pods:
            pytest.skip("pods do not run here: the control plane has no controllers or no node")


@pytest.fixture(params=["memory", "flaky", "local", "kube"])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    match request.param:
        case "memory" | "flaky":
            yield _memory_rig(flaky=request.param == "flaky")
        case "local":
            cluster = LocalCluster(tmp_path / "cluster", "models", probe=HttpProbe(CLOCK))
            yield Rig(cluster, True, _nothing, _nothing, _nothing)
            stop_cluster(tmp_path / "cluster", now=True)
        case _:
            server: ApiServer = request.getfixturevalue("api_server")
            make_namespace: MakeNamespace = request.getfixturevalue("make_namespace")
            yield _kube_rig(server, make_namespace(server))


def _memory_rig(*, flaky: bool) -> Rig:
    memory = MemoryCluster(clock=CLOCK)
    pod = PodState("bad-1", ready=False, restarts=3, reason="CrashLoopBackOff")
    crashed = Readiness(Verdict.FAILED, 0, 1, "pod bad-1: CrashLoopBackOff: no model", (pod,))
    held = Readiness(Verdict.PROGRESSING, 0, 1, "0 of 1 pods are ready", (replace(pod, reason=""),))
    return Rig(
        FlakyCluster(memory, CLOCK) if flaky else memory,
        True,
        lambda name: memory.script_readiness(name, crashed),
        lambda name: memory.script_readiness(name, held),
        memory.script_logs,
    )


def _kube_rig(server: ApiServer, namespace: str) -> Rig:
    cluster = connect_cluster(
        namespace=namespace, clock=CLOCK, kubeconfig=server.kubeconfig, context=server.context
    )
    return Rig(cluster, server.runs_pods, _nothing, _nothing, _nothing)


def _nothing(*_: str) -> None:
    """The workload's own manifest makes it misbehave."""


def config_map(name: str = "settings", **data: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "labels": {"deployer/name": "iris"}},
        "data": data,
    }


def deployment(name: str, **env: str) -> dict[str, Any]:
    labels = {"deployer/name": "iris", "workload": name}
    container = {
        "name": "server",
        "image": "docker.io/library/python:3.11-slim",
        "command": [sys.executable, str(SERVER)],
        "env": [
            {"name": "ADDRESS", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "PORT", "value": "8080"},
            {"name": "NAME", "value": name},
            *({"name": key, "value": value} for key, value in env.items()),
        ],
        "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
        "readinessProbe": {
            "httpGet": {"path": "/ready", "port": "http"},
            "periodSeconds": 1,
        },
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [container], "terminationGracePeriodSeconds": 1},
            },
        },
    }


def service(name: str, workload: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "labels": {"deployer/name": "iris"}},
        "spec": {
            "selector": {"workload": workload},
            "ports": [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}],
        },
    }


def wait_for(cluster: Cluster, manifest: dict[str, Any], verdict: Verdict) -> Readiness:
    deadline = CLOCK.monotonic() + 20
    while (found := cluster.readiness(ObjectRef.of(manifest))).verdict is not verdict:
        assert CLOCK.monotonic() < deadline, f"still {found}"
        CLOCK.sleep(0.05)
    return found


def test_a_cluster_says_who_it_is(rig: Rig) -> None:
    info = rig.cluster.describe()
    assert info.name
    assert info.version


def test_an_apply_creates_then_changes_then_leaves_alone(rig: Rig) -> None:
    assert rig.cluster.apply(config_map(color="red")) is Applied.CREATED
    assert rig.cluster.apply(config_map(color="red")) is Applied.UNCHANGED
    assert rig.cluster.apply(config_map(color="blue")) is Applied.CHANGED
    found = rig.cluster.get(ObjectRef("v1", "ConfigMap", "settings"))
    assert found is not None
    assert found["data"] == {"color": "blue"}


def test_applying_a_whole_workload_twice_changes_nothing(rig: Rig) -> None:
    for manifest in (service("iris", "iris-r1"), deployment("iris-r1")):
        assert rig.cluster.apply(manifest) is Applied.CREATED
        assert rig.cluster.apply(manifest) is Applied.UNCHANGED


def test_a_dry_run_says_what_would_happen_and_changes_nothing(rig: Rig) -> None:
    ref = ObjectRef("v1", "ConfigMap", "settings")
    assert rig.cluster.apply(config_map(color="red"), dry_run=True) is Applied.CREATED
    assert rig.cluster.get(ref) is None
    rig.cluster.apply(config_map(color="red"))
    before = rig.cluster.get(ref)
    assert rig.cluster.apply(config_map(color="red"), dry_run=True) is Applied.UNCHANGED
    assert rig.cluster.apply(config_map(color="blue"), dry_run=True) is Applied.CHANGED
    assert rig.cluster.get(ref) == before


def test_fields_that_are_no_longer_named_vanish(rig: Rig) -> None:
    rig.cluster.apply(config_map(color="red", size="big"))
    assert rig.cluster.apply(config_map(size="big")) is Applied.CHANGED
    found = rig.cluster.get(ObjectRef("v1", "ConfigMap", "settings"))
    assert found is not None
    assert found["data"] == {"size": "big"}


def test_an_environment_variable_that_is_no_longer_named_vanishes(rig: Rig) -> None:
    rig.cluster.apply(deployment("iris-r1", EXTRA="1"))
    rig.cluster.apply(deployment("iris-r1"))
    found = rig.cluster.get(ObjectRef("apps/v1", "Deployment", "iris-r1"))
    assert found is not None
    (container,) = found["spec"]["template"]["spec"]["containers"]
    assert [variable["name"] for variable in container["env"]] == ["ADDRESS", "PORT", "NAME"]


def test_an_object_is_swapped_only_at_the_version_that_was_read(rig: Rig) -> None:
    ref = ObjectRef("v1", "ConfigMap", "settings")
    assert rig.cluster.apply(config_map(token="1"), if_version="") is Applied.CREATED
    first = rig.cluster.get(ref)
    assert first is not None
    version = first["metadata"]["resourceVersion"]
    assert rig.cluster.apply(config_map(token="2"), if_version=version) is Applied.CHANGED
    with pytest.raises(PreconditionError, match="settings"):
        rig.cluster.apply(config_map(token="3"), if_version=version)
    with pytest.raises(PreconditionError, match="settings"):
        rig.cluster.apply(config_map(token="3"), if_version="")
    found = rig.cluster.get(ref)
    assert found is not None
    assert found["data"] == {"token": "2"}


def test_a_version_of_something_that_is_not_there_is_refused(rig: Rig) -> None:
    with pytest.raises(PreconditionError, match="settings"):
        rig.cluster.apply(config_map(token="1"), if_version="123456")
    assert rig.cluster.get(ObjectRef("v1", "ConfigMap", "settings")) is None


def test_a_delete_is_idempotent(rig: Rig) -> None:
    ref = ObjectRef("v1", "ConfigMap", "settings")
    rig.cluster.delete(ref)
    rig.cluster.apply(config_map(color="red"))
    rig.cluster.delete(ref)
    rig.cluster.delete(ref)
    assert rig.cluster.get(ref) is None
    assert rig.cluster.readiness(ref).verdict is Verdict.MISSING


def test_objects_are_listed_by_labels_and_in_order_of_name(rig: Rig) -> None:
    rig.cluster.apply(service("iris", "iris-r1"))
    rig.cluster.apply(config_map("b"))
    rig.cluster.apply(config_map("a"))
    other = config_map("other")
    other["metadata"]["labels"] = {"deployer/name": "other"}
    rig.cluster.apply(other)
    found = rig.cluster.list({"deployer/name": "iris"})
    assert [(m["apiVersion"], m["kind"], m["metadata"]["name"]) for m in found] == [
        ("v1", "ConfigMap", "a"),
        ("v1", "ConfigMap", "b"),
        ("v1", "Service", "iris"),
    ]


def test_an_invalid_manifest_is_refused_for_good(rig: Rig) -> None:
    broken = deployment("iris-r1")
    broken["spec"]["template"]["metadata"]["labels"] = {"workload": "other"}
    with pytest.raises(ProviderError, match="iris-r1") as refused:
        rig.cluster.apply(broken)
    assert not isinstance(refused.value, TransientError)


def test_an_object_without_work_is_ready_when_it_is_there(rig: Rig) -> None:
    rig.cluster.apply(config_map(color="red"))
    found = rig.cluster.readiness(ObjectRef("v1", "ConfigMap", "settings"))
    assert found.verdict is Verdict.READY


def test_a_service_without_a_ready_pod_is_not_ready_and_cannot_be_called(rig: Rig) -> None:
    rig.cluster.apply(service("iris", "iris-r1"))
    found = rig.cluster.readiness(ObjectRef("v1", "Service", "iris"))
    assert found.verdict is Verdict.PROGRESSING
    with pytest.raises(TransientError, match="iris"):
        rig.cluster.call("iris", HttpRequest(), timeout_seconds=2)


def test_a_call_to_a_service_that_is_not_there_fails(rig: Rig) -> None:
    with pytest.raises(TransientError, match="iris"):
        rig.cluster.call("iris", HttpRequest(), timeout_seconds=2)


def test_a_service_that_is_not_there_has_no_endpoint(rig: Rig) -> None:
    assert rig.cluster.endpoint("iris") is None


def test_a_missing_deployment_is_missing_and_has_no_logs(rig: Rig) -> None:
    found = rig.cluster.readiness(ObjectRef("apps/v1", "Deployment", "iris-r1"))
    assert found.verdict is Verdict.MISSING
    assert rig.cluster.logs("iris-r1") == ""


def test_a_deployment_comes_up_and_has_logs(rig: Rig) -> None:
    rig.need_pods()
    manifest = deployment("iris-r1")
    rig.cluster.apply(manifest)
    found = wait_for(rig.cluster, manifest, Verdict.READY)
    assert (found.ready, found.desired) == (1, 1)
    assert [pod.ready for pod in found.pods] == [True]
    assert "iris-r1" in rig.cluster.logs("iris-r1")


def test_a_deployment_that_is_never_ready_stays_in_progress(rig: Rig) -> None:
    rig.need_pods()
    manifest = deployment("iris-r1", READY="no")
    rig.hold("iris-r1")
    rig.cluster.apply(manifest)
    CLOCK.sleep(0.3)
    found = rig.cluster.readiness(ObjectRef.of(manifest))
    assert found.verdict is Verdict.PROGRESSING
    assert found.ready == 0
    assert found.message


def test_a_deployment_that_crashes_fails_and_the_reason_is_named(rig: Rig) -> None:
    rig.need_pods()
    manifest = deployment("iris-r1")
    (container,) = manifest["spec"]["template"]["spec"]["containers"]
    container["command"] = ["sh", "-c", "echo no model; exit 3"]
    rig.crash("iris-r1")
    rig.cluster.apply(manifest)
    found = wait_for(rig.cluster, manifest, Verdict.FAILED)
    assert "CrashLoopBackOff" in found.message
    rig.say("iris-r1", "no model")
    assert "no model" in rig.cluster.explain(ObjectRef.of(manifest))
    assert found.pods[0].restarts >= 3


def test_what_is_followed_is_seen_to_come_up_and_to_go(rig: Rig) -> None:
    rig.need_pods()
    manifest, ref = deployment("iris-r1"), ObjectRef("apps/v1", "Deployment", "iris-r1")
    settings = ObjectRef("v1", "ConfigMap", "settings")
    rig.cluster.apply(config_map(color="red"))
    deadline = CLOCK.monotonic() + 40
    with closing(rig.cluster.follow([ref, settings])) as looks:
        first = next(looks)
        assert first[ref].verdict is Verdict.MISSING
        assert first[settings].verdict is Verdict.READY
        rig.cluster.apply(manifest)
        for wanted in (Verdict.READY, Verdict.MISSING):
            while next(looks)[ref].verdict is not wanted:
                assert CLOCK.monotonic() < deadline
            rig.cluster.delete(ref)


def test_who_follows_hears_something_every_second(rig: Rig) -> None:
    ref = ObjectRef("v1", "Service", "iris")
    rig.cluster.apply(service("iris", "iris-r1"))
    with closing(rig.cluster.follow([ref])) as looks:
        next(looks)
        for _ in range(2):
            begun = CLOCK.monotonic()
            assert next(looks)[ref].verdict is Verdict.PROGRESSING
            assert CLOCK.monotonic() - begun < 2.5


def test_nothing_is_explained_of_what_is_not_there(rig: Rig) -> None:
    assert rig.cluster.explain(ObjectRef("v1", "ConfigMap", "settings")) == ""


def test_a_service_follows_its_selector(rig: Rig) -> None:
    rig.need_pods()
    first, second = deployment("iris-r1"), deployment("iris-r2")
    for manifest in (service("iris", "iris-r1"), first, second):
        rig.cluster.apply(manifest)
    for manifest in (first, second, service("iris", "")):
        wait_for(rig.cluster, manifest, Verdict.READY)
    assert _who(rig.cluster) == "iris-r1"
    assert rig.cluster.apply(service("iris", "iris-r2")) is Applied.CHANGED
    wait_for(rig.cluster, service("iris", ""), Verdict.READY)
    assert _who(rig.cluster) == "iris-r2"


def test_a_deployment_without_replicas_is_ready_with_none(rig: Rig) -> None:
    rig.need_pods()
    manifest = deployment("iris-r1")
    manifest["spec"]["replicas"] = 0
    rig.cluster.apply(manifest)
    found = wait_for(rig.cluster, manifest, Verdict.READY)
    assert (found.ready, found.desired) == (0, 0)


def test_a_deployment_is_scaled_to_0_and_up_again(rig: Rig) -> None:
    rig.need_pods()
    awake = deployment("iris-r1")
    asleep = {**awake, "spec": {**awake["spec"], "replicas": 0}}
    rig.cluster.apply(service("iris", "iris-r1"))
    for manifest, ready in ((awake, 1), (asleep, 0), (awake, 1)):
        rig.cluster.apply(manifest)
        found = wait_for(rig.cluster, manifest, Verdict.READY)
        assert (found.ready, found.desired) == (ready, ready)
        assert _await_endpoints(rig.cluster, "iris", manifest) == {pod.name for pod in found.pods}


def test_a_service_names_the_pods_that_take_its_connections(rig: Rig) -> None:
    rig.need_pods()
    first, second = deployment("iris-r1"), deployment("iris-r2")
    for manifest in (first, second):
        rig.cluster.apply(manifest)
        wait_for(rig.cluster, manifest, Verdict.READY)
    for manifest in (first, second):
        rig.cluster.apply(service("iris", manifest["metadata"]["name"]))
        assert len(_await_endpoints(rig.cluster, "iris", manifest)) == 1


def _await_endpoints(cluster: Cluster, name: str, workload: dict[str, Any]) -> set[str]:
    """Return the pods behind the Service once they are the ready ones of the workload."""
    deadline = CLOCK.monotonic() + 20
    while True:
        pods = cluster.readiness(ObjectRef.of(workload)).pods
        behind = {pod.name for pod in cluster.readiness(ObjectRef("v1", "Service", name)).pods}
        if behind == {pod.name for pod in pods if pod.ready}:
            return behind
        assert CLOCK.monotonic() < deadline, f"{behind} are behind it, {pods} are there"
        CLOCK.sleep(0.05)


def _who(cluster: Cluster) -> str:
    request = HttpRequest("GET", "/ready")
    answer = cluster.call("iris", request, timeout_seconds=5)
    assert answer.status == 200
    return str(json.loads(answer.body)["workload"])
