"""How a live object is doing, judged from its JSON alone: pure, and the same for every cluster.

The rules are those kstatus (sigs.k8s.io/cli-utils), kapp and ``kubectl rollout status`` agree on:
no status yet is in progress, a status of an older generation is in progress, and only what the
cluster itself has given up on, or pods that keep failing, count as failed.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from deployer.ports import Manifest, PodState, Readiness, Verdict

__all__ = ["PATIENCE_SECONDS", "judge_deployment", "judge_presence", "judge_service", "pod_state"]

PATIENCE_SECONDS = 30.0
"""How long a pod may be unready for a reason that rarely heals before it counts as failed.

Long enough for a registry's hiccup or a ConfigMap applied a moment later, far below the ten minutes
after which Kubernetes itself gives up (progressDeadlineSeconds).
"""

_WORDS = 300
_CRASHES = 3  # restarts in a crash loop before it counts as failed, however quick they were
_STUCK = frozenset(
    {
        "CrashLoopBackOff",
        "CreateContainerConfigError",
        "CreateContainerError",
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "RunContainerError",
    }
)


def judge_deployment(
    deployment: Manifest | None, pods: Sequence[Manifest], *, now: datetime
) -> Readiness:
    """Judge a Deployment by its status and its pods.

    Pods of an older template are counted, but what is wrong with them is not held against the
    Deployment: they are on their way out, and often the reason for the change.
    """
    if deployment is None:
        return Readiness(Verdict.MISSING, 0, 0, "there is no such Deployment")
    desired = int(deployment["spec"].get("replicas", 1))
    status = deployment.get("status") or {}
    states = tuple(sorted((pod_state(pod) for pod in pods), key=lambda state: state.name))
    verdict, message = _judge(deployment, status, desired)
    seen = sum(state.ready for state in states)
    if verdict is Verdict.READY and seen < desired:  # the pods know better than a status of before
        verdict, message = Verdict.PROGRESSING, f"{seen} of {desired} pods are ready"
    current = [pod for pod in pods if _is_current(pod, deployment)]
    if verdict is not Verdict.READY and (culprit := _find_culprit(current, now)):
        verdict, message = Verdict.FAILED, culprit
    elif verdict is Verdict.PROGRESSING and (reason := _first_reason(states)):
        message = f"{message}; {reason}"
    return Readiness(verdict, int(status.get("readyReplicas", 0)), desired, message, states)


def judge_service(service: Manifest | None, endpoints: Collection[str]) -> Readiness:
    """Judge a Service: it is ready when a pod behind it is, and its load balancer has an address.

    ``desired`` is 1: one endpoint makes it useful.

    Args:
        endpoints: The names of the pods that take its new connections.
    """
    ready_endpoints = len(endpoints)
    pods = tuple(PodState(name, ready=True, restarts=0) for name in sorted(endpoints))
    if service is None:
        return Readiness(Verdict.MISSING, 0, 1, "there is no such Service")
    if service["spec"].get("type") == "LoadBalancer" and not _ingress(service):
        message = "no load balancer address yet"
        return Readiness(Verdict.PROGRESSING, ready_endpoints, 1, message, pods)
    status = service.get("status") or {}
    generation = service["metadata"].get("generation", 0)
    if status.get("observedGeneration", generation) < generation:
        message = "the cluster has not seen the latest change yet"
        return Readiness(Verdict.PROGRESSING, 0, 1, message)
    if ready_endpoints == 0:
        selector = service["spec"].get("selector") or {}
        wanted = ", ".join(f"{key}={value}" for key, value in sorted(selector.items()))
        message = f"no ready pod matches its selector ({wanted})"
        return Readiness(Verdict.PROGRESSING, 0, 1, message)
    return Readiness(Verdict.READY, ready_endpoints, 1, "", pods)


def judge_presence(manifest: Manifest | None, name: str) -> Readiness:
    """Judge an object that has no work of its own by its being there."""
    if manifest is None:
        return Readiness(Verdict.MISSING, 0, 1, f"there is no {name}")
    if manifest["metadata"].get("deletionTimestamp"):
        return Readiness(Verdict.PROGRESSING, 0, 1, f"{name} is being deleted")
    return Readiness(Verdict.READY, 1, 1)


def pod_state(pod: Manifest) -> PodState:
    """Return what a person wants to know of a pod."""
    status = pod.get("status") or {}
    return PodState(
        name=pod["metadata"]["name"],
        ready=_condition(status, "Ready").get("status") == "True",
        restarts=sum(int(c.get("restartCount", 0)) for c in _containers(status)),
        reason=_pod_reason(pod),
    )


def _judge(deployment: Manifest, status: Manifest, desired: int) -> tuple[Verdict, str]:
    if reason := _why_not_judged(deployment, status):
        return Verdict.PROGRESSING, reason
    progressing = _condition(status, "Progressing")
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        detail = progressing.get("message", "")
        return Verdict.FAILED, f"ProgressDeadlineExceeded: {detail}".rstrip(": ")
    failure = _condition(status, "ReplicaFailure")
    if failure.get("status") == "True":
        detail = failure.get("message", "")
        return Verdict.PROGRESSING, f"{failure.get('reason', 'ReplicaFailure')}: {detail}"
    return _count(status, desired)


def _why_not_judged(deployment: Manifest, status: Manifest) -> str:
    metadata = deployment["metadata"]
    if metadata.get("deletionTimestamp"):
        return "it is being deleted"
    if not status:
        return "the cluster has not reported on it yet"
    if int(status.get("observedGeneration", 0)) < int(metadata.get("generation", 1)):
        return "the cluster has not seen the latest change yet"
    return "it is paused" if deployment["spec"].get("paused") else ""


def _count(status: Manifest, desired: int) -> tuple[Verdict, str]:
    total, updated, ready, available = (
        int(status.get(key, 0))
        for key in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    )
    if updated < desired:
        return Verdict.PROGRESSING, f"{updated} of {desired} pods are of the new version"
    if total > updated:
        return Verdict.PROGRESSING, f"{total - updated} pods of the old version are still there"
    if min(ready, available) < desired:
        return Verdict.PROGRESSING, f"{min(ready, available)} of {desired} pods are ready"
    return Verdict.READY, ""


def _is_current(pod: Manifest, deployment: Manifest) -> bool:
    """Say whether the pod was made from the template as it is, as far as its labels tell."""
    template = (deployment["spec"].get("template") or {}).get("metadata") or {}
    wanted: Mapping[str, str] = template.get("labels") or {}
    return wanted.items() <= (pod["metadata"].get("labels") or {}).items()


def _find_culprit(pods: Sequence[Manifest], now: datetime) -> str:
    """Name the first pod that keeps failing, its container, its reason and its last words."""
    for pod in sorted(pods, key=lambda pod: str(pod["metadata"]["name"])):
        if pod["metadata"].get("deletionTimestamp"):
            continue
        for container in _containers(pod.get("status") or {}):
            waiting = container.get("state", {}).get("waiting") or {}
            if waiting.get("reason") in _STUCK and _lasting(pod, container, waiting, now):
                return _describe(pod, container, waiting)
    return ""


def _lasting(pod: Manifest, container: Manifest, waiting: Manifest, now: datetime) -> bool:
    crashes = int(container.get("restartCount", 0))
    if waiting["reason"] == "CrashLoopBackOff" and crashes >= _CRASHES:
        return True
    since = _condition(pod.get("status") or {}, "Ready").get("lastTransitionTime")
    since = since or pod["metadata"].get("creationTimestamp")
    return since is not None and (now - _time(since)).total_seconds() >= PATIENCE_SECONDS


def _describe(pod: Manifest, container: Manifest, waiting: Manifest) -> str:
    last = container.get("lastState", {}).get("terminated") or {}
    restarts = int(container.get("restartCount", 0))
    parts = [f"pod {pod['metadata']['name']}, container {container['name']}: {waiting['reason']}"]
    if "exitCode" in last:
        parts.append(f" (exit code {last['exitCode']}, {restarts} restarts)")
    lines = (last.get("message") or waiting.get("message") or "").strip().splitlines()
    if lines:
        parts.append(f": {lines[-1].strip()[:_WORDS]}")  # the cause ends a stack; the logs have all
    return "".join(parts)


def _pod_reason(pod: Manifest) -> str:
    status = pod.get("status") or {}
    if pod["metadata"].get("deletionTimestamp"):
        return "Terminating"
    for prefix, key in (("Init:", "initContainerStatuses"), ("", "containerStatuses")):
        for container in status.get(key) or ():
            reason = _container_reason(container, init=bool(prefix))
            if reason:
                return f"{prefix}{reason}"
    scheduled = _condition(status, "PodScheduled")
    if scheduled.get("status") == "False":
        return f"{scheduled.get('reason', '')}: {scheduled.get('message', '')}".strip(": ")
    return str(status.get("reason", ""))


def _container_reason(container: Manifest, *, init: bool) -> str:
    state = container.get("state") or {}
    if waiting := state.get("waiting"):
        reason = str(waiting.get("reason", ""))
        return "" if reason in {"PodInitializing", "ContainerCreating"} else reason
    if (ended := state.get("terminated")) and not (init and ended.get("exitCode") == 0):
        return str(ended.get("reason", "Error"))
    return ""


def _first_reason(states: Sequence[PodState]) -> str:
    return next((f"pod {s.name}: {s.reason}" for s in states if s.reason and not s.ready), "")


def _containers(status: Manifest) -> list[Any]:
    keys = ("initContainerStatuses", "containerStatuses")
    return [container for key in keys for container in status.get(key) or ()]


def _condition(status: Manifest, kind: str) -> Any:
    return next((c for c in status.get("conditions") or () if c["type"] == kind), {})


def _ingress(service: Manifest) -> Any:
    return ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress")


def _time(value: str | datetime) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)
