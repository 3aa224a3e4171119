"""Trouble on demand: every way a pod can go wrong is reported as kubelets report it."""

import signal
from typing import Any

from tests.cluster.rig import ApiServer, ControlPlane


def test_an_image_that_cannot_be_pulled(space: Any, wait: Any) -> None:
    space.run("web", image="registry.example/web:missing")
    wait(lambda: space.waiting("web") == "ImagePullBackOff")
    wait(lambda: {"Failed", "BackOff"} <= space.reasons("web"))


def test_a_container_that_crashes_again_and_again_and_its_last_words(space: Any, wait: Any) -> None:
    space.run("web", "sh", "-c", "echo no model; exit 3")
    wait(lambda: space.waiting("web") == "CrashLoopBackOff")
    ended = space.status("web")["lastState"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (3, "Error")
    assert "no model" in space.log("web", previous="true")


def test_a_container_that_runs_out_of_memory(space: Any, wait: Any) -> None:
    space.run("web", notes={"trouble.test/out-of-memory-after": "0.5"})
    wait(lambda: space.status("web")["restartCount"])
    ended = space.status("web")["lastState"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (137, "OOMKilled")


def test_a_container_that_crashes_after_a_while(space: Any, wait: Any) -> None:
    space.run("web", notes={"trouble.test/crash-after": "0.5"}, restartPolicy="Never")
    wait(lambda: space.phase("web") == "Failed")
    assert space.status("web")["state"]["terminated"]["exitCode"] == 134


def test_a_pull_that_takes_its_time(space: Any, wait: Any) -> None:
    space.run("web", notes={"trouble.test/pull-seconds": "2"})
    assert space.phase("web") == "Pending"
    wait(lambda: space.ready("web"))


def test_a_pod_that_fits_nowhere_stays_pending_with_the_reason(space: Any, wait: Any) -> None:
    limits = {"limits": {"nvidia.com/gpu": "99"}}
    space.run("web", container={"resources": limits})

    def held() -> bool:
        conditions = space.pod("web")["status"].get("conditions") or ()
        return any("Insufficient nvidia.com/gpu" in c.get("message", "") for c in conditions)

    wait(held)


def test_a_node_that_hangs_is_not_ready_and_its_pods_are_not_either(
    api_server: ApiServer, control_plane: ControlPlane, space: Any, wait: Any
) -> None:
    node = f"{api_server.name}-{space.name}"
    control_plane.add_node(api_server.name, node)
    toleration = {"key": "node", "operator": "Equal", "value": node, "effect": "NoSchedule"}
    selector = {"kubernetes.io/hostname": node}
    space.run("web", tolerations=[toleration], nodeSelector=selector)
    wait(lambda: space.ready("web"))
    control_plane.send(api_server.name, node, signal.SIGSTOP)
    try:
        wait(lambda: not space.ready("web"))
    finally:
        control_plane.send(api_server.name, node, signal.SIGCONT)
    wait(lambda: space.ready("web"))
