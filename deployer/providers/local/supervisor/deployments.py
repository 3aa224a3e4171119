"""What a Deployment wants of its pods now, and how it is getting on: pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from deployer.ports import Manifest
from deployer.values import digest_of

__all__ = ["PodPlan", "PodView", "Progress", "describe_status", "hash_template", "plan_pods"]

_DEFAULT_SHARE = "25%"  # maxSurge and maxUnavailable of a Deployment that says nothing
_DEADLINE_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class PodView:
    """A pod as the controller sees it."""

    name: str
    template: str
    ready: bool
    terminating: bool
    created: datetime


@dataclass(frozen=True, slots=True)
class PodPlan:
    """How many pods to start, and which to stop."""

    start: int
    stop: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """What was last reached, and when; the deadline counts from there."""

    reached: tuple[int, ...]
    since: datetime
    complete: bool = False


def hash_template(deployment: Manifest) -> str:
    """Return what tells one pod template from another."""
    return digest_of(deployment["spec"]["template"]).hex[:10]


def plan_pods(deployment: Manifest, pods: Sequence[PodView]) -> PodPlan:
    """Decide as the Deployment controller does.

    Never more than replicas + maxSurge pods, never fewer ready ones than replicas - maxUnavailable
    while a new template rolls out; unready pods go first.
    """
    template, replicas = hash_template(deployment), _replicas(deployment)
    alive = [pod for pod in pods if not pod.terminating]
    new = [pod for pod in alive if pod.template == template]
    old = [pod for pod in alive if pod.template != template]
    surge, unavailable = _limits(deployment, replicas)
    if _recreates(deployment) and (old or len(alive) < len(pods)):
        return PodPlan(0, tuple(pod.name for pod in old))
    missing = max(0, replicas - len(new))
    room = max(0, replicas + surge - len(alive)) if old else missing
    ready = sum(pod.ready for pod in new)
    keep_old = min(len(old), max(0, replicas - unavailable - min(ready, replicas)))
    surplus = _first_to_go(new, len(new) - replicas) + _first_to_go(old, len(old) - keep_old)
    return PodPlan(min(missing, room), tuple(pod.name for pod in surplus))


def describe_status(
    deployment: Manifest, pods: Sequence[PodView], before: Progress | None, *, now: datetime
) -> tuple[dict[str, Any], Progress]:
    """Return the Deployment's status, and the progress to be given again next time."""
    template, replicas = hash_template(deployment), _replicas(deployment)
    alive = [pod for pod in pods if not pod.terminating]
    updated = sum(pod.template == template for pod in alive)
    ready = sum(pod.ready for pod in alive)
    new_ready = sum(pod.ready for pod in alive if pod.template == template)
    complete = len(alive) == updated == new_ready == replicas
    generation = int(deployment["metadata"].get("generation", 1))
    reached = (generation, updated, new_ready, replicas - len(alive))
    progress = _advance(before, reached, complete=complete, now=now)
    status = {
        "observedGeneration": generation,
        "replicas": len(alive),
        "updatedReplicas": updated,
        "readyReplicas": ready,
        "availableReplicas": ready,
        "unavailableReplicas": max(0, replicas - ready),
        "conditions": [
            _available(ready, replicas, _limits(deployment, replicas)[1]),
            _progressing(deployment, progress, now),
        ],
    }
    return status, progress


def _advance(
    before: Progress | None, reached: tuple[int, ...], *, complete: bool, now: datetime
) -> Progress:
    if before is None or before.reached[0] != reached[0]:
        return Progress(reached, now, complete)
    if before.reached != reached and not before.complete:
        return Progress(reached, now, complete)
    return Progress(reached, before.since, complete or before.complete)


def _available(ready: int, replicas: int, unavailable: int) -> dict[str, str]:
    enough = ready >= replicas - unavailable
    return {
        "type": "Available",
        "status": "True" if enough else "False",
        "reason": "MinimumReplicasAvailable" if enough else "MinimumReplicasUnavailable",
        "message": f"{ready} of {replicas} pods are ready",
    }


def _progressing(deployment: Manifest, progress: Progress, now: datetime) -> dict[str, str]:
    deadline = float(deployment["spec"].get("progressDeadlineSeconds", _DEADLINE_SECONDS))
    late = not progress.complete and (now - progress.since).total_seconds() > deadline
    reason = "NewReplicaSetAvailable" if progress.complete else "ReplicaSetUpdated"
    return {
        "type": "Progressing",
        "status": "False" if late else "True",
        "reason": "ProgressDeadlineExceeded" if late else reason,
        "message": f"no progress for {deadline:g} s" if late else "",
        "lastUpdateTime": progress.since.isoformat(),
    }


def _first_to_go(pods: Sequence[PodView], count: int) -> list[PodView]:
    """Unready before ready, young before old."""
    ordered = sorted(pods, key=lambda pod: (pod.ready, -pod.created.timestamp(), pod.name))
    return ordered[: max(0, count)]


def _replicas(deployment: Manifest) -> int:
    return int(deployment["spec"].get("replicas", 1))


def _recreates(deployment: Manifest) -> bool:
    return bool((deployment["spec"].get("strategy") or {}).get("type") == "Recreate")


def _limits(deployment: Manifest, replicas: int) -> tuple[int, int]:
    """Return maxSurge (rounded up) and maxUnavailable (down); never both zero."""
    rolling = (deployment["spec"].get("strategy") or {}).get("rollingUpdate") or {}
    surge = math.ceil(_share(rolling.get("maxSurge", _DEFAULT_SHARE), replicas))
    unavailable = math.floor(_share(rolling.get("maxUnavailable", _DEFAULT_SHARE), replicas))
    return (surge, unavailable) if surge or unavailable else (0, 1)


def _share(value: int | str, replicas: int) -> float:
    if isinstance(value, str) and value.endswith("%"):
        return replicas * float(value[:-1]) / 100
    return float(value)
