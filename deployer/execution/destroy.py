"""Takes a deployment off targets: traffic first, then every object, then the record."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial

from deployer.errors import DeployerError, RolloutError, StateError
from deployer.execution.context import Context
from deployer.execution.events import Event, Tell
from deployer.execution.fence import Fence, hold_fence
from deployer.execution.finish import publish_routes
from deployer.execution.head import change_head, read_head
from deployer.execution.recover import find_unfinished
from deployer.execution.removal import remove_objects
from deployer.execution.session import Session
from deployer.parallel import ask_each
from deployer.plan.model import Route
from deployer.ports import Cluster, Manifest, ObjectRef
from deployer.ports.applyset import MEMBER_LABEL, kinds_in, parent_of, set_id
from deployer.values import format_count

__all__ = ["Destroyed", "destroy", "find_belongings"]

_SECONDS = 30.0
_NEVER = ("Namespace", "PersistentVolume", "CustomResourceDefinition")
_LAST_TO_FIRST = ("HorizontalPodAutoscaler", "ScaledObject", "Ingress", "Deployment", "Service")


@dataclass(frozen=True, slots=True)
class Destroyed:
    """How many objects were deleted, by target."""

    name: str
    deleted: Mapping[str, int]


def find_belongings(
    session: Session, targets: Collection[str]
) -> dict[str, tuple[ObjectRef, ...] | DeployerError]:
    """Return what a `destroy` would delete on each target, in order; reads only."""
    calls = {
        name: partial(_belongings, session.providers[name].cluster, session.spec.name)
        for name in targets
    }
    return ask_each(calls, timeout_seconds=_SECONDS, what="listing what is ours")


def destroy(
    session: Session, targets: Collection[str], *, tell: Tell, takeover: bool = False
) -> Destroyed:
    """Delete everything of the deployment on ``targets``; other targets are not touched.

    Artifacts and the record of releases stay, so a rollback or a deploy can bring it back. Killed
    at any instant, the same call goes on: routers have forgotten the target before anything goes,
    and the record says that it is live until all is gone.

    Raises:
        RolloutError: A run has never finished, or something does not go; what is left is named.
        LeaseHeldError: Another run is at work.
    """
    with session.hold_lease(tell, source=None, takeover=takeover) as context:
        if find_unfinished(session.state) is not None:
            raise StateError(
                f"a run of {session.spec.name} never finished",
                hint="Let `deployer deploy` or `deployer rollback` bring it to an end first.",
            )
        head = read_head(context)
        live = {name: number for name, number in head.live.items() if name not in targets}
        release = head.desired if head.desired and live else 0
        if head.live.keys() & set(targets):
            publish_routes(Route(release=release, live=live), context)
        deleted = {name: _clear(name, context) for name in targets}
        head = read_head(context)
        change_head(context, head, live=live, desired=release or None)
    return Destroyed(session.spec.name, deleted)


def _clear(target: str, context: Context) -> int:
    cluster, name = context.provider(target).cluster, context.state.name
    fence = Fence(name, context.lease.token, context.policies)
    refs = _belongings(cluster, name)
    if not refs and cluster.get(parent_of(name)) is None:
        return 0
    hold_fence(cluster, fence)
    left = remove_objects(cluster, refs, fence, context.clock, check=context.check)
    context.tell(
        Event("done", "destroy", "delete", target, detail=format_count(len(refs), "object"))
    )
    if left:
        raise RolloutError(
            f"{target}: {len(left)} of {len(refs)} objects do not go: {'; '.join(left)}",
            release=None,
            undone=False,
            hint="Whoever set a finalizer has to take it away. The same command goes on then.",
        )
    cluster.delete(parent_of(name))
    return len(refs)


def _belongings(cluster: Cluster, name: str) -> tuple[ObjectRef, ...]:
    """Return the members of the set, and what older versions labelled; the parent is not one."""
    parent, ours = parent_of(name), set_id(name, cluster.namespace)
    kinds = kinds_in(cluster.get(parent))
    found = (
        *cluster.list({MEMBER_LABEL: ours}, kinds=kinds),
        *cluster.list({"app.kubernetes.io/managed-by": "deployer", "deployer/name": name}),
    )
    refs = {ObjectRef.of(manifest) for manifest in found if _may_go(manifest, ours)}
    return tuple(sorted(refs - {parent}, key=_rank))


def _may_go(manifest: Manifest, ours: str) -> bool:
    labels: Mapping[str, str] = manifest["metadata"].get("labels") or {}
    return manifest["kind"] not in _NEVER and labels.get(MEMBER_LABEL, ours) == ours


def _rank(ref: ObjectRef) -> tuple[int, ObjectRef]:
    """Order removals: what starts pods, pods, what leads to them, what they use."""
    known = ref.kind in _LAST_TO_FIRST
    return _LAST_TO_FIRST.index(ref.kind) if known else len(_LAST_TO_FIRST), ref
