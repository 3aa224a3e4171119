"""How workloads do on a real API server: what is told of each kind of trouble."""

import itertools
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deployer.errors import RolloutError, TransientError
from deployer.execution.events import Waiting
from deployer.execution.waiting import Wanted, await_ready
from deployer.ports import Cluster, ObjectRef, Readiness, Verdict
from deployer.providers.kube.cluster import KubeCluster
from deployer.providers.kube.connect import connect_cluster, connect_found
from deployer.providers.local.clock import SystemClock
from tests.cluster.gate import open_gate
from tests.cluster.rig import ApiServer, ControlPlane

POD = Path(__file__).parents[1] / "pods" / "server.py"
CLOCK = SystemClock()
WEB = ObjectRef("apps/v1", "Deployment", "web")
DOOR = ObjectRef("v1", "Service", "web")


class AheadClock(SystemClock):
    """A minute ahead, so that what lasts for long has lasted long at once."""

    def now(self) -> datetime:
        return super().now() + timedelta(minutes=1)


@pytest.fixture
def cluster(api_server: ApiServer, namespace: str) -> KubeCluster:
    """A namespace of its own, looked at as if everything had lasted for a minute."""
    if not api_server.runs_pods:
        pytest.skip("pods do not run here")
    return connect(api_server, namespace, AheadClock())


def connect(server: ApiServer, namespace: str, clock: SystemClock = CLOCK) -> KubeCluster:
    return connect_cluster(
        namespace=namespace, clock=clock, context=server.context, kubeconfig=server.kubeconfig
    )


def deployment(*, annotations: Any = None, replicas: int = 1, **container: Any) -> dict[str, Any]:
    labels = {"app": "web"}
    made = {
        "name": "server",
        "image": "docker.io/library/python:3.11-slim",
        "command": [sys.executable, str(POD)],
        "env": [
            {"name": "ADDRESS", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "PORT", "value": "8080"},
            {"name": "NAME", "value": "web"},
        ],
        "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 1},
        **container,
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels, "annotations": annotations or {}},
                "spec": {"containers": [made], "terminationGracePeriodSeconds": 1},
            },
        },
    }


SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web"},
    "spec": {
        "selector": {"app": "web"},
        "ports": [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}],
    },
}


def follow_until(
    cluster: Cluster, verdict: Verdict, ref: ObjectRef = WEB, *, seconds: float = 90.0
) -> list[Readiness]:
    """Follow the object until it has the verdict; return all that was seen on the way."""
    deadline = CLOCK.monotonic() + seconds
    seen: list[Readiness] = []
    with closing(cluster.follow([ref])) as looks:
        for look in looks:
            seen.append(look[ref])
            if look[ref].verdict is verdict:
                return seen
            assert CLOCK.monotonic() < deadline, seen[-1]
    raise AssertionError


def wait(
    cluster: Cluster,
    refs: Sequence[ObjectRef] = (WEB,),
    *,
    timeout_seconds: float = 90.0,
    meanwhile: Callable[[], None] = lambda: None,
) -> tuple[str, list[Waiting]]:
    """Wait as a run does; return what came of it, and all that was told.

    What is to happen ``meanwhile`` begins when the first is told.
    """
    told: list[Waiting] = []
    happening = threading.Thread(target=meanwhile)

    def tell(news: Iterable[Waiting]) -> None:
        if happening.ident is None:
            happening.start()
        told.extend(news)

    wanted = Wanted(
        target="aws",
        release=1,
        refs=refs,
        timeout_seconds=timeout_seconds,
        check=lambda: None,
        tell=tell,
    )
    came = await_ready(cluster, wanted, CLOCK)
    if happening.ident is not None:
        happening.join()
    return came, told


def threads_left(prefix: str = "watch /api") -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(prefix)]


def test_a_deployment_and_its_service_come_up_and_leave_no_thread(cluster: KubeCluster) -> None:
    cluster.apply(SERVICE)
    cluster.apply(deployment(replicas=2))
    came, told = wait(cluster, [WEB, DOOR])
    assert came == "2/2 ready"
    assert {each.name for each in told} == {"Deployment/web", "Service/web"}
    deadline = CLOCK.monotonic() + 10
    while threads_left():
        assert CLOCK.monotonic() < deadline, threads_left()
        CLOCK.sleep(0.05)


def test_a_container_that_crashes_fails_with_its_last_words(cluster: KubeCluster) -> None:
    cluster.apply(deployment(command=["sh", "-c", "echo no model at /mnt/models; exit 3"]))
    with pytest.raises(RolloutError, match=r"web: pod web-.*server: CrashLoopBackOff") as raised:
        wait(cluster)
    assert "exit code 3" in raised.value.message
    assert "no model at /mnt/models" in str(raised.value.hint)
    assert "BackOff" in str(raised.value.hint)
    assert len(str(raised.value.hint).splitlines()) < 24


def test_a_container_that_runs_out_of_memory_says_so(cluster: KubeCluster) -> None:
    trouble = {"trouble.test/out-of-memory-after": "0.1"}
    cluster.apply(deployment(annotations=trouble))
    assert "OOMKilled" in follow_until(cluster, Verdict.FAILED)[-1].message


