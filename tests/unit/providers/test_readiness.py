from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deployer.ports import Verdict
from deployer.providers.readiness import (
    PATIENCE_SECONDS,
    judge_deployment,
    judge_presence,
    judge_service,
)

NOW = datetime(2026, 11, 23, tzinfo=UTC)
DONE = {
    "observedGeneration": 2,
    "replicas": 2,
    "updatedReplicas": 2,
    "readyReplicas": 2,
    "availableReplicas": 2,
}


def deployment(status: dict[str, Any] | None, **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "web", "generation": 2},
        "spec": {"replicas": 2, **spec},
        "status": status,
    }


def pod(
    name: str, *, ready: bool = True, waiting: str = "", restarts: int = 0, age: float = 0.0
) -> dict[str, Any]:
    since = (NOW - timedelta(seconds=age)).isoformat()
    state = {"waiting": {"reason": waiting, "message": "why"}} if waiting else {"running": {}}
    last = {"terminated": {"exitCode": 3, "message": "last words"}} if restarts else {}
    return {
        "metadata": {"name": name, "creationTimestamp": since},
        "status": {
            "conditions": [
                {"type": "Ready", "status": str(ready), "lastTransitionTime": since},
            ],
            "containerStatuses": [
                {"name": "c", "restartCount": restarts, "state": state, "lastState": last}
            ],
        },
    }


GOOD = (pod("a"), pod("b"))


def test_a_complete_rollout_with_ready_pods_is_ready() -> None:
    assert judge_deployment(deployment(DONE), GOOD, now=NOW).verdict is Verdict.READY


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (None, "not reported"),
        ({}, "not reported"),
        ({**DONE, "observedGeneration": 1}, "latest change"),
        ({**DONE, "updatedReplicas": 1}, "1 of 2 pods are of the new version"),
        ({**DONE, "replicas": 3}, "1 pods of the old version"),
        ({**DONE, "availableReplicas": 1}, "1 of 2 pods are ready"),
    ],
)
def test_anything_less_is_in_progress(status: dict[str, Any] | None, words: str) -> None:
    found = judge_deployment(deployment(status), GOOD, now=NOW)
    assert found.verdict is Verdict.PROGRESSING
    assert words in found.message


def test_a_paused_deployment_is_never_ready() -> None:
    found = judge_deployment(deployment(DONE, paused=True), GOOD, now=NOW)
    assert (found.verdict, found.message) == (Verdict.PROGRESSING, "it is paused")


def test_a_status_that_its_pods_contradict_is_not_believed() -> None:
    found = judge_deployment(deployment(DONE), (pod("a"), pod("b", ready=False)), now=NOW)
    assert found.verdict is Verdict.PROGRESSING


def test_a_missed_deadline_is_a_failure() -> None:
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    status = {**DONE, "updatedReplicas": 1, "conditions": [late]}
    assert judge_deployment(deployment(status), GOOD, now=NOW).verdict is Verdict.FAILED


@pytest.mark.parametrize(
    ("waiting", "restarts", "age", "verdict"),
    [
        ("CrashLoopBackOff", 2, 1, Verdict.PROGRESSING),
        ("CrashLoopBackOff", 3, 1, Verdict.FAILED),
        ("CrashLoopBackOff", 1, PATIENCE_SECONDS, Verdict.FAILED),
        ("ImagePullBackOff", 0, 1, Verdict.PROGRESSING),
        ("ImagePullBackOff", 0, PATIENCE_SECONDS, Verdict.FAILED),
        ("CreateContainerConfigError", 0, PATIENCE_SECONDS, Verdict.FAILED),
        ("ContainerCreating", 0, 10 * PATIENCE_SECONDS, Verdict.PROGRESSING),
    ],
)
def test_a_pod_that_keeps_failing_fails_its_deployment(
    waiting: str, restarts: int, age: float, verdict: Verdict
) -> None:
    bad = pod("b", ready=False, waiting=waiting, restarts=restarts, age=age)
    status = {**DONE, "readyReplicas": 1, "availableReplicas": 1}
    found = judge_deployment(deployment(status), (pod("a"), bad), now=NOW)
    assert found.verdict is verdict
    if verdict is Verdict.FAILED:
        assert f"pod b, container c: {waiting}" in found.message
        assert ("last words" if restarts else "why") in found.message


def test_why_a_pod_is_pending_is_passed_on() -> None:
    pending = {
        "metadata": {"name": "a"},
        "status": {
            "conditions": [
                {
                    "type": "PodScheduled",
                    "status": "False",
                    "reason": "Unschedulable",
                    "message": "Insufficient nvidia.com/gpu",
                }
            ]
        },
    }
    status = {**DONE, "readyReplicas": 0, "availableReplicas": 0}
    found = judge_deployment(deployment(status), (pending,), now=NOW)
    assert "Unschedulable: Insufficient nvidia.com/gpu" in found.message


def test_a_service_needs_a_ready_endpoint_and_a_load_balancer_its_address() -> None:
    service: dict[str, Any] = {"metadata": {"name": "s"}, "spec": {"selector": {"a": "b"}}}
    assert judge_service(service, ["a"]).verdict is Verdict.READY
    assert "a=b" in judge_service(service, []).message
    service["spec"]["type"] = "LoadBalancer"
    assert judge_service(service, ["a"]).verdict is Verdict.PROGRESSING
    service["status"] = {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}
    assert judge_service(service, ["a"]).verdict is Verdict.READY


def test_an_object_on_its_way_out_is_not_ready() -> None:
    leaving = {"metadata": {"name": "a", "deletionTimestamp": "2026-11-23T00:00:00Z"}}
    assert judge_presence(leaving, "ConfigMap/a").verdict is Verdict.PROGRESSING
    assert judge_presence(None, "ConfigMap/a").verdict is Verdict.MISSING
