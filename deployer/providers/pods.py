"""What pods say of themselves: which one keeps failing, which finds no room, and why. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from deployer.ports import Manifest, PodState

__all__ = [
    "PATIENCE_SECONDS",
    "condition",
    "failing_container",
    "find_culprit",
    "find_unscheduled",
    "first_reason",
    "lasts",
    "pod_state",
]

PATIENCE_SECONDS = 30.0
"""How long a thing may be wrong for a reason that rarely heals before it counts as failed.

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
        "ErrImageNeverPull",
        "ErrImagePull",
        "ImageInspectError",
        "ImagePullBackOff",
        "InvalidImageName",
        "RunContainerError",
    }
)


def pod_state(pod: Manifest) -> PodState:
    """Return what a person wants to know of a pod."""
    status = pod.get("status") or {}
    return PodState(
        name=pod["metadata"]["name"],
        ready=condition(status, "Ready").get("status") == "True",
        restarts=sum(int(c.get("restartCount", 0)) for c in _containers(status)),
        reason=_pod_reason(pod),
    )


def find_culprit(pods: Sequence[Manifest], now: datetime) -> str:
    """Name the first pod that keeps failing, its container, its reason and its last words."""
    for pod, container, waiting in _stuck(pods):
        if _lasting(pod, container, waiting, now):
            return _describe(pod, container, waiting)
    return ""


def find_unscheduled(pods: Sequence[Manifest]) -> str:
    """Name the first pod that finds no room, and what the scheduler says: the GPU, the taint."""
    for pod in _staying(pods):
        scheduled = condition(pod.get("status") or {}, "PodScheduled")
        if scheduled.get("status") == "False":
            reason, words = scheduled.get("reason", ""), scheduled.get("message", "")
            return f"pod {pod['metadata']['name']}: {reason}: {words}".rstrip(": ")
    return ""


def first_reason(states: Sequence[PodState]) -> str:
    """Return what the first pod that is not ready says."""
    return next((f"pod {s.name}: {s.reason}" for s in states if s.reason and not s.ready), "")


def failing_container(pod: Manifest) -> Any:
    """Return the status of the container whose log tells most: the first that is in trouble."""
    containers = _containers(pod.get("status") or {})
    ill = (each for each in containers if _container_reason(each, init=False))
    unready = (each for each in containers if not each.get("ready") and each.get("state"))
    return next(ill, None) or next(unready, None) or next(iter(containers[-1:]), None)


def condition(status: Manifest, kind: str) -> Any:
    """Return the condition of that type; empty when there is none."""
    return next((c for c in status.get("conditions") or () if c["type"] == kind), {})


def lasts(since: str | datetime | None, now: datetime) -> bool:
    """Return whether it has been so for `PATIENCE_SECONDS`; what has no date has not."""
    if since is None:
        return False
    begun = since if isinstance(since, datetime) else datetime.fromisoformat(since)
    return (now - begun).total_seconds() >= PATIENCE_SECONDS


def _stuck(pods: Sequence[Manifest]) -> Iterator[tuple[Manifest, Manifest, Manifest]]:
    for pod in _staying(pods):
        for container in _containers(pod.get("status") or {}):
            waiting = container.get("state", {}).get("waiting") or {}
            if waiting.get("reason") in _STUCK:
                yield pod, container, waiting


def _staying(pods: Sequence[Manifest]) -> Iterator[Manifest]:
    for pod in sorted(pods, key=lambda pod: str(pod["metadata"]["name"])):
        if not pod["metadata"].get("deletionTimestamp"):
            yield pod


def _lasting(pod: Manifest, container: Manifest, waiting: Manifest, now: datetime) -> bool:
    crashes = int(container.get("restartCount", 0))
    if waiting["reason"] == "CrashLoopBackOff" and crashes >= _CRASHES:
        return True
    since = condition(pod.get("status") or {}, "Ready").get("lastTransitionTime")
    return lasts(since or pod["metadata"].get("creationTimestamp"), now)


def _describe(pod: Manifest, container: Manifest, waiting: Manifest) -> str:
    last = container.get("lastState", {}).get("terminated") or {}
    restarts = int(container.get("restartCount", 0))
    parts = [f"pod {pod['metadata']['name']}, container {container['name']}: {waiting['reason']}"]
    if "exitCode" in last:
        why = f"{last['reason']}, " if last.get("reason") == "OOMKilled" else ""
        parts.append(f" ({why}exit code {last['exitCode']}, {restarts} restarts)")
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
    scheduled = condition(status, "PodScheduled")
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


def _containers(status: Manifest) -> list[Any]:
    keys = ("initContainerStatuses", "containerStatuses")
    return [container for key in keys for container in status.get(key) or ()]
