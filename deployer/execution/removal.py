"""Deletes objects that are ours, and waits until they are gone."""

from collections.abc import Callable, Sequence

from deployer.errors import FieldConflictError, PreconditionError
from deployer.execution.fence import Fence, hold_fence, settle_inventory
from deployer.ports import Clock, Cluster, Manifest, ObjectRef
from deployer.ports.applyset import MEMBER_LABEL, set_id

__all__ = ["remove_objects"]

_TRIES = 5
_GONE_SECONDS = 60.0
_POLL_SECONDS = 0.5
_WAITING = "foregroundDeletion"  # the finalizer by which an object waits for what it owns


def remove_objects(
    cluster: Cluster,
    refs: Sequence[ObjectRef],
    fence: Fence,
    clock: Clock,
    *,
    check: Callable[[], None],
    timeout_seconds: float = _GONE_SECONDS,
) -> tuple[str, ...]:
    """Delete each, wait until all are gone, then write what is left into the inventory.

    What is somebody else's by now is refused. What has not gone in time stays in the inventory.

    Returns:
        What still hangs, and on which finalizer.

    No object at all is nothing to do.

    Raises:
        FieldConflictError: One of them belongs to somebody else.
        LeaseLostError: A later run has been here.
    """
    if not refs:
        return ()
    for ref in refs:
        check()
        _delete(cluster, ref, fence)
    left = _wait_gone(cluster, refs, clock, timeout_seconds, check)
    settle_inventory(cluster, fence)
    return tuple(_describe(manifest) for manifest in left)


def _delete(cluster: Cluster, ref: ObjectRef, fence: Fence) -> None:
    """Delete what was looked at, and nothing that came in its place meanwhile."""
    for rest in reversed(range(_TRIES)):
        live = cluster.get(ref)
        hold_fence(cluster, fence)
        if live is None or live["metadata"].get("deletionTimestamp"):
            return
        _refuse_foreign(live, set_id(fence.name, cluster.namespace))
        try:
            cluster.delete(ref, if_version=live["metadata"]["resourceVersion"])
        except PreconditionError:
            if not rest:
                raise
        else:
            return


def _refuse_foreign(live: Manifest, ours: str) -> None:
    ref, metadata = ObjectRef.of(live), live["metadata"]
    if (metadata.get("labels") or {}).get(MEMBER_LABEL, ours) == ours:
        return
    raise FieldConflictError(
        f"{ref} belongs to another ApplySet by now, so it was not deleted",
        operation="delete",
        resource=str(ref),
        hint=f"Give it back by its label {MEMBER_LABEL}, or delete it with kubectl.",
    )


def _wait_gone(
    cluster: Cluster,
    refs: Sequence[ObjectRef],
    clock: Clock,
    timeout_seconds: float,
    check: Callable[[], None],
) -> list[Manifest]:
    deadline = clock.monotonic() + timeout_seconds
    waiting = list(refs)
    while True:
        found = [live for ref in waiting if (live := cluster.get(ref)) is not None]
        left = [live for live in found if live["metadata"].get("deletionTimestamp")]
        if not left or clock.monotonic() > deadline:
            return left
        check()
        clock.sleep(_POLL_SECONDS)
        waiting = [ObjectRef.of(live) for live in left]


def _describe(live: Manifest) -> str:
    held = [name for name in live["metadata"].get("finalizers") or () if name != _WAITING]
    why = f"held by finalizer {', '.join(held)}" if held else "what it owns is still ending"
    return f"{ObjectRef.of(live)}: {why}"
