"""Builds the plan of a deploy and of a rollback."""

from collections.abc import Collection
from typing import Literal

from deployer.artifact import Artifact
from deployer.cost.budget import judge_budget
from deployer.cost.change import compare_releases
from deployer.errors import RolloutError
from deployer.plan.bundle import make_bundle
from deployer.plan.changes import find_changes, is_in_place
from deployer.plan.model import Plan, TargetPlan
from deployer.plan.phases import build_phases
from deployer.plan.retention import Retention, decide_retention, find_beside
from deployer.release.gates import GatesRecord
from deployer.release.records import Bundle, Mark, TargetBundle
from deployer.snapshot.model import Snapshot, TargetSnapshot
from deployer.spec import Quorum, Spec
from deployer.values import digest_of

__all__ = [
    "build_plan",
    "build_rollback",
    "deploy_inputs",
    "fingerprint_of",
    "rollback_inputs",
]


_Outcome = tuple[Literal["all", "quorum", "keep-going"], int | None]


def build_plan(
    spec: Spec,
    artifact: Artifact,
    snapshot: Snapshot,
    *,
    gates: GatesRecord,
    tool: str,
    quarantined: int | None = None,
) -> Plan:
    """Return the plan that makes ``spec`` with ``artifact`` live on every target.

    The same content as the live release gives a plan that puts back what is missing, or nothing to
    do. The same content as a release that a crash left unproven reuses its number.
    """
    number = (snapshot.releases[-1] if snapshot.releases else 0) + 1
    bundle = make_bundle(spec, artifact, snapshot, number=number, gates=gates, tool=tool)
    recorded = _recorded_twin(bundle, snapshot)
    if recorded is None or recorded != snapshot.desired:
        _refuse_quarantined(bundle, snapshot, quarantined)
    made = _plan(
        "deploy",
        recorded or bundle,
        snapshot,
        new=recorded is None,
        inputs=deploy_inputs(bundle.content),
        outcome=_outcome_of(spec),
    )
    if spec.budget is None or made.cost is None:
        return made
    return made.model_copy(update={"budget": judge_budget(spec.budget, made.cost)})


def build_rollback(bundle: Bundle, snapshot: Snapshot) -> Plan:
    """Return the plan that brings ``bundle`` back, whole, wherever it can.

    A target that fails does not stop the others (D22): going back to the bad release because one
    cloud is away would help nobody. A target that the spec no longer has is left as it is (G11).

    Raises:
        RolloutError: The spec has none of the release's targets.
    """
    parts = tuple(part for part in bundle.targets if part.target in snapshot.targets)
    if not parts:
        names = ", ".join(part.target for part in bundle.targets)
        raise RolloutError(
            f"release {bundle.number} of {bundle.name} ran on {names}; the spec has none of these",
            release=bundle.number,
            hint="Put a target of that name back into the spec.",
        )
    return _plan(
        "rollback",
        bundle.model_copy(update={"targets": parts}),
        snapshot,
        new=False,
        inputs=rollback_inputs(bundle.number),
        outcome=("keep-going", None),
    )


def deploy_inputs(content: str) -> str:
    """Return what a deploy of this content asks for: the same command makes the same."""
    return str(digest_of(["deploy", content]))


def rollback_inputs(number: int) -> str:
    """Return what a rollback to release ``number`` asks for."""
    return str(digest_of(["rollback", number]))


def fingerprint_of(snapshot: Snapshot) -> str:
    """Return the digest of what a plan depends on: the head and every live object's wanted part."""
    return str(
        digest_of(
            {
                "epoch": snapshot.head.epoch if snapshot.head else 0,
                "releases": list(snapshot.releases),
                "targets": {name: _found(target) for name, target in snapshot.targets.items()},
            }
        )
    )


def _found(target: TargetSnapshot) -> dict[str, object]:
    objects = [
        {key: value for key, value in manifest.items() if key not in ("status", "metadata")}
        | {"name": manifest["metadata"]["name"], "labels": manifest["metadata"].get("labels")}
        for manifest in target.live
    ]
    return {
        "known": not target.unknown and not target.store_unknown,
        "artifact": target.artifact_present,
        "objects": objects,
    }


def _refuse_quarantined(bundle: Bundle, snapshot: Snapshot, allowed: int | None) -> None:
    """Refuse what was quarantined under any number, unless one of these was asked for."""
    reasons = {
        number: mark.quarantined
        for number, mark in (snapshot.head.marks if snapshot.head else {}).items()
        if mark.quarantined and mark.content == bundle.content
    }
    if not reasons or allowed in reasons:
        return
    number = max(reasons)
    raise RolloutError(
        f"this model and configuration are release {number} of {bundle.name}, which is "
        f"quarantined: {reasons[number]}",
        release=number,
        hint="Change the model or the spec; or, to try exactly this again: "
        f"deployer deploy --quarantined {number}",
    )


