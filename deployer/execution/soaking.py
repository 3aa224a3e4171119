"""Watching a release under traffic, as a canary or when it has all of it: pods and users."""

from deployer.errors import DeployerError, RolloutError, TransientError
from deployer.execution.analysis import open_analyst
from deployer.execution.canary_analysis import open_canary_analyst
from deployer.execution.context import Context
from deployer.execution.traffic_watcher import TrafficWatcher
from deployer.plan.model import Hold, Soak
from deployer.plan.scaling import workload_ref
from deployer.ports import Cluster, ObjectRef, Verdict

__all__ = ["watch_release"]

_POLL_SECONDS = 0.5
_FLAP_SECONDS = 10.0


def watch_release(step: Soak | Hold, context: Context) -> str:
    """Watch; what is in trouble at the end is watched on until it is well or has failed."""
    part, cluster = context.part(step.target, step.release), context.provider(step.target).cluster
    ref = workload_ref(part)
    watcher = _open_watcher(step, context)
    good_at = started = context.clock.monotonic()
    while True:
        context.check()
        trouble = _trouble(step, cluster, ref)
        if watcher is not None:
            watcher.look()
        now = context.clock.monotonic()
        if trouble is None and now - started >= step.seconds:
            return _conclude(step, watcher, context)
        if trouble is None:
            good_at = now
        elif now - good_at > min(_FLAP_SECONDS, step.seconds / 2):
            raise trouble
        context.clock.sleep(min(_POLL_SECONDS, step.seconds))


def _open_watcher(step: Soak | Hold, context: Context) -> TrafficWatcher | None:
    if isinstance(step, Hold):
        return open_canary_analyst(step, context)
    return open_analyst(step, context)


def _conclude(step: Soak | Hold, watcher: TrafficWatcher | None, context: Context) -> str:
    if watcher is None:
        return f"{step.seconds:g} s"
    seen = watcher.conclude()
    gate = "analysis" if isinstance(step, Soak) else f"canary {step.percent} %"
    context.record(gate, step.target, seen)
    return f"{step.seconds:g} s: {seen}"


def _trouble(step: Soak | Hold, cluster: Cluster, ref: ObjectRef) -> DeployerError | None:
    try:
        readiness = cluster.readiness(ref)
    except TransientError as error:
        return TransientError(
            f"{step.target}: Deployment {ref.name}: {error.message}",
            operation="readiness",
            resource=ref.name,
        )
    if readiness.verdict is Verdict.READY:
        return None
    return RolloutError(
        f"{step.target}: release {step.release} did not stay ready: "
        f"{readiness.message or readiness.verdict}",
        release=step.release,
    )
