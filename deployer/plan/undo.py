"""Builds the plan that puts back what a run changed, for the same engine to run."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from deployer.plan.canary import canary_refs
from deployer.plan.model import (
    Apply,
    Finish,
    Phase,
    Plan,
    Ref,
    Retire,
    Route,
    Share,
    Shift,
    Step,
    Wait,
)
from deployer.ports import ObjectRef
from deployer.release.records import Bundle, TargetBundle

__all__ = ["Reached", "build_put_back", "build_undo"]

_SETTLE_SECONDS = 2.5
"""Routers look at the routes once a second, and take a moment to read them."""


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a run came: on which targets applying objects, and moving traffic, had begun.

    Attributes:
        opened: Where a canary's way in may be.
        shared: Whether routers may know of a canary.
    """

    applied: Collection[str]
    shifted: Collection[str]
    opened: Collection[str] = ()
    shared: bool = False


def build_undo(
    plan: Plan, bundles: Mapping[int, Bundle], *, reached: Reached, verdict: str, to_blame: bool
) -> Plan:
    """Return the plan that undoes ``plan``: traffic first, then what it made is removed.

    Of all traffic what a canary has is taken back first: routers do that at once.

    Targets that were not reached are left alone: one that is away then needs no undo.
    See `build_put_back` for a run that goes on without some of them.

    Args:
        bundles: The releases that were live before, or at rest beside, by number.
        verdict: What became of the run, for the release's mark.
        to_blame: Whether the release must not be rolled forward again.
    """
    before = plan.desired_before or 0
    return plan.model_copy(
        update={
            "kind": "undo",
            "new": False,
            "outcome": "keep-going",
            "may_fail": None,
            "phases": (
                *_put_back(
                    plan,
                    bundles,
                    reached,
                    Route(release=before, live=plan.before),
                    Share(release=plan.release, stable=before, live=plan.before),
                ),
                Phase(name="finish", steps=(_finish(plan, verdict, to_blame=to_blame),)),
            ),
        }
    )


def build_put_back(
    plan: Plan,
    bundles: Mapping[int, Bundle],
    *,
    reached: Reached,
    live: Mapping[str, int],
    shares: Mapping[str, int],
) -> Plan:
    """Return the plan that takes the targets in ``reached`` back, while the run goes on elsewhere.

    Args:
        live: What every target serves when that is done.
        shares: What the canary goes on to get elsewhere.
    """
    route = Route(release=plan.release, live=dict(live))
    share = Share(
        release=plan.release,
        stable=plan.desired_before or 0,
        live=plan.before,
        shares=dict(shares),
    )
    phases = _put_back(plan, bundles, reached, route, share)
    changed = {"kind": "undo", "outcome": "keep-going", "may_fail": None, "phases": phases}
    return plan.model_copy(update=changed)


def _put_back(
    plan: Plan, bundles: Mapping[int, Bundle], reached: Reached, route: Route, share: Share
) -> tuple[Phase, ...]:
    # once the way in is about to go, routers must have left it
    settled = share.model_copy(update={"settle_seconds": _SETTLE_SECONDS})
    return (
        *([Phase(name="take back", steps=(settled,))] if reached.shared else []),
        Phase(name="restore", steps=tuple(_restore(plan, bundles, reached))),
        *([Phase(name="route", steps=(route,))] if reached.shifted else []),
        Phase(name="remove", steps=tuple(_remove(plan, bundles, reached))),
    )


def _restore(plan: Plan, bundles: Mapping[int, Bundle], reached: Reached) -> Iterable[Step]:
    for part in plan.bundle.targets:
        target, before = part.target, _before(plan, bundles, part.target)
        if before is None:
            continue
        number = plan.before[target]
        if target in reached.shifted or _rolled_over(part, before, target, reached):
            yield Apply(target=target, release=number)
            yield Wait(target=target, release=number, timeout_seconds=before.timeout_seconds)
            yield Shift(target=target, release=number)
        elif target in reached.applied and _overwrites(part, before):
            yield Apply(target=target, release=number)


def _rolled_over(part: TargetBundle, before: TargetBundle, target: str, reached: Reached) -> bool:
    """Say whether the release has begun to replace the pods of the one before, in place."""
    shared = part.workload == before.workload
    return shared and target in reached.applied and _overwrites(part, before)


def _overwrites(part: TargetBundle, before: TargetBundle) -> bool:
    """Say whether an object that both releases have, a ServiceAccount say, differs."""
    old = {ObjectRef.of(manifest): manifest for manifest in before.objects}
    return any(old.get(ObjectRef.of(manifest), manifest) != manifest for manifest in part.objects)


def _remove(plan: Plan, bundles: Mapping[int, Bundle], reached: Reached) -> Iterable[Retire]:
    for part in plan.bundle.targets:
        if plan.before.get(part.target) == plan.release or part.target not in reached.applied:
            continue
        before = _before(plan, bundles, part.target)
        kept = set(_needed(plan, bundles, part.target, before))
        made = list(part.objects) if before else [part.shift, *part.objects]
        refs = [ObjectRef.of(manifest) for manifest in reversed(made)]
        opened = canary_refs(part) if part.target in reached.opened else ()
        objects = (*opened, *(Ref.of(ref) for ref in refs if ref not in kept))
        yield Retire(target=part.target, objects=objects)


def _needed(
    plan: Plan, bundles: Mapping[int, Bundle], target: str, before: TargetBundle | None
) -> Iterable[ObjectRef]:
    """Yield what the releases that stay need: the one from before, and those at rest beside it."""
    numbers = [number for number in plan.beside.get(target, ()) if number in bundles]
    parts = [before, *(bundles[number].target(target) for number in numbers)]
    for part in parts:
        for manifest in part.objects if part else ():
            yield ObjectRef.of(manifest)


def _before(plan: Plan, bundles: Mapping[int, Bundle], target: str) -> TargetBundle | None:
    number = plan.before.get(target)
    bundle = bundles.get(number) if number is not None else None
    return bundle.target(target) if bundle else None


def _finish(plan: Plan, verdict: str, *, to_blame: bool) -> Finish:
    """A release that was live before is not marked: it was healed, not tried."""
    undone = {} if plan.desired_before == plan.release else {plan.release: verdict}
    return Finish(
        desired=plan.desired_before,
        live=plan.before,
        quarantined=undone if to_blame else {},
        undone=undone,
    )
