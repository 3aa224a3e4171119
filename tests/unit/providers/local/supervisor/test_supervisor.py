"""The supervisor as a process, with real pods: what happens when things die."""

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deployer.errors import TransientError
from deployer.ports import Applied, HttpRequest, ObjectRef, PodState, Readiness, Verdict
from deployer.providers.http.probe import HttpProbe
from deployer.providers.local.clock import SystemClock
from deployer.providers.local.cluster import LocalCluster
from deployer.providers.local.cluster_folder import ClusterFolder, read_json
from deployer.providers.local.lifecycle import MARKER, start_cluster, stop_cluster
from deployer.providers.local.processes import find_marked

SERVER = Path(__file__).parents[4] / "pods" / "server.py"
CLOCK = SystemClock()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "cluster"
    stop_cluster(tmp_path / "cluster", now=True)
    assert not running(tmp_path / "cluster")


@pytest.fixture
def cluster(folder: Path) -> LocalCluster:
    return LocalCluster(folder, "models", probe=HttpProbe(CLOCK))


def deployment(name: str, *, replicas: int = 1, **env: str) -> dict[str, Any]:
    container: dict[str, Any] = {
        "name": "server",
        "command": [sys.executable, str(SERVER)],
        "env": [
            {"name": "ADDRESS", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "PORT", "value": "8080"},
            {"name": "NAME", "value": name},
            *({"name": key, "value": value} for key, value in env.items()),
        ],
        "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 0.1},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"workload": name}},
            "template": {
                "metadata": {"labels": {"workload": name}},
                "spec": {"containers": [container], "terminationGracePeriodSeconds": 1},
            },
        },
    }