def test_an_image_that_cannot_be_pulled_fails_with_the_registrys_words(
    cluster: KubeCluster,
) -> None:
    cluster.apply(deployment(image="registry.example/web:missing"))
    found = follow_until(cluster, Verdict.FAILED)[-1].message
    assert "ImagePull" in found
    assert "manifest unknown" in found or "registry.example/web:missing" in found
    assert "registry.example/web:missing" in cluster.explain(WEB)


def test_a_config_map_that_is_not_there_is_named(cluster: KubeCluster) -> None:
    cluster.apply(deployment(envFrom=[{"configMapRef": {"name": "nowhere"}}]))
    found = follow_until(cluster, Verdict.FAILED)[-1].message
    assert "CreateContainerConfigError" in found
    assert "nowhere" in found


def test_a_pod_that_no_node_has_room_for_is_pending_and_the_scheduler_says_why(
    cluster: KubeCluster,
) -> None:
    limits = {"limits": {"nvidia.com/gpu": "64"}}
    cluster.apply(deployment(resources=limits))
    found = follow_until(cluster, Verdict.PENDING)[-1].message
    assert "Insufficient nvidia.com/gpu" in found
    with pytest.raises(RolloutError, match=r"not ready in 3 s: .*nvidia\.com/gpu") as raised:
        wait(cluster, timeout_seconds=3)
    assert "FailedScheduling" in str(raised.value.hint)


def test_a_full_quota_fails_with_its_name(
    cluster: KubeCluster, api_server: ApiServer, namespace: str
) -> None:
    quota = {"metadata": {"name": "gold"}, "spec": {"hard": {"pods": "0"}}}
    api = api_server.api()
    path = f"/api/v1/namespaces/{namespace}/resourcequotas"
    api.post(path, quota)
    deadline = CLOCK.monotonic() + 30
    while not api.get(f"{path}/gold").get("status"):
        assert CLOCK.monotonic() < deadline
        CLOCK.sleep(0.1)
    api.close()
    cluster.apply(deployment())
    found = follow_until(cluster, Verdict.FAILED)[-1].message
    assert "FailedCreate" in found
    assert "exceeded quota: gold" in found


def test_a_paused_deployment_is_paused(cluster: KubeCluster) -> None:
    manifest = deployment()
    manifest["spec"]["paused"] = True
    cluster.apply(manifest)
    assert "rollout resume" in follow_until(cluster, Verdict.PAUSED)[-1].message


def test_what_is_deleted_is_seen_to_be_missing(cluster: KubeCluster) -> None:
    cluster.apply(deployment(replicas=0))
    follow_until(cluster, Verdict.READY)
    with closing(cluster.follow([WEB])) as looks:
        assert next(looks)[WEB].verdict is Verdict.READY
        cluster.delete(WEB)
        few = itertools.islice(looks, 60)
        assert any(look[WEB].verdict is Verdict.MISSING for look in few)


@pytest.mark.parametrize("honest", [True, False])
def test_tokens_that_end_in_the_middle_of_a_wait_are_renewed(
    api_server: ApiServer, namespace: str, tmp_path: Path, honest: bool
) -> None:
    with open_gate(api_server, tmp_path, CLOCK, token_seconds=63 if honest else 2) as gate:
        cluster = connect_found(
            lambda: gate.connection(honest=honest), name="gate", namespace=namespace, clock=CLOCK
        )
        slow = {"trouble.test/pull-seconds": "6"}
        cluster.apply(deployment(annotations=slow))
        cutter = threading.Thread(target=_cut_twice, args=(gate,))
        cutter.start()
        assert wait(cluster)[0] == "1/1 ready"
        cutter.join()
    assert gate.given >= 2
    if honest:
        assert gate.refused == 0


def _cut_twice(gate: Any) -> None:
    """Each watch is taken up again."""
    for _ in range(2):
        CLOCK.sleep(2.5)
        gate.cut_watches()


@pytest.fixture
def held(own_api_server: ApiServer, tmp_path: Path) -> tuple[KubeCluster, ApiServer, Path]:
    """A Deployment whose pod starts once a file is there, on a cluster to be ill-treated."""
    cluster, file = connect(own_api_server, "models"), tmp_path / "go"
    waits = f"until [ -e '{file}' ]; do sleep 0.1; done; exec '{sys.executable}' '{POD}'"
    cluster.apply(deployment(command=["sh", "-c", waits]))
    return cluster, own_api_server, file


def test_an_api_server_that_is_away_and_comes_back_only_delays_the_wait(
    held: tuple[KubeCluster, ApiServer, Path], control_plane: ControlPlane
) -> None:
    cluster, server, file = held
    control_plane.send(server.name, "kube-apiserver", signal.SIGKILL)

    def restart() -> None:
        control_plane.restart(server.name)
        file.touch()

    came, told = wait(cluster, meanwhile=restart)
    assert came == "1/1 ready"
    assert told[0].state == "away"


def test_an_etcd_that_hangs_delays_the_wait_and_one_that_stays_so_is_told(
    held: tuple[KubeCluster, ApiServer, Path], control_plane: ControlPlane
) -> None:
    cluster, server, file = held
    control_plane.send(server.name, "etcd", signal.SIGSTOP)
    try:
        with pytest.raises(TransientError, match="not ready in 2 s"):
            wait(cluster, timeout_seconds=2)
    finally:
        control_plane.send(server.name, "etcd", signal.SIGCONT)
    file.touch()
    assert wait(cluster)[0] == "1/1 ready"
