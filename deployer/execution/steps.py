"""What each kind of step does. Every one is idempotent: done twice is done once."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar, assert_never

from deployer.artifact import (
    Replicated,
    ask_for_artifact,
    push_artifact,
    replicate_artifact,
)
from deployer.errors import DeployerError, IntegrityError, RolloutError, TransientError
from deployer.execution.analysis import remember_traffic
from deployer.execution.canary import knock_on, write_shares
from deployer.execution.context import Context
from deployer.execution.endpoints import await_endpoints, demand_pods
from deployer.execution.events import Event, Waiting
from deployer.execution.fence import Fence, apply_fenced
from deployer.execution.finish import record_finish, write_routes
from deployer.execution.gate_steps import run_gate_step
from deployer.execution.removal import remove_objects
from deployer.execution.soaking import watch_release
from deployer.execution.waiting import Wanted, await_ready
from deployer.plan.model import (
    Apply,
    Ask,
    Evaluate,
    Finish,
    Hold,
    Open,
    Parity,
    Push,
    Rest,
    Retire,
    Route,
    Share,
    Shift,
    Smoke,
    Soak,
    Step,
    Wait,
)
from deployer.plan.scaling import scale_objects, scaler_refs, workload_ref
from deployer.ports import Cluster, Manifest, ObjectRef, ObjectStore, Policy
from deployer.retry import Backoff, retry_transient
from deployer.snapshot import release_of
from deployer.values import Digest, format_count

__all__ = ["run_step"]

T = TypeVar("T")

_REPLICAS = "apps/v1/Deployment:spec.replicas"
"""An autoscaler that is gone still owns the number that it set last."""


def run_step(step: Step, context: Context) -> str:
    """Do the step; return in a few words what came of it.

    Raises:
        DeployerError: It could not be done; what was changed so far is for the undo.
    """
    context.check()
    match step:
        case Push():
            came_of_it = _push(step, context)
        case Apply():
            came_of_it = _apply(step, context)
        case Wait():
            came_of_it = _wait(step, context)
        case Smoke() | Ask() | Evaluate() | Parity():
            came_of_it = run_gate_step(step, context)
        case Open() | Share() | Shift() | Route():
            came_of_it = _move_traffic(step, context)
        case Soak() | Hold():
            came_of_it = watch_release(step, context)
        case Rest() | Retire():
            came_of_it = _clear(step, context)
        case Finish():
            came_of_it = record_finish(step, context)
        case _:
            assert_never(step)
    return came_of_it


def _push(step: Push, context: Context) -> str:
    store = context.provider(step.target).store
    digest = Digest.parse(context.bundle(step.release).artifact.digest)

    def sent(count: int) -> None:
        context.check()
        context.tell(Event("bytes", "stage", "push", step.target, count=count))

    if context.source is not None and context.source.digest == digest:
        reader = context.readers.get(step.target)
        pushed = push_artifact(context.source, store, reader=reader, progress=sent)
        return (
            f"{pushed.uploaded_bytes} bytes sent and verified"
            if pushed.uploaded_bytes
            else "present"
        )
    try:
        if _holds(store, digest):
            return "present"
    except TransientError:
        return _elsewhere(step, context, digest)
    return _bring_from_elsewhere(step, context, digest, sent)


def _elsewhere(step: Push, context: Context, digest: Digest) -> str:
    """Accept that the target's own store is away when another one holds the artifact."""
    for name, provider in context.providers.items():
        if name == step.target:
            continue
        try:
            if _holds(provider.store, digest):
                return f"own store does not answer; {provider.store.url} has it"
        except DeployerError:
            continue
    raise RolloutError(
        f"{step.target}: its store does not answer, and no other store has the artifact",
        release=step.release,
    )


def _bring_from_elsewhere(
    step: Push, context: Context, digest: Digest, sent: Callable[[int], None]
) -> str:
    store = context.provider(step.target).store
    for name, provider in context.providers.items():
        if name == step.target:
            continue
        try:
            if not _holds(provider.store, digest):
                continue
            brought = replicate_artifact(provider.store, store, digest, progress=sent)
        except (TransientError, IntegrityError):
            continue
        return _say_brought(provider.store.url, brought)
    raise RolloutError(
        f"{step.target}: no store that answers has the artifact of release {step.release}",
        release=step.release,
    )


def _say_brought(url: str, brought: Replicated) -> str:
    if brought.moved_bytes:
        return f"brought from {url}, verified; {brought.moved_bytes} bytes left its cloud"
    return f"brought from {url}, verified; copied within the cloud"


