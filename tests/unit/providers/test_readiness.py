from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deployer.ports import ObjectRef, Readiness, Verdict
from deployer.providers.pods import PATIENCE_SECONDS
from deployer.providers.readiness import Evidence, judge

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


def judge_deployment(
    live: dict[str, Any] | None, pods: Sequence[dict[str, Any]], *, now: datetime = NOW
) -> Readiness:
    return judge(ObjectRef("apps/v1", "Deployment", "web"), live, Evidence(pods=pods), now=now)


NOTHING = Evidence()


def judge_object(
    kind: str,
    *,
    status: Any = None,
    spec: Any = None,
    generation: int = 1,
    evidence: Evidence = NOTHING,
) -> Readiness:
    """Judge an object of ``group/version Kind``; group and version may be left out."""
    api_version, _, name = kind.rpartition(" ")
    live = {
        "metadata": {"name": "x", "generation": generation},
        "spec": spec or {},
        "status": status,
    }
    return judge(ObjectRef(api_version or "v1", name, "x"), live, evidence, now=NOW)


def since(seconds: float) -> str:
    return (NOW - timedelta(seconds=seconds)).isoformat()


def conditions(*pairs: tuple[str, str], reason: str = "Because", age: float = 0.0) -> Any:
    return {
        "conditions": [
            {
                "type": kind,
                "status": status,
                "reason": reason,
                "message": "why",
                "lastTransitionTime": since(age),
            }
            for kind, status in pairs
        ]
    }


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
    assert found.verdict is Verdict.PAUSED
    assert "kubectl rollout resume deployment/web" in found.message


def test_a_deployment_scaled_to_zero_is_ready_and_says_so() -> None:
    live = {**deployment({"observedGeneration": 2}), "spec": {"replicas": 0}}
    found = judge_deployment(live, ())
    assert (found.verdict, found.ready, found.desired) == (Verdict.READY, 0, 0)
    assert found.message == "scaled to 0"


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


def unschedulable(why: str) -> dict[str, Any]:
    scheduled = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    status = {"conditions": [{**scheduled, "message": why}]}
    return {"metadata": {"name": "a"}, "status": status}


def test_a_pod_that_waits_for_a_gpu_is_pending_however_long_and_says_for_what() -> None:
    why = "0/3 nodes are available: 3 Insufficient nvidia.com/gpu."
    status = {**DONE, "readyReplicas": 0, "availableReplicas": 0}
    found = judge_deployment(deployment(status), (unschedulable(why),))
    assert found.verdict is Verdict.PENDING
    assert found.message == f"pod a: Unschedulable: {why}"


def test_a_missed_deadline_is_told_with_what_was_in_its_way() -> None:
    late = conditions(("Progressing", "False"), reason="ProgressDeadlineExceeded")
    status = {**DONE, "updatedReplicas": 1, **late}
    found = judge_deployment(deployment(status), (unschedulable("no room"),))
    assert found.verdict is Verdict.FAILED
    assert "no room" in found.message


@pytest.mark.parametrize(
    ("age", "verdict"),
    [(PATIENCE_SECONDS - 1, Verdict.PROGRESSING), (PATIENCE_SECONDS, Verdict.FAILED)],
)
def test_pods_that_a_quota_refuses_fail_once_it_lasts(age: float, verdict: Verdict) -> None:
    refused = conditions(("ReplicaFailure", "True"), reason="FailedCreate", age=age)
    refused["conditions"][0]["message"] = 'pods "x" is forbidden: exceeded quota: gold'
    found = judge_deployment(deployment({**DONE, "updatedReplicas": 0, **refused}), ())
    assert found.verdict is verdict
    assert "FailedCreate" in found.message
    assert "exceeded quota: gold" in found.message


def test_a_container_that_ran_out_of_memory_says_so() -> None:
    ill = pod("b", ready=False, waiting="CrashLoopBackOff", restarts=3)
    ended = {"exitCode": 137, "reason": "OOMKilled"}
    ill["status"]["containerStatuses"][0]["lastState"] = {"terminated": ended}
    found = judge_deployment(deployment({**DONE, "readyReplicas": 1}), (pod("a"), ill))
    assert "OOMKilled, exit code 137" in found.message