def _recorded_twin(bundle: Bundle, snapshot: Snapshot) -> Bundle | None:
    """Return a recorded release with this content: the desired one, or a newest unjudged one."""
    desired, newest = snapshot.desired, snapshot.newest
    if desired is not None and desired.content == bundle.content:
        return desired
    if newest is None or newest.content != bundle.content:
        return None
    mark = snapshot.head.mark(newest.number) if snapshot.head else Mark()
    return None if mark.verified or mark.quarantined else newest


def _plan(
    kind: Literal["deploy", "rollback"],
    bundle: Bundle,
    snapshot: Snapshot,
    *,
    new: bool,
    inputs: str,
    outcome: _Outcome,
) -> Plan:
    head = snapshot.head
    quarantined = _quarantined(kind, bundle.number, snapshot)
    retentions = _retentions(bundle, snapshot, quarantined)
    targets = tuple(
        _target_plan(bundle, part, snapshot, retentions.get(part.target)) for part in bundle.targets
    )
    done = _is_live(bundle, snapshot) and all(map(_is_done, targets))
    return Plan(
        name=bundle.name,
        kind=kind,
        release=bundle.number,
        new=new,
        bundle=bundle,
        before=dict(snapshot.live),
        beside=_beside(bundle, snapshot),
        desired_before=head.desired if head else None,
        inputs=inputs,
        fingerprint=fingerprint_of(snapshot),
        outcome=outcome[0],
        may_fail=outcome[1],
        targets=targets,
        phases=()
        if done
        else build_phases(bundle, snapshot, retentions, quarantined, judged=kind == "deploy"),
        cost=compare_releases(
            bundle, snapshot.live, _live_bundles(snapshot), today=snapshot.at.date()
        ),
    )


def _outcome_of(spec: Spec) -> _Outcome:
    """Return what counts as success, and how many targets may fail on the way: never all."""
    count = len(spec.targets)
    if isinstance(spec.outcome, Quorum):
        return "quorum", count - spec.outcome.quorum
    return spec.outcome, count - 1 if spec.outcome == "keep-going" else 0


def _live_bundles(snapshot: Snapshot) -> dict[int, Bundle]:
    desired = [snapshot.desired] if snapshot.desired else []
    return {bundle.number: bundle for bundle in desired} | dict(snapshot.bundles)


def _retentions(
    bundle: Bundle, snapshot: Snapshot, quarantined: Collection[int]
) -> dict[str, Retention]:
    """Return what becomes of earlier releases on each target that was read."""
    marks = snapshot.head.marks if snapshot.head else {}
    trusted = {n for n, mark in marks.items() if mark.verified and not mark.quarantined}
    return {
        part.target: decide_retention(
            part,
            found,
            snapshot.bundles,
            trusted=trusted - set(quarantined),
            history=bundle.history,
        )
        for part in bundle.targets
        if (found := snapshot.targets.get(part.target)) is not None and not found.unknown
    }


def _beside(bundle: Bundle, snapshot: Snapshot) -> dict[str, tuple[int, ...]]:
    return {
        part.target: find_beside(part, found, snapshot.bundles)
        for part in bundle.targets
        if (found := snapshot.targets.get(part.target)) is not None
    }


def _is_live(bundle: Bundle, snapshot: Snapshot) -> bool:
    head = snapshot.head
    return (
        head is not None
        and head.desired == bundle.number
        and head.run is None
        and all(head.live.get(part.target) == bundle.number for part in bundle.targets)
    )


def _is_done(target: TargetPlan) -> bool:
    return not target.unknown and not target.upload_bytes and is_in_place(target.changes)


def _quarantined(
    kind: Literal["deploy", "rollback"], number: int, snapshot: Snapshot
) -> dict[int, str]:
    """Return what going back quarantines: the release that it goes back from."""
    desired = snapshot.head.desired if snapshot.head else None
    if kind != "rollback" or desired is None or desired == number:
        return {}
    return {desired: f"rolled back to release {number} by {snapshot.author}"}


def _target_plan(
    bundle: Bundle, part: TargetBundle, snapshot: Snapshot, retention: Retention | None
) -> TargetPlan:
    found = snapshot.targets.get(part.target)
    if found is None or found.unknown or found.store_unknown:
        return TargetPlan(
            target=part.target,
            unknown=(found.unknown or found.store_unknown) if found else "it was not asked",
            weight_before=_weight_before(part.target, snapshot),
            weight_after=bundle.weights.get(part.target, 0),
        )
    return TargetPlan(
        target=part.target,
        upload_bytes=0 if found.artifact_present else bundle.artifact.size,
        changes=find_changes(part, found, retention or Retention()),
        weight_before=_weight_before(part.target, snapshot),
        weight_after=bundle.weights.get(part.target, 0),
    )


def _weight_before(target: str, snapshot: Snapshot) -> int:
    backends = snapshot.routes.backends if snapshot.routes else ()
    return next((backend.weight for backend in backends if backend.target == target), 0)