def pod_spec(manifest: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = manifest["spec"]["template"]["spec"]
    return spec


def service(name: str, workload: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {
            "selector": {"workload": workload},
            "ports": [{"port": 80, "targetPort": "http", "protocol": "TCP"}],
        },
    }


def until(check: Callable[[], object], seconds: float = 20.0) -> None:
    deadline = CLOCK.monotonic() + seconds
    while not check():
        assert CLOCK.monotonic() < deadline, f"it did not come to that in {seconds:g} s"
        CLOCK.sleep(0.05)


def readiness(cluster: LocalCluster, name: str) -> Readiness:
    return cluster.readiness(ObjectRef("apps/v1", "Deployment", name))


def until_ready(cluster: LocalCluster, name: str, pods: int = 1) -> tuple[PodState, ...]:
    until(lambda: readiness(cluster, name).verdict is Verdict.READY)
    found = readiness(cluster, name)
    assert found.ready == pods
    return found.pods


def running(folder: Path) -> list[int]:
    return list(find_marked(MARKER, f"{folder}:"))


def supervisor_pid(folder: Path) -> int:
    pid = ClusterFolder(folder).supervisor_pid()
    assert pid is not None
    return pid


def who(cluster: LocalCluster, service: str) -> dict[str, Any]:
    answer = cluster.call(service, HttpRequest("GET", "/"), timeout_seconds=5)
    found: dict[str, Any] = json.loads(answer.body)
    return found


def test_a_killed_pod_is_started_again(cluster: LocalCluster) -> None:
    cluster.apply(service("web", "web"))
    cluster.apply(deployment("web"))
    until_ready(cluster, "web")
    first = who(cluster, "web")["pid"]
    os.kill(first, signal.SIGKILL)
    until(lambda: readiness(cluster, "web").pods[0].restarts == 1)
    until_ready(cluster, "web")
    ref = ObjectRef("v1", "Service", "web")
    until(lambda: cluster.readiness(ref).verdict is Verdict.READY)
    assert who(cluster, "web")["pid"] != first


def test_a_killed_supervisor_leaves_no_process_and_the_next_brings_all_back(
    cluster: LocalCluster, folder: Path
) -> None:
    cluster.apply(service("web", "web"))
    cluster.apply(deployment("web", replicas=2, CHILD="yes"))
    pods = until_ready(cluster, "web", 2)
    endpoint = cluster.endpoint("web")
    assert len(running(folder)) == 4  # two servers, each with a child
    os.kill(supervisor_pid(folder), signal.SIGKILL)
    until(lambda: not running(folder), 10)
    down = readiness(cluster, "web")
    assert down.verdict is Verdict.FAILED
    assert "not running (last seen 20" in down.message
    with pytest.raises(TransientError):
        cluster.call("web", HttpRequest(), timeout_seconds=1)
    cluster.describe()
    again = until_ready(cluster, "web", 2)
    assert [pod.name for pod in again] == [pod.name for pod in pods]
    assert cluster.endpoint("web") == endpoint
    assert len(running(folder)) == 4


def test_a_stopped_cluster_is_unreachable_until_it_is_started(
    cluster: LocalCluster, folder: Path
) -> None:
    manifest = deployment("web")
    cluster.apply(manifest)
    until_ready(cluster, "web")
    stop_cluster(folder, now=False)
    assert not running(folder)
    assert ClusterFolder(folder).supervisor_pid() is None
    ref = ObjectRef.of(manifest)
    calls: tuple[Callable[[], object], ...] = (
        cluster.describe,
        lambda: cluster.get(ref),
        lambda: cluster.list({}),
        lambda: cluster.apply(manifest),
        lambda: cluster.delete(ref),
        lambda: cluster.readiness(ref),
        lambda: cluster.endpoint("web"),
        lambda: cluster.call("web", HttpRequest(), timeout_seconds=1),
        lambda: cluster.logs("web"),
    )
    for call in calls:
        with pytest.raises(TransientError, match="stopped since"):
            call()
    start_cluster(folder)
    until_ready(cluster, "web")


def test_a_pod_deaf_to_sigterm_is_killed_after_its_grace(
    cluster: LocalCluster, folder: Path
) -> None:
    manifest = deployment("web", DEAF="yes", CHILD="yes")
    cluster.apply(manifest)
    until_ready(cluster, "web")
    begun = CLOCK.monotonic()
    cluster.delete(ObjectRef.of(manifest))
    until(lambda: not running(folder), 10)
    assert CLOCK.monotonic() - begun >= 0.9
    until(lambda: not list(ClusterFolder(folder).pods("models").iterdir()))


def test_a_second_supervisor_refuses(cluster: LocalCluster, folder: Path) -> None:
    cluster.describe()
    first = supervisor_pid(folder)
    command = [sys.executable, "-m", "deployer.providers.local.supervisor", str(folder)]
    second = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert second.returncode == 3
    assert "another supervisor" in second.stderr
    assert supervisor_pid(folder) == first


def test_many_starts_at_once_end_with_one_supervisor(folder: Path) -> None:
    threads = [threading.Thread(target=start_cluster, args=(folder,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert supervisor_pid(folder)


def test_a_selector_shift_under_load_fails_no_request(cluster: LocalCluster) -> None:
    cluster.apply(service("web", "one"))
    for name in ("one", "two"):
        cluster.apply(deployment(name))
    for name in ("one", "two"):
        until_ready(cluster, name)
    until(lambda: cluster.readiness(ObjectRef("v1", "Service", "web")).verdict is Verdict.READY)
    endpoint = cluster.endpoint("web")
    assert endpoint is not None
    seen: list[str] = []
    failures: list[str] = []
    done = threading.Event()

    def load() -> None:
        while not done.is_set():
            try:
                with urllib.request.urlopen(endpoint, timeout=5) as answer:  # noqa: S310 - http, ours
                    seen.append(json.load(answer)["workload"])
            except OSError as error:
                failures.append(str(error))

    clients = [threading.Thread(target=load) for _ in range(3)]
    for client in clients:
        client.start()
    for target in ("two", "one", "two"):
        until(lambda: len(seen) > 20)
        assert cluster.apply(service("web", target)) is Applied.CHANGED
        CLOCK.sleep(0.2)
        seen.clear()
        until(lambda: len(seen) > 10)  # more than were under way
        assert set(seen[-3:]) == {target}
    done.set()
    for client in clients:
        client.join(10)
    assert not failures


def test_a_service_without_ready_pods_refuses_connections(cluster: LocalCluster) -> None:
    cluster.apply(service("web", "web"))
    cluster.apply(deployment("web", READY="no"))
    until(lambda: readiness(cluster, "web").pods)
    endpoint = cluster.endpoint("web")
    assert endpoint is not None
    with pytest.raises(TransientError, match="connect failed"):
        HttpProbe(CLOCK).send(endpoint, HttpRequest(), timeout_seconds=2)


def test_a_new_template_replaces_the_pods_once_the_new_ones_are_ready(
    cluster: LocalCluster,
) -> None:
    cluster.apply(deployment("web"))
    (old,) = until_ready(cluster, "web")
    cluster.apply(deployment("web", READY="no"))
    until(lambda: len(readiness(cluster, "web").pods) == 2)
    CLOCK.sleep(0.3)
    held = readiness(cluster, "web")
    assert held.verdict is Verdict.PROGRESSING
    assert [pod.name for pod in held.pods if pod.ready] == [old.name]
    cluster.apply(deployment("web", EXTRA="1"))
    until(lambda: [p.name for p in readiness(cluster, "web").pods if p.ready] != [old.name])
    until(lambda: len(readiness(cluster, "web").pods) == 1)
    (new,) = until_ready(cluster, "web")
    assert new.name != old.name


def test_scaling_to_nothing_stops_every_pod(cluster: LocalCluster, folder: Path) -> None:
    cluster.apply(deployment("web", replicas=2))
    until_ready(cluster, "web", 2)
    cluster.apply(deployment("web", replicas=0))
    until(lambda: not running(folder))
    until_ready(cluster, "web", 0)


def test_an_init_container_prepares_the_volume_that_the_server_reads(
    cluster: LocalCluster,
) -> None:
    manifest = deployment("web", FILE="/mnt/models/name")
    spec = pod_spec(manifest)
    mounts = [{"name": "model", "mountPath": "/mnt/models"}]
    write = "echo from-init > /mnt/models/name; cat /etc/settings/color"
    spec["initContainers"] = [
        {
            "name": "model",
            "command": ["sh", "-c", write],
            "volumeMounts": [*mounts, {"name": "settings", "mountPath": "/etc/settings"}],
        }
    ]
    spec["containers"][0]["volumeMounts"] = mounts
    spec["containers"][0]["command"] = ["sh", "-c", 'cat "$FILE"; exec "$0" "$@"', sys.executable]
    spec["containers"][0]["args"] = [str(SERVER)]
    spec["volumes"] = [
        {"name": "model", "emptyDir": {}},
        {"name": "settings", "configMap": {"name": "settings"}},
    ]
    cluster.apply(manifest)
    until(lambda: "ConfigMap settings" in _waiting_message(cluster, "web"))
    cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "settings"},
            "data": {"color": "red"},
        }
    )
    until_ready(cluster, "web")
    logs = cluster.logs("web")
    assert "red" in logs
    assert "from-init" in logs


def test_a_failing_init_container_is_named_with_its_last_words(cluster: LocalCluster) -> None:
    manifest = deployment("web")
    pod_spec(manifest)["initContainers"] = [
        {"name": "model", "command": ["sh", "-c", "echo digest differs; exit 4"]}
    ]
    cluster.apply(manifest)
    until(lambda: readiness(cluster, "web").verdict is Verdict.FAILED)
    found = readiness(cluster, "web")
    assert "container model: CrashLoopBackOff (exit code 4" in found.message
    assert "digest differs" in found.message
    assert found.pods[0].reason == "Init:CrashLoopBackOff"


def test_an_image_without_a_command_waits_as_on_a_real_cluster(
    cluster: LocalCluster, folder: Path
) -> None:
    manifest = deployment("web")
    container = pod_spec(manifest)["containers"][0]
    command = container.pop("command")
    container["image"] = "registry.example/own/server:1"
    cluster.apply(manifest)
    until(lambda: _reason(cluster, "web") == "ImagePullBackOff")
    table = {"registry.example/own/server": command}
    (folder / "images.json").write_text(json.dumps(table))
    until_ready(cluster, "web")


def test_a_program_that_does_not_exist_is_named(cluster: LocalCluster) -> None:
    manifest = deployment("web")
    pod_spec(manifest)["containers"][0]["command"] = ["no-such-program"]
    cluster.apply(manifest)
    until(lambda: _reason(cluster, "web") == "RunContainerError")


def test_a_failing_liveness_probe_restarts_the_container(
    cluster: LocalCluster, tmp_path: Path
) -> None:
    sick = tmp_path / "sick"
    manifest = deployment("web", HEALTH_FILE=str(sick))
    container = pod_spec(manifest)["containers"][0]
    container["startupProbe"] = {**container["readinessProbe"], "failureThreshold": 200}
    container["livenessProbe"] = {
        "httpGet": {"path": "/health", "port": 8080},
        "periodSeconds": 0.1,
        "failureThreshold": 2,
    }
    cluster.apply(manifest)
    until_ready(cluster, "web")
    sick.touch()
    until(lambda: readiness(cluster, "web").pods[0].restarts == 1)
    sick.unlink()
    until_ready(cluster, "web")


def test_startup_exec_and_tcp_probes_are_honoured(cluster: LocalCluster, tmp_path: Path) -> None:
    go = tmp_path / "go"
    manifest = deployment("web")
    container = pod_spec(manifest)["containers"][0]
    container["startupProbe"] = {
        "exec": {"command": ["test", "-e", str(go)]},
        "periodSeconds": 0.1,
        "failureThreshold": 200,
    }
    container["readinessProbe"] = {"tcpSocket": {"port": "http"}, "periodSeconds": 0.1}
    cluster.apply(manifest)
    until(lambda: "serving" in cluster.logs("web"))
    CLOCK.sleep(0.3)
    assert readiness(cluster, "web").verdict is Verdict.PROGRESSING
    go.touch()
    until_ready(cluster, "web")


def test_a_rollout_past_its_deadline_fails(cluster: LocalCluster) -> None:
    manifest = deployment("web", READY="no")
    manifest["spec"]["progressDeadlineSeconds"] = 1
    cluster.apply(manifest)
    until(lambda: readiness(cluster, "web").verdict is Verdict.FAILED)
    assert "ProgressDeadlineExceeded" in readiness(cluster, "web").message


def test_a_cluster_whose_folder_is_removed_ends(cluster: LocalCluster, folder: Path) -> None:
    cluster.apply(deployment("web"))
    until_ready(cluster, "web")
    pids = [supervisor_pid(folder), *running(folder)]
    folder.rename(folder.with_name("moved"))
    until(lambda: not any(map(_runs, pids)))


def _runs(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def _reason(cluster: LocalCluster, name: str) -> str:
    pods = readiness(cluster, name).pods
    return pods[0].reason if pods else ""


def _waiting_message(cluster: LocalCluster, name: str) -> str:
    folder = cluster._folder.pods("models")
    for path in folder.glob(f"{name}-*/pod.json"):
        status = (read_json(path) or {})["status"]
        waiting = status["containerStatuses"][0]["state"].get("waiting") or {}
        return str(waiting.get("message", ""))
    return ""
