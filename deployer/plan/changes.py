"""What applying objects would change on a cluster, read off a snapshot of it."""

from collections.abc import Mapping, Sequence

from deployer.errors import RolloutError
from deployer.plan.model import Change, Plan
from deployer.plan.retention import Retention
from deployer.plan.scaling import is_scaler
from deployer.ports import Manifest, ObjectRef
from deployer.release.records import TargetBundle
from deployer.snapshot.model import TargetSnapshot
from deployer.values import Json

__all__ = ["demand_few_deletions", "find_changes", "is_in_place"]


def find_changes(
    part: TargetBundle, found: TargetSnapshot, retention: Retention
) -> tuple[Change, ...]:
    """Return what happens to each object: the release's, its stable Service, then earlier ones'."""
    live = {ObjectRef.of(manifest): manifest for manifest in found.live}
    wanted = [_without_scaled(manifest, part) for manifest in (*part.objects, part.shift)]
    return (
        *(_change(manifest, live.get(ObjectRef.of(manifest))) for manifest in wanted),
        *(Change(op="scale", kind="Deployment", name=it) for it in retention.resting.values()),
        *(Change(op="delete", kind=ref.kind, name=ref.name) for ref in retention.removed),
    )


def is_in_place(changes: Sequence[Change]) -> bool:
    """Say whether every object of the release is live as it should be, and nothing is to go."""
    return all(change.op == "keep" for change in changes)


def demand_few_deletions(plan: Plan, most: int) -> None:
    """Refuse a plan that deletes more than ``most`` objects of one target.

    Raises:
        RolloutError: It does; nothing has been touched.
    """
    counts = {
        part.target: sum(change.op == "delete" for change in part.changes) for part in plan.targets
    }
    target, count = max(counts.items(), key=lambda item: item[1])
    if count > most:
        raise RolloutError(
            f"{plan.name}: this would delete {count} objects on {target}, and {most} are allowed",
            release=plan.release,
            hint=f"deployer plan shows them. If that is meant: --max-deletions {count}",
        )


def _without_scaled(manifest: Manifest, part: TargetBundle) -> Manifest:
    """Leave out the number of pods where an autoscaler of the release sets it."""
    name = manifest["metadata"]["name"]
    if manifest["kind"] != "Deployment" or not any(is_scaler(it, name) for it in part.objects):
        return manifest
    spec = {key: value for key, value in manifest["spec"].items() if key != "replicas"}
    return {**manifest, "spec": spec}


def _change(wanted: Manifest, live: Manifest | None) -> Change:
    op = "create" if live is None else "keep" if _covers(live, wanted) else "change"
    return Change.model_validate(
        {"op": op, "kind": wanted["kind"], "name": wanted["metadata"]["name"]}
    )


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
