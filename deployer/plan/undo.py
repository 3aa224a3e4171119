"""Builds the plan that puts back what a run changed, for the same engine to run."""

from collections.abc import Iterable, Mapping

from deployer.plan.model import (
    Apply,
    Finish,
    Phase,
    Plan,
    Ref,
    Retire,
    Route,
    Shift,
    Step,
    Wait,
)
from deployer.ports import ObjectRef
from deployer.release.records import Bundle, TargetBundle

__all__ = ["build_undo"]


def build_undo(
    plan: Plan, bundles: Mapping[int, Bundle], *, shifted: Iterable[str], quarantine: str | None
) -> Plan:
    """Return the plan that undoes ``plan``: traffic first, then what it made is removed.

    Args:
        bundles: The releases that were live before, by number.
        shifted: The targets whose shift had begun; only these get their old release back.
        quarantine: Why the release must not be rolled forward again; None when it is not to blame.
    """
    moved = sorted(set(shifted))
    return plan.model_copy(
        update={
            "kind": "undo",
            "new": False,
            "outcome": "keep-going",
            "phases": (
                Phase(name="restore", steps=tuple(_restore(plan, bundles, moved))),
                *_route(plan, moved),
                Phase(name="remove", steps=tuple(_remove(plan, bundles))),
                Phase(name="finish", steps=(_finish(plan, quarantine),)),
            ),
        }
    )


def _restore(plan: Plan, bundles: Mapping[int, Bundle], moved: list[str]) -> Iterable[Step]:
    for target in moved:
        before = _before(plan, bundles, target)
        if before is not None:
            number = plan.before[target]
            yield Apply(target=target, release=number)
            yield Wait(target=target, release=number, timeout_seconds=before.timeout_seconds)
            yield Shift(target=target, release=number)


def _route(plan: Plan, moved: list[str]) -> Iterable[Phase]:
    if moved:
        step = Route(release=plan.desired_before or 0, live=plan.before)
        yield Phase(name="route", steps=(step,))


def _remove(plan: Plan, bundles: Mapping[int, Bundle]) -> Iterable[Retire]:
    for part in plan.bundle.targets:
        before = _before(plan, bundles, part.target)
        if plan.before.get(part.target) == plan.release:
            continue
        kept = {ObjectRef.of(manifest) for manifest in before.objects} if before else set()
        made = list(part.objects) if before else [part.shift, *part.objects]
        refs = [ObjectRef.of(manifest) for manifest in reversed(made)]
        objects = tuple(
            Ref(api_version=ref.api_version, kind=ref.kind, name=ref.name)
            for ref in refs
            if ref not in kept
        )
        yield Retire(target=part.target, objects=objects)


def _before(plan: Plan, bundles: Mapping[int, Bundle], target: str) -> TargetBundle | None:
    number = plan.before.get(target)
    bundle = bundles.get(number) if number is not None else None
    return bundle.target(target) if bundle else None


def _finish(plan: Plan, quarantine: str | None) -> Finish:
    was_live = plan.desired_before == plan.release
    failed = {} if quarantine is None or was_live else {plan.release: quarantine}
    return Finish(desired=plan.desired_before, live=plan.before, quarantined=failed)