SERVICE: dict[str, Any] = {"selector": {"a": "b"}}
BALANCED = {**SERVICE, "type": "LoadBalancer"}
ONE = Evidence(endpoints=["web-1"])
ADDRESS = {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}
STATEFUL = {"replicas": 2}
SETTLED = {"readyReplicas": 2, "updatedReplicas": 2, "currentRevision": "b", "updateRevision": "b"}
MOVING = {**SETTLED, "currentRevision": "a", "updatedReplicas": 1}
PARTITION = {"updateStrategy": {"rollingUpdate": {"partition": 1}}, "replicas": 2}
DAEMONS = {"desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 2}
ROUTE = "gateway.networking.k8s.io/v1 HTTPRoute"
GATEWAY = "gateway.networking.k8s.io/v1 Gateway"
CRD = "apiextensions.k8s.io/v1 CustomResourceDefinition"
HPA = "autoscaling/v2 HorizontalPodAutoscaler"
KEDA = "keda.sh/v1alpha1 ScaledObject"
LONG = PATIENCE_SECONDS
READY, PROGRESSING, PAUSED, FAILED = (
    Verdict.READY,
    Verdict.PROGRESSING,
    Verdict.PAUSED,
    Verdict.FAILED,
)


@pytest.mark.parametrize(
    ("kind", "fields", "verdict"),
    [
        ("ConfigMap", {}, READY),
        ("apps/v1 StatefulSet", {"spec": STATEFUL}, PROGRESSING),
        ("apps/v1 StatefulSet", {"spec": STATEFUL, "status": SETTLED}, READY),
        ("apps/v1 StatefulSet", {"spec": STATEFUL, "status": MOVING}, PROGRESSING),
        ("apps/v1 StatefulSet", {"spec": PARTITION, "status": MOVING}, READY),
        ("apps/v1 StatefulSet", {"spec": {"replicas": 3}, "status": SETTLED}, PROGRESSING),
        (
            "apps/v1 StatefulSet",
            {"spec": {**STATEFUL, "updateStrategy": {"type": "OnDelete"}}, "status": MOVING},
            READY,
        ),
        ("apps/v1 DaemonSet", {"status": DAEMONS}, READY),
        ("apps/v1 DaemonSet", {"status": {**DAEMONS, "numberAvailable": 1}}, PROGRESSING),
        ("apps/v1 DaemonSet", {"status": {**DAEMONS, "updatedNumberScheduled": 1}}, PROGRESSING),
        ("batch/v1 Job", {}, PROGRESSING),
        ("batch/v1 Job", {"status": {"active": 1}}, PROGRESSING),
        ("batch/v1 Job", {"status": conditions(("Complete", "True"))}, READY),
        ("batch/v1 Job", {"status": conditions(("Failed", "True"))}, FAILED),
        ("batch/v1 Job", {"spec": {"suspend": True}, "status": {"active": 0}}, PAUSED),
        ("Pod", {"status": {"phase": "Failed", "reason": "Evicted"}}, FAILED),
        ("Pod", {"status": {"phase": "Succeeded"}}, READY),
        ("Pod", {"status": conditions(("Ready", "True"))}, READY),
        ("Pod", {"status": {"phase": "Pending"}}, PROGRESSING),
        ("Service", {"spec": SERVICE}, PROGRESSING),
        ("Service", {"spec": SERVICE, "evidence": ONE}, READY),
        ("Service", {"spec": BALANCED, "evidence": ONE}, PROGRESSING),
        ("Service", {"spec": BALANCED, "evidence": ONE, "status": ADDRESS}, READY),
        ("PersistentVolumeClaim", {"status": {"phase": "Pending"}}, PROGRESSING),
        (
            "PersistentVolumeClaim",
            {
                "status": {"phase": "Pending"},
                "evidence": Evidence(events=frozenset({"WaitForFirstConsumer"})),
            },
            READY,
        ),
        ("PersistentVolumeClaim", {"status": {"phase": "Bound"}}, READY),
        ("PersistentVolumeClaim", {"status": {"phase": "Lost"}}, FAILED),
        (HPA, {}, PROGRESSING),
        (HPA, {"status": conditions(("AbleToScale", "False"))}, PROGRESSING),
        (
            HPA,
            {
                "spec": {"minReplicas": 2},
                "status": {**conditions(("AbleToScale", "True")), "currentReplicas": 1},
            },
            PROGRESSING,
        ),
        (
            HPA,
            {
                "spec": {"minReplicas": 2},
                "status": {**conditions(("AbleToScale", "True")), "currentReplicas": 2},
            },
            READY,
        ),
        (HPA, {"status": conditions(("ScalingActive", "False"), reason="ScalingDisabled")}, READY),
        (CRD, {"status": conditions(("NamesAccepted", "True"))}, PROGRESSING),
        (CRD, {"status": conditions(("NamesAccepted", "True"), ("Established", "True"))}, READY),
        (CRD, {"status": conditions(("NamesAccepted", "False"))}, FAILED),
        ("networking.k8s.io/v1 Ingress", {}, PROGRESSING),
        ("networking.k8s.io/v1 Ingress", {"status": ADDRESS}, READY),
        (GATEWAY, {}, PROGRESSING),
        (GATEWAY, {"status": conditions(("Programmed", "True"))}, READY),
        (GATEWAY, {"status": conditions(("Accepted", "False"))}, PROGRESSING),
        (GATEWAY, {"status": conditions(("Accepted", "False"), age=LONG)}, FAILED),
        (ROUTE, {}, PROGRESSING),
        (ROUTE, {"status": {"parents": [conditions(("Accepted", "True"))]}}, READY),
        (ROUTE, {"status": {"parents": [conditions(("Accepted", "False"), age=LONG)]}}, FAILED),
        ("policy/v1 PodDisruptionBudget", {}, READY),
        ("monitoring.coreos.com/v1 ServiceMonitor", {}, READY),
        (KEDA, {}, PROGRESSING),
        (KEDA, {"status": {"observedGeneration": 1}}, PROGRESSING),
        (KEDA, {"generation": 2, "status": {"observedGeneration": 1}}, PROGRESSING),
        (KEDA, {"status": conditions(("Ready", "True"))}, READY),
        (KEDA, {"status": conditions(("Ready", "False"), age=LONG)}, PROGRESSING),
        (KEDA, {"status": conditions(("Ready", "False"), reason="BuildFailed")}, PROGRESSING),
        (KEDA, {"status": conditions(("Ready", "False"), reason="BuildFailed", age=LONG)}, FAILED),
        (KEDA, {"status": conditions(("Stalled", "True"), ("Ready", "True"))}, FAILED),
    ],
)
def test_every_kind_has_its_rule(kind: str, fields: dict[str, Any], verdict: Verdict) -> None:
    found = judge_object(kind, **fields)
    assert found.verdict is verdict, found
    assert found.message or verdict is Verdict.READY


def test_an_object_on_its_way_out_is_not_ready() -> None:
    ref = ObjectRef("v1", "ConfigMap", "a")
    leaving = {"metadata": {"name": "a", "deletionTimestamp": "2026-11-23T00:00:00Z"}}
    assert judge(ref, leaving, Evidence(), now=NOW).verdict is Verdict.PROGRESSING
    assert judge(ref, None, Evidence(), now=NOW).verdict is Verdict.MISSING