def _holds(store: ObjectStore, digest: Digest) -> bool:
    answer = ask_for_artifact(store, digest)
    if isinstance(answer, DeployerError):
        raise answer
    return answer


def _apply(step: Apply, context: Context) -> str:
    part, cluster = context.part(step.target, step.release), _cluster(step.target, context)
    objects = part.objects if step.pods is None else scale_objects(part, step.pods)
    return _write(cluster, objects, context)


def _wait(step: Wait, context: Context) -> str:
    part, cluster = context.part(step.target, step.release), _cluster(step.target, context)
    workload = workload_ref(part)
    others = [ref for ref in map(ObjectRef.of, part.objects) if ref != workload]

    def tell(objects: Sequence[Waiting]) -> None:
        detail = f"{objects[0].name}: {objects[0].message}" if objects else ""
        event = Event("waiting", "stage", "wait", step.target, detail=detail)
        context.tell(replace(event, objects=tuple(objects)))

    wanted = Wanted(
        target=step.target,
        release=step.release,
        refs=[workload, *others],
        timeout_seconds=step.timeout_seconds,
        check=context.check,
        tell=tell,
    )
    return await_ready(cluster, wanted, context.clock)


def _move_traffic(step: Open | Share | Shift | Route, context: Context) -> str:
    match step:
        case Open():
            return _open(step, context)
        case Share():
            return write_shares(step, context)
        case Shift():
            return _shift(step, context)
        case Route():
            remember_traffic(step, context)
            return write_routes(step, context)
        case _:
            assert_never(step)


def _shift(step: Shift, context: Context) -> str:
    part, cluster = context.part(step.target, step.release), _cluster(step.target, context)
    demand_pods(cluster, part, step.release, context)
    _write(cluster, [part.shift], context)
    await_endpoints(cluster, part, part.service, context)
    return f"Service {part.service} → {part.workload}"


def _open(step: Open, context: Context) -> str:
    part, cluster = context.part(step.target, step.release), _cluster(step.target, context)
    _write(cluster, part.canary, context)
    return knock_on(step, part, context)


def _clear(step: Rest | Retire, context: Context) -> str:
    return _rest(step, context) if isinstance(step, Rest) else _retire(step, context)


def _rest(step: Rest, context: Context) -> str:
    """Scale down what still is that release's: a shared Deployment may be another's by now."""
    part, cluster = context.part(step.target, step.release), _cluster(step.target, context)
    live = _patiently(context, lambda: cluster.get(workload_ref(part)))
    if live is None or release_of(live) != step.release:
        return f"release {step.release} is not there any more"
    if scalers := scaler_refs(part):
        _remove(cluster, scalers, context)
    others = {key: policy for key, policy in context.policies.items() if "spec.replicas" not in key}
    forced = replace(context, policies={**others, _REPLICAS: Policy.FORCE})
    workload = [it for it in scale_objects(part, 0) if ObjectRef.of(it) == workload_ref(part)]
    _write(cluster, workload, forced)
    return f"release {step.release} stays, scaled to 0"


def _retire(step: Retire, context: Context) -> str:
    cluster = _cluster(step.target, context)
    refs = [ObjectRef(ref.api_version, ref.kind, ref.name) for ref in step.objects]
    return _remove(cluster, refs, context)


def _patiently(context: Context, call: Callable[[], T]) -> T:
    return retry_transient(call, clock=context.clock, backoff=Backoff(budget_seconds=15.0))


def _cluster(target: str, context: Context) -> Cluster:
    return context.provider(target).cluster


def _write(cluster: Cluster, manifests: Sequence[Manifest], context: Context) -> str:
    context.check()
    results = _patiently(
        context,
        lambda: apply_fenced(cluster, manifests, _fence(context), check=context.check),
    )
    left = [
        f"{owner.path} of {r.ref} left to {owner.manager}" for r in results for owner in r.yielded
    ]
    return "; ".join([format_count(len(results), "object"), *left])


def _remove(cluster: Cluster, refs: Sequence[ObjectRef], context: Context) -> str:
    left = _patiently(
        context,
        lambda: remove_objects(cluster, refs, _fence(context), context.clock, check=context.check),
    )
    return "; ".join(
        [format_count(len(refs), "object"), *(f"still there: {text}" for text in left)]
    )


def _fence(context: Context) -> Fence:
    return Fence(context.state.name, context.lease.token, context.policies)
