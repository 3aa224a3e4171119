"""The phases of a deploy or a rollback: what waits for what."""

from collections.abc import Iterable, Mapping

from deployer.plan.canary import canary_phases, close_canary, find_canaries
from deployer.plan.model import (
    Apply,
    Ask,
    Evaluate,
    Finish,
    Parity,
    Phase,
    Push,
    Ref,
    Rest,
    Retire,
    Route,
    Shift,
    Smoke,
    Soak,
    Step,
    Wait,
)
from deployer.plan.retention import Retention
from deployer.plan.scaling import starting_pods, workload_ref
from deployer.ports import ObjectRef
from deployer.release.records import Bundle, TargetBundle
from deployer.snapshot.model import Snapshot, TargetSnapshot, release_of

__all__ = ["build_phases"]


def build_phases(
    bundle: Bundle,
    snapshot: Snapshot,
    retentions: Mapping[str, Retention],
    quarantined: Mapping[int, str],
    *,
    judged: bool,
) -> tuple[Phase, ...]:
    """Return the phases that make ``bundle`` serve on all of its targets.

    A release with a Deployment of its own is staged beside the one that serves. One that shares
    its Deployment with the release that serves is rolled into it, in a phase of its own: that
    begins when every target has the artifact, and what can be staged beside is. Its answers are
    ``judged`` before any target shifts; what is recorded as verified needs that no more.
    """
    number = bundle.number
    names = [part.target for part in bundle.targets]
    rolled = [part for part in bundle.targets if _replaces(part, snapshot.targets.get(part.target))]
    staged = [part for part in bundle.targets if part not in rolled]
    live = {**snapshot.live, **dict.fromkeys(names, number)}
    canaries = find_canaries(bundle, snapshot, judged=judged)
    stable = snapshot.desired.number if snapshot.desired else 0
    soak = bundle.soak_seconds
    proofs = {
        part.target: tuple(_proven(part, bundle, snapshot, judged=judged, beside=part in staged))
        for part in bundle.targets
    }
    return (
        Phase(name="stage", steps=(*_pushed(rolled, number), *_staged(staged, number, proofs))),
        *_rolling(rolled, proofs),
        *_compared(bundle, judged=judged),
        *canary_phases(bundle, canaries, snapshot.live, stable=stable),
        Phase(name="shift", steps=tuple(Shift(target=name, release=number) for name in names)),
        Phase(name="route", steps=(Route(release=number, live=live),)),
        Phase(
            name="soak",
            steps=tuple(
                Soak(target=name, release=number, seconds=soak, judged=judged) for name in names
            ),
        ),
        Phase(name="retire", steps=(*close_canary(canaries), *_retired(retentions))),
        Phase(
            name="finish",
            steps=(
                Finish(desired=number, live=live, verified=number, quarantined=dict(quarantined)),
            ),
        ),
    )


def _replaces(part: TargetBundle, found: TargetSnapshot | None) -> bool:
    """Say whether the release's Deployment is there already, as another release's."""
    wanted = workload_ref(part)
    live = found.live if found else ()
    owners = {release_of(it) for it in live if ObjectRef.of(it) == wanted}
    numbers = {
        release_of(manifest) for manifest in part.objects if ObjectRef.of(manifest) == wanted
    }
    return bool(owners - numbers)


def _starting(part: TargetBundle, snapshot: Snapshot) -> int | None:
    """Return how many pods to start with, where the release that serves has been scaled up."""
    found, serves = snapshot.targets.get(part.target), snapshot.live.get(part.target)
    deployments = [it for it in (found.live if found else ()) if it["kind"] == "Deployment"]
    counts = [it["spec"].get("replicas", 1) for it in deployments if release_of(it) == serves]
    return starting_pods(part, max(counts, default=0))


def _pushed(parts: Iterable[TargetBundle], number: int) -> Iterable[Step]:
    for part in parts:
        yield Push(target=part.target, release=number)


def _staged(
    parts: Iterable[TargetBundle], number: int, proofs: Mapping[str, Iterable[Step]]
) -> Iterable[Step]:
    for part in parts:
        yield Push(target=part.target, release=number)
        yield from proofs[part.target]


def _rolling(
    parts: Iterable[TargetBundle], proofs: Mapping[str, Iterable[Step]]
) -> Iterable[Phase]:
    steps = tuple(step for part in parts for step in proofs[part.target])
    if steps:
        yield Phase(name="roll", steps=steps)


def _proven(
    part: TargetBundle, bundle: Bundle, snapshot: Snapshot, *, judged: bool, beside: bool
) -> Iterable[Step]:
    target, number, gates = part.target, bundle.number, bundle.gates
    yield Apply(target=target, release=number, pods=_starting(part, snapshot))
    yield Wait(target=target, release=number, timeout_seconds=part.timeout_seconds)
    yield Smoke(target=target, release=number)
    if judged and (gates.evaluate or gates.parity):
        yield Ask(target=target, release=number)
    if judged and gates.evaluate:
        live = snapshot.live.get(target) if beside and gates.evaluate.champion else None
        yield Evaluate(target=target, release=number, champion=None if live == number else live)


def _compared(bundle: Bundle, *, judged: bool) -> Iterable[Phase]:
    """When every target has answered, compare; a release that is not the same nowhere shifts."""
    if judged and bundle.gates.parity:
        steps = (Parity(target=part.target, release=bundle.number) for part in bundle.targets)
        yield Phase(name="compare", steps=tuple(steps))


def _retired(retentions: Mapping[str, Retention]) -> Iterable[Step]:
    for target, retention in retentions.items():
        for number in retention.resting:
            yield Rest(target=target, release=number)
        if retention.removed:
            yield Retire(target=target, objects=tuple(map(Ref.of, retention.removed)))
