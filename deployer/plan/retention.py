"""Which earlier releases stay on a target, scaled to 0, and what is removed. Pure.

A release stays when a rollback could lead to it: it is recorded as verified and not quarantined,
has a Deployment of its own there, and is among the newest so many. What is ours and is named by no
bundle that stays goes: objects that carry a release's number, and members of the ApplySet; never
namespaces, volumes or definitions of kinds (G11).
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from deployer.errors import RolloutError
from deployer.plan.scaling import scaler_refs, workload_ref
from deployer.ports import Manifest, ObjectRef
from deployer.ports.applyset import MEMBER_LABEL
from deployer.release.records import Bundle, TargetBundle
from deployer.snapshot.model import TargetSnapshot, release_of

__all__ = ["Retention", "decide_retention", "find_beside"]


@dataclass(frozen=True, slots=True)
class Retention:
    """What becomes of the earlier releases on one target.

    Attributes:
        resting: Releases to scale to 0, with the names of their Deployments: they stay, and are not
            at rest yet.
        removed: Objects to delete, in this order.
    """

    resting: Mapping[int, str] = field(default_factory=dict)
    removed: tuple[ObjectRef, ...] = ()


def decide_retention(
    part: TargetBundle,
    found: TargetSnapshot,
    bundles: Mapping[int, Bundle],
    *,
    trusted: Collection[int],
    history: int,
) -> Retention:
    """Return what stays and what goes once the release of ``part`` serves.

    Args:
        bundles: The releases that have objects on any target, as far as they are recorded.
        trusted: The releases that a rollback may lead to.
        history: How many may stay.

    Raises:
        RolloutError: The release has no objects: everything would go.
    """
    parts = _parts_on(found, bundles)
    beside = [number for number in find_beside(part, found, bundles) if number in trusted]
    kept = sorted(beside, reverse=True)[:history]
    named = _names(part) | {ref for number in kept for ref in _names(parts[number])}
    ours = [ObjectRef.of(manifest) for manifest in found.live if _is_ours(manifest)]
    removed = [ref for ref in ours if ref not in named]
    if removed and not part.objects:
        raise _empty(part, len(removed))
    live = {ObjectRef.of(manifest): manifest for manifest in found.live}
    resting = {n: parts[n].workload for n in kept if not _is_at_rest(parts[n], live)}
    return Retention(resting, tuple(sorted(removed, key=_rank)))


def find_beside(
    part: TargetBundle, found: TargetSnapshot, bundles: Mapping[int, Bundle]
) -> tuple[int, ...]:
    """Return the releases that have a Deployment of their own on the target, ``part``'s not."""
    parts, own = _parts_on(found, bundles), workload_ref(part)
    deployments = {
        ObjectRef.of(manifest): release_of(manifest)
        for manifest in found.live
        if manifest["kind"] == "Deployment"
    }
    return tuple(
        number
        for number, other in sorted(parts.items())
        if workload_ref(other) != own and deployments.get(workload_ref(other)) == number
    )


def _parts_on(found: TargetSnapshot, bundles: Mapping[int, Bundle]) -> dict[int, TargetBundle]:
    """Return the target's part of each recorded release that has any object there."""
    recorded = found.releases & bundles.keys()
    parts = {number: bundles[number].target(found.target) for number in recorded}
    return {number: part for number, part in parts.items() if part is not None}


_NEVER = ("Namespace", "PersistentVolume", "CustomResourceDefinition")
"""Kinds whose deletion takes much else with it: kubectl's business."""


def _is_ours(manifest: Manifest) -> bool:
    member = MEMBER_LABEL in (manifest["metadata"].get("labels") or {})
    return manifest["kind"] not in _NEVER and (member or release_of(manifest) is not None)


def _empty(part: TargetBundle, count: int) -> RolloutError:
    return RolloutError(
        f"{part.target}: a release without any object would delete all {count} that are there",
        release=None,
        hint="To remove a deployment from a target: deployer destroy --target NAME",
    )


def _names(part: TargetBundle) -> set[ObjectRef]:
    return {ObjectRef.of(manifest) for manifest in (*part.objects, part.shift)}


def _is_at_rest(part: TargetBundle, live: Mapping[ObjectRef, Manifest]) -> bool:
    workload = live[workload_ref(part)]
    scaled_by: Iterable[ObjectRef] = scaler_refs(part)
    return workload["spec"].get("replicas", 1) == 0 and not any(ref in live for ref in scaled_by)


_FIRST, _LAST = ("HorizontalPodAutoscaler", "ScaledObject", "Deployment"), ("Service",)


def _rank(ref: ObjectRef) -> tuple[int, ObjectRef]:
    """Order removals: what starts pods, pods, the rest, and last what has the release's number.

    While the Service of a release is there, the next plan still knows that it is not all gone.
    """
    if ref.kind in _FIRST:
        return _FIRST.index(ref.kind), ref
    return len(_FIRST) + (ref.kind in _LAST), ref
