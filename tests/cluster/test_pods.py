"""Pods that are processes: what the node agent owes Kubernetes."""

import base64
import json
from pathlib import Path
from typing import Any

READY = {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 1}
PRINT = "import os,json;print(json.dumps(dict(os.environ)))"


def test_a_pod_becomes_ready_by_its_probe_and_is_reached_through_the_api_server(
    space: Any, wait: Any
) -> None:
    space.run("web", container={"readinessProbe": READY})
    wait(lambda: space.ready("web"))
    assert space.pod("web")["status"]["podIP"].startswith("10.")
    answer = space.api.get(f"{space.path}/pods/web:8080/proxy/ready")
    assert answer["workload"] == "web"
    assert "serving web" in space.log("web")


def test_a_pod_that_is_not_ready_says_so(space: Any, wait: Any) -> None:
    env = [
        {"name": "ADDRESS", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "PORT", "value": "8080"},
        {"name": "NAME", "value": "web"},
        {"name": "READY", "value": "no"},
    ]
    space.run("web", container={"readinessProbe": READY, "env": env})
    wait(lambda: space.phase("web") == "Running")
    assert not space.ready("web")
    wait(lambda: "Unhealthy" in space.reasons("web"))


def test_the_environment_comes_from_config_maps_secrets_fields_and_the_node(
    space: Any, wait: Any
) -> None:
    space.create("configmaps", {"metadata": {"name": "settings"}, "data": {"color": "red"}})
    secret = base64.b64encode(b"sesame").decode()
    space.create("secrets", {"metadata": {"name": "login"}, "data": {"password": secret}})
    space.create("configmaps", {"metadata": {"name": "node-environment"}, "data": {"REGION": "x"}})
    login = {"secretKeyRef": {"name": "login", "key": "password"}}
    env = [
        {"name": "PASSWORD", "valueFrom": login},
        {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        {"name": "BOTH", "value": "$(PASSWORD)!"},
    ]
    source = [{"configMapRef": {"name": "settings"}}]
    container = {"env": env, "envFrom": source}
    space.run("job", "python", "-c", PRINT, restartPolicy="Never", container=container)
    wait(lambda: space.phase("job") == "Succeeded")
    found = json.loads(space.log("job"))
    assert {"color": "red", "PASSWORD": "sesame", "BOTH": "sesame!", "REGION": "x"}.items() <= (
        found.items()
    )
    assert found["NODE"] == space.pod("job")["spec"]["nodeName"]
    assert "KUBERNETES_SERVICE_PORT" in found


def test_volumes_are_folders_shared_by_init_containers_and_containers(
    space: Any, wait: Any
) -> None:
    space.create("configmaps", {"metadata": {"name": "settings"}, "data": {"a.txt": "hello"}})
    fields = {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}
    volumes = [
        {"name": "scratch", "emptyDir": {}},
        {"name": "settings", "configMap": {"name": "settings"}},
        {"name": "about", "downwardAPI": fields},
    ]
    mounts = [
        {"name": "scratch", "mountPath": "/mnt/scratch"},
        {"name": "settings", "mountPath": "/mnt/settings"},
        {"name": "about", "mountPath": "/mnt/about"},
    ]
    copy = "cat /mnt/settings/a.txt /mnt/about/labels > /mnt/scratch/b.txt"
    init = [
        {"name": "first", "image": "x", "command": ["sh", "-c", copy], "volumeMounts": mounts},
    ]
    space.run(
        "job",
        "cat",
        "/mnt/scratch/b.txt",
        restartPolicy="Never",
        volumes=volumes,
        initContainers=init,
        container={"volumeMounts": mounts},
    )
    wait(lambda: space.phase("job") == "Succeeded")
    assert space.log("job").startswith('helloapp="job"')


def test_a_service_account_token_is_projected_and_good(space: Any, wait: Any) -> None:
    mount = "/var/run/secrets/kubernetes.io/serviceaccount"
    space.run("job", "cat", f"{mount}/token", restartPolicy="Never")
    wait(lambda: space.phase("job") == "Succeeded")
    review = {"spec": {"token": space.log("job")}}
    found = space.api.post("/apis/authentication.k8s.io/v1/tokenreviews", review)
    assert found["status"]["user"]["username"] == f"system:serviceaccount:{space.name}:default"


def test_a_pod_waits_for_its_config_map(space: Any, wait: Any) -> None:
    source = [{"configMapRef": {"name": "late"}}]
    space.run("web", container={"envFrom": source})
    wait(lambda: space.waiting("web") == "CreateContainerConfigError")
    space.create("configmaps", {"metadata": {"name": "late"}, "data": {}})
    wait(lambda: space.phase("web") == "Running")


def test_a_liveness_probe_that_fails_restarts_the_container(
    space: Any, wait: Any, tmp_path: Path
) -> None:
    sick = tmp_path / "sick"
    probe = {
        "httpGet": {"path": "/health", "port": 8080},
        "periodSeconds": 1,
        "failureThreshold": 5,
    }
    env = [
        {"name": "ADDRESS", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "PORT", "value": "8080"},
        {"name": "NAME", "value": "web"},
        {"name": "HEALTH_FILE", "value": str(sick)},
    ]
    space.run("web", container={"livenessProbe": probe, "env": env})
    wait(lambda: space.ready("web"))
    sick.touch()
    wait(lambda: space.status("web")["restartCount"] >= 1)
    sick.unlink()
    wait(lambda: space.ready("web"))


def test_a_startup_probe_holds_the_others_back(space: Any, wait: Any, tmp_path: Path) -> None:
    started = tmp_path / "started"
    probe = {
        "exec": {"command": ["test", "-e", str(started)]},
        "periodSeconds": 1,
        "failureThreshold": 60,
    }
    space.run("web", container={"startupProbe": probe})
    wait(lambda: space.phase("web") == "Running")
    assert space.status("web")["started"] is False
    assert not space.ready("web")
    started.touch()
    wait(lambda: space.ready("web"))


def test_a_pod_ends_with_sigterm_then_the_grace_then_sigkill(
    space: Any, wait: Any, tmp_path: Path
) -> None:
    told = tmp_path / "told"
    script = f"trap 'touch {told}' TERM; echo up; while true; do sleep 0.1; done"
    hook = {"preStop": {"exec": {"command": ["touch", str(tmp_path / "hook")]}}}
    space.run("deaf", "sh", "-c", script, container={"lifecycle": hook})
    wait(lambda: "up" in space.log("deaf"))
    pid = int(space.status("deaf")["containerID"].removeprefix("process://"))
    space.api.delete(f"{space.path}/pods/deaf", {"gracePeriodSeconds": 1})
    wait(lambda: space.api.find(f"{space.path}/pods/deaf") is None)
    assert told.exists()
    assert (tmp_path / "hook").exists()
    assert not Path(f"/proc/{pid}").exists()


def test_a_pod_that_was_deleted_by_force_leaves_no_process(space: Any, wait: Any) -> None:
    space.run("web")
    wait(lambda: space.ready("web"))
    pid = int(space.status("web")["containerID"].removeprefix("process://"))
    space.api.delete(f"{space.path}/pods/web", {"gracePeriodSeconds": 0})
    wait(lambda: not Path(f"/proc/{pid}").exists())
