"""What applying objects would change on a cluster, read off a snapshot of it."""

from collections.abc import Mapping, Sequence

from deployer.errors import RolloutError
from deployer.plan.model import Change, Ref
from deployer.ports import Manifest, ObjectRef
from deployer.ports.applyset import MEMBER_LABEL
from deployer.release.records import TargetBundle
from deployer.snapshot.model import TargetSnapshot
from deployer.values import Json

__all__ = ["find_changes", "find_retired", "is_in_place"]

_OURS = ("deployer/release", MEMBER_LABEL)
_NEVER = ("Namespace", "PersistentVolume", "CustomResourceDefinition")
"""Kinds whose deletion takes much else with it: kubectl's business."""


def find_changes(bundle: TargetBundle, snapshot: TargetSnapshot) -> tuple[Change, ...]:
    """Return what happens to each object of the release, the stable Service last."""
    live = {ObjectRef.of(manifest): manifest for manifest in snapshot.live}
    wanted = [*bundle.objects, bundle.shift]
    changes = [_change(manifest, live.get(ObjectRef.of(manifest))) for manifest in wanted]
    deleted = [
        Change(op="delete", kind=ref.kind, name=ref.name) for ref in find_retired(bundle, snapshot)
    ]
    return (*changes, *deleted)


def find_retired(bundle: TargetBundle, snapshot: TargetSnapshot) -> tuple[Ref, ...]:
    """Return the objects that are ours and that this release does not have.

    Workloads first, then what they use. Ours are those that carry a release label, and the members
    of the deployment's ApplySet; never namespaces, volumes or definitions of kinds (G11).

    Raises:
        RolloutError: The release has no objects: everything would go.
    """
    kept = {ObjectRef.of(manifest) for manifest in (*bundle.objects, bundle.shift)}
    old = [
        ObjectRef.of(manifest)
        for manifest in snapshot.live
        if _is_ours(manifest) and ObjectRef.of(manifest) not in kept
    ]
    if old and not bundle.objects:
        raise RolloutError(
            f"{bundle.target}: a release without any object would delete all {len(old)} that are "
            "there",
            release=None,
            hint="To remove a deployment from a target: deployer destroy --target NAME",
        )
    old.sort(key=lambda ref: (ref.kind != "Deployment", ref))
    return tuple(Ref(api_version=ref.api_version, kind=ref.kind, name=ref.name) for ref in old)


def is_in_place(bundle: TargetBundle, snapshot: TargetSnapshot) -> bool:
    """Say whether every object of the release is live as it should be, and nothing else is."""
    return all(change.op == "keep" for change in find_changes(bundle, snapshot))


def _change(wanted: Manifest, live: Manifest | None) -> Change:
    op = "create" if live is None else "keep" if _covers(live, wanted) else "change"
    return Change.model_validate(
        {"op": op, "kind": wanted["kind"], "name": wanted["metadata"]["name"]}
    )


def _is_ours(manifest: Manifest) -> bool:
    labels = _labels(manifest)
    return manifest["kind"] not in _NEVER and not labels.keys().isdisjoint(_OURS)


def _labels(manifest: Manifest) -> Mapping[str, str]:
    labels: Mapping[str, str] = manifest["metadata"].get("labels") or {}
    return labels


def _covers(live: Json, wanted: Json) -> bool:
    """Say whether ``live`` has every field of ``wanted``; servers add defaults to objects."""
    if isinstance(wanted, Mapping):
        return isinstance(live, Mapping) and all(
            key in live and _covers(live[key], value) for key, value in wanted.items()
        )
    if isinstance(wanted, Sequence) and not isinstance(wanted, str):
        return (
            isinstance(live, Sequence)
            and len(live) == len(wanted)
            and all(_covers(a, b) for a, b in zip(live, wanted, strict=True))
        )
    return bool(live == wanted)
