"""How a live object is doing, judged from its JSON alone: pure, and the same for every cluster.

The rules are those kstatus (sigs.k8s.io/cli-utils), kapp and ``kubectl rollout status`` agree on:
no status yet is in progress, a status of an older generation is in progress, and only what the
cluster itself has given up on, or what keeps failing, counts as failed.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from deployer.ports import Manifest, ObjectRef, PodState, Readiness, Verdict
from deployer.providers.conditions import JUDGES, judge_custom
from deployer.providers.pods import (
    condition,
    find_culprit,
    find_unscheduled,
    first_reason,
    lasts,
    pod_state,
)
from deployer.providers.rollouts import COUNTS

__all__ = [
    "Evidence",
    "has_pods",
    "has_work",
    "judge",
    "judge_presence",
    "judge_service",
]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What else than the object tells how it does.

    Attributes:
        pods: Those of a workload, those of an older template included.
        endpoints: The names of the pods that take a Service's new connections.
        events: The reasons of the object's events.
    """

    pods: Sequence[Manifest] = ()
    endpoints: Collection[str] = ()
    events: frozenset[str] = frozenset()


def judge(ref: ObjectRef, live: Manifest | None, evidence: Evidence, *, now: datetime) -> Readiness:
    """Judge the object ``ref`` that is, or is not, there."""
    if live is None:
        return Readiness(Verdict.MISSING, 0, 1, f"there is no {ref}")
    if live["metadata"].get("deletionTimestamp"):
        return Readiness(Verdict.PROGRESSING, 0, 1, f"{ref} is being deleted")
    stalled = condition(live.get("status") or {}, "Stalled")
    if stalled.get("status") == "True":
        words = f"{stalled.get('reason', 'Stalled')}: {stalled.get('message', '')}"
        return Readiness(Verdict.FAILED, 0, 1, words.rstrip(": "))
    if not has_work(ref):
        return Readiness(Verdict.READY, 1, 1)
    return _judge_work(ref, live, evidence, now)


def judge_presence(ref: ObjectRef, live: Manifest | None) -> Readiness:
    """Judge an object where no controller acts on its kind: it is ready by being there."""
    if live is None:
        return Readiness(Verdict.MISSING, 0, 1, f"there is no {ref}")
    return Readiness(Verdict.READY, 1, 1)


def has_pods(ref: ObjectRef) -> bool:
    """Return whether its pods tell how it does."""
    return _group_kind(ref) in COUNTS


def has_work(ref: ObjectRef) -> bool:
    """Return whether being there is not enough: it has something to do first."""
    group, kind = _group_kind(ref)
    known = (group, kind) in COUNTS or (group, kind) in JUDGES or (group, kind) == _SERVICE
    custom = "." in group and not group.endswith(".k8s.io")
    return known or (custom and kind not in _STATUSLESS)


def judge_service(service: Manifest, endpoints: Collection[str]) -> Readiness:
    """Judge a Service: it is ready when a pod behind it is, and its load balancer has an address.

    ``desired`` is 1: one endpoint makes it useful.

    Args:
        endpoints: The names of the pods that take its new connections.
    """
    pods = tuple(PodState(name, ready=True, restarts=0) for name in sorted(endpoints))
    if service["spec"].get("type") == "LoadBalancer" and not _ingress(service):
        message = "no load balancer address yet"
        return Readiness(Verdict.PROGRESSING, len(pods), 1, message, pods)
    if _unseen(service):
        return Readiness(Verdict.PROGRESSING, 0, 1, _UNSEEN)
    if not pods:
        selector = service["spec"].get("selector") or {}
        wanted = ", ".join(f"{key}={value}" for key, value in sorted(selector.items()))
        message = f"no ready pod matches its selector ({wanted})"
        return Readiness(Verdict.PROGRESSING, 0, 1, message)
    return Readiness(Verdict.READY, len(pods), 1, "", pods)


