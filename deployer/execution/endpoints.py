"""Traffic within a target: moved only to pods that are ready, and seen to arrive at them.

A Service's selector says where traffic should go, its endpoints say where it goes: controllers
follow a moment later. Until they have, the pods of before are still needed.
"""

from collections.abc import Callable

from deployer.errors import RolloutError, TransientError
from deployer.execution.context import Context
from deployer.plan.scaling import workload_ref
from deployer.ports import Cluster, ObjectRef, PodState, Readiness
from deployer.release.records import TargetBundle

__all__ = ["await_endpoints", "demand_pods"]

_POLL_SECONDS = 0.1
_PATIENCE_SECONDS = 30.0


def demand_pods(cluster: Cluster, part: TargetBundle, release: int, context: Context) -> None:
    """Return once a pod of the release is ready to take traffic.

    Raises:
        RolloutError: None is, or becomes so within half a minute.
        TransientError: The cluster did not answer.
    """

    def look() -> str:
        found = cluster.readiness(workload_ref(part))
        return "" if found.ready else found.message or f"{found.verdict}: no pod is ready"

    if trouble := _watch(look, part, context):
        raise RolloutError(
            f"{part.target}: release {release} has no pod to give the traffic to: {trouble}",
            release=release,
        )


def await_endpoints(cluster: Cluster, part: TargetBundle, name: str, context: Context) -> None:
    """Return once the Service ``name`` leads to the release's ready pods, and to no others.

    Raises:
        TransientError: It does not within half a minute, or the cluster did not answer. That is no
            fault of the release.
    """
    service = ObjectRef("v1", "Service", name)

    def look() -> str:
        return _what_is_wrong(cluster.readiness(service), cluster.readiness(workload_ref(part)))

    if trouble := _watch(look, part, context):
        raise TransientError(
            f"{part.target}: the endpoints of {service} do not follow its selector: {trouble}",
            operation="shift",
            resource=str(service),
            hint="Its EndpointSlices are written by the cluster's controller manager; look there.",
        )


def _what_is_wrong(service: Readiness, workload: Readiness) -> str:
    behind = {pod.name for pod in service.pods}
    others = sorted(behind - {pod.name for pod in workload.pods})
    missing = sorted({pod.name for pod in workload.pods if _takes_traffic(pod)} - behind)
    if others:
        return f"it still leads to pod {others[0]}"
    if missing or not behind:
        return f"it does not lead to pod {missing[0]}" if missing else "it leads to no pod"
    return ""


def _takes_traffic(pod: PodState) -> bool:
    """A pod on its way out stays ready for as long as it takes its time, and gets nothing new."""
    return pod.ready and pod.reason != "Terminating"


def _watch(look: Callable[[], str], part: TargetBundle, context: Context) -> str:
    """Look until nothing is wrong; return what still is when patience ends."""
    clock = context.clock
    deadline = clock.monotonic() + min(_PATIENCE_SECONDS, part.timeout_seconds)
    while True:
        context.check()
        try:
            trouble, away = look(), None
        except TransientError as error:
            trouble, away = error.message, error
        if not trouble:
            return ""
        if clock.monotonic() >= deadline:
            if away is not None:
                raise away
            return trouble
        clock.sleep(_POLL_SECONDS)
