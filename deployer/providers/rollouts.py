"""How far a workload's rollout is, by the counts in its status: pure."""

from collections.abc import Callable, Mapping
from typing import Any

from deployer.ports import Manifest, Verdict
from deployer.providers.pods import condition

__all__ = ["COUNTS"]

_Counted = tuple[Verdict, str, int, int]  # verdict, message, ready, desired


def _count_deployment(live: Manifest) -> _Counted:
    status, desired = _status(live), _replicas(live)
    total, updated, ready, available = _numbers(
        status, "replicas", "updatedReplicas", "readyReplicas", "availableReplicas"
    )
    progressing = condition(status, "Progressing")
    if live["spec"].get("paused"):
        name = live["metadata"]["name"]
        words = f"it is paused; kubectl rollout resume deployment/{name} lets it go on"
        return Verdict.PAUSED, words, ready, desired
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        words = f"ProgressDeadlineExceeded: {progressing.get('message', '')}".rstrip(": ")
        return Verdict.FAILED, words, ready, desired
    if updated < desired:
        words = f"{updated} of {desired} pods are of the new version"
    elif total > updated:
        words = f"{total - updated} pods of the old version are still there"
    elif total > desired:
        words = f"{total - desired} pods more than the {desired} wanted are still there"
    elif min(ready, available) < desired:
        words = f"{min(ready, available)} of {desired} pods are ready"
    else:
        return Verdict.READY, "" if desired else "scaled to 0", ready, desired
    return Verdict.PROGRESSING, words, ready, desired


def _count_stateful_set(live: Manifest) -> _Counted:
    status, desired = _status(live), _replicas(live)
    ready, updated = _numbers(status, "readyReplicas", "updatedReplicas")
    strategy = live["spec"].get("updateStrategy") or {}
    kept = int((strategy.get("rollingUpdate") or {}).get("partition") or 0)
    wanted = 0 if strategy.get("type") == "OnDelete" else max(0, desired - kept)
    same = status.get("currentRevision") == status.get("updateRevision")
    if ready < desired:
        return Verdict.PROGRESSING, f"{ready} of {desired} pods are ready", ready, desired
    if wanted and updated < wanted and not same:
        words = f"{updated} of {wanted} pods are of the new version"
        return Verdict.PROGRESSING, words, ready, desired
    if wanted and not kept and not same:
        return Verdict.PROGRESSING, "the new version is not settled yet", ready, desired
    return Verdict.READY, "" if desired else "scaled to 0", ready, desired


def _count_daemon_set(live: Manifest) -> _Counted:
    status = _status(live)
    desired, updated, available = _numbers(
        status, "desiredNumberScheduled", "updatedNumberScheduled", "numberAvailable"
    )
    by_hand = (live["spec"].get("updateStrategy") or {}).get("type") == "OnDelete"
    if updated < desired and not by_hand:
        words = f"{updated} of {desired} pods are of the new version"
        return Verdict.PROGRESSING, words, available, desired
    if available < desired:
        words = f"{available} of {desired} pods are available"
        return Verdict.PROGRESSING, words, available, desired
    return Verdict.READY, "" if desired else "no node is wanted", available, desired


def _count_job(live: Manifest) -> _Counted:
    status, desired = _status(live), int(live["spec"].get("completions") or 1)
    (done,) = _numbers(status, "succeeded")
    failed = condition(status, "Failed")
    if failed.get("status") == "True":
        words = f"{failed.get('reason', 'Failed')}: {failed.get('message', '')}".rstrip(": ")
        return Verdict.FAILED, words, done, desired
    if condition(status, "Complete").get("status") == "True":
        return Verdict.READY, "", done, desired
    if live["spec"].get("suspend"):
        return Verdict.PAUSED, "it is suspended", done, desired
    return Verdict.PROGRESSING, f"{done} of {desired} completions", done, desired


def _count_pod(live: Manifest) -> _Counted:
    status = _status(live)
    phase = status.get("phase")
    if phase == "Failed":
        words = f"{status.get('reason', 'Failed')}: {status.get('message', '')}".rstrip(": ")
        return Verdict.FAILED, words, 0, 1
    if phase == "Succeeded" or condition(status, "Ready").get("status") == "True":
        return Verdict.READY, "", 1, 1
    return Verdict.PROGRESSING, "it is not ready", 0, 1


def _status(live: Manifest) -> Any:
    return live.get("status") or {}


def _replicas(live: Manifest) -> int:
    wanted = live["spec"].get("replicas")
    return 1 if wanted is None else int(wanted)


def _numbers(status: Manifest, *keys: str) -> list[int]:
    return [int(status.get(key) or 0) for key in keys]


COUNTS: Mapping[tuple[str, str], Callable[[Manifest], _Counted]] = {
    ("apps", "Deployment"): _count_deployment,
    ("apps", "StatefulSet"): _count_stateful_set,
    ("apps", "DaemonSet"): _count_daemon_set,
    ("batch", "Job"): _count_job,
    ("", "Pod"): _count_pod,
}
"""By group and kind: verdict, message, how many are ready, how many shall be."""