def _judge_work(ref: ObjectRef, live: Manifest, evidence: Evidence, now: datetime) -> Readiness:
    if has_pods(ref):
        return _judge_workload(ref.kind, live, evidence.pods, now)
    if _group_kind(ref) == _SERVICE:
        return judge_service(live, evidence.endpoints)
    if _unseen(live):
        return Readiness(Verdict.PROGRESSING, 0, 1, _UNSEEN)
    rule = JUDGES.get(_group_kind(ref))
    return rule(live, evidence.events, now) if rule else judge_custom(live, now)


_SERVICE = ("", "Service")
_UNSEEN = "the cluster has not seen the latest change yet"
_STATUSLESS = frozenset({"ServiceMonitor", "PodMonitor", "PrometheusRule", "Probe"})
"""Custom kinds of the Prometheus operator that say nothing of themselves."""

_Counts = Callable[[Manifest], tuple[Verdict, str, int, int]]


def _judge_workload(
    kind: str, live: Manifest, pods: Sequence[Manifest], now: datetime
) -> Readiness:
    counts: _Counts = COUNTS[_OWNERS[kind], kind]
    verdict, message, ready, desired = counts(live)
    if _status_is_missing(kind, live):
        verdict, message = Verdict.PROGRESSING, "the cluster has not reported on it yet"
    elif _unseen(live):
        verdict, message = Verdict.PROGRESSING, _UNSEEN
    states = tuple(sorted((pod_state(pod) for pod in pods), key=lambda state: state.name))
    seen = sum(state.ready for state in states)
    if verdict is Verdict.READY and kind == "Deployment" and seen < desired:
        # the pods know better than a status of before
        verdict, message = Verdict.PROGRESSING, f"{seen} of {desired} pods are ready"
    if verdict in {Verdict.PROGRESSING, Verdict.FAILED}:
        current = [pod for pod in pods if _is_current(pod, live)]
        verdict, message = _look_closer(verdict, message, live, current, now)
    if verdict is Verdict.PROGRESSING and (reason := first_reason(states)):
        message = f"{message}; {reason}"
    return Readiness(verdict, ready, desired, message, states)


_OWNERS = {kind: group for group, kind in COUNTS}


def _look_closer(
    verdict: Verdict, message: str, live: Manifest, pods: Sequence[Manifest], now: datetime
) -> tuple[Verdict, str]:
    """Say what keeps it from getting on: pods that fail, that are refused, that find no room."""
    failed = verdict is Verdict.FAILED
    if culprit := find_culprit(pods, now):
        return Verdict.FAILED, culprit
    refused = condition(live.get("status") or {}, "ReplicaFailure")
    if refused.get("status") == "True":
        words = f"{refused.get('reason', 'ReplicaFailure')}: {refused.get('message', '')}"
        failed = failed or lasts(refused.get("lastTransitionTime"), now)
        return Verdict.FAILED if failed else Verdict.PROGRESSING, words
    if unscheduled := find_unscheduled(pods):
        return Verdict.FAILED if failed else Verdict.PENDING, unscheduled
    return verdict, message


def _is_current(pod: Manifest, workload: Manifest) -> bool:
    """Say whether the pod was made from the template as it is, as far as its labels tell.

    What is wrong with pods of an older one is not held against the workload: they are on their way
    out, and often the reason for the change.
    """
    template = (workload["spec"].get("template") or {}).get("metadata") or {}
    wanted: Mapping[str, str] = template.get("labels") or {}
    return wanted.items() <= (pod["metadata"].get("labels") or {}).items()


def _status_is_missing(kind: str, live: Manifest) -> bool:
    return kind != "Pod" and not live.get("status")


def _unseen(live: Manifest) -> bool:
    generation = int(live["metadata"].get("generation", 0))
    return int((live.get("status") or {}).get("observedGeneration", generation)) < generation


def _group_kind(ref: ObjectRef) -> tuple[str, str]:
    group, slash, _ = ref.api_version.partition("/")
    return (group if slash else "", ref.kind)


def _ingress(service: Manifest) -> object:
    return ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress")
