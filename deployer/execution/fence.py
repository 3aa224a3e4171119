"""The fencing token and the inventory on the cluster: a run that was overtaken is refused there.

Both are on one ConfigMap per deployment, the parent of its ApplySet, changed by compare-and-swap
before every step that writes. Kleppmann, "How to do distributed locking" (2016), says why a lease
alone is not enough. The inventory names every kind that may exist before one of it is made, and
forgets a kind only once none is left: nothing that a crash leaves behind is out of sight.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import deployer
from deployer.errors import LeaseLostError, PreconditionError, ProviderError, TransientError
from deployer.ports import ApplyOptions, ApplyResult, Cluster, Manifest, Policy, group_kind
from deployer.ports.applyset import (
    ID_LABEL,
    KINDS_ANNOTATION,
    MEMBER_LABEL,
    TOOLING_ANNOTATION,
    kinds_in,
    parent_of,
    set_id,
)

__all__ = ["Fence", "apply_fenced", "hold_fence", "settle_inventory"]

_TRIES = 5


@dataclass(frozen=True, slots=True)
class Fence:
    """Who writes: the deployment's name, the run's token, and what the spec says of conflicts."""

    name: str
    token: int
    policies: Mapping[str, Policy] = field(default_factory=dict)


def _allow() -> None:
    """Nobody else has to be asked."""


def apply_fenced(
    cluster: Cluster,
    manifests: Sequence[Manifest],
    fence: Fence,
    *,
    check: Callable[[], None] = _allow,
) -> tuple[ApplyResult, ...]:
    """Apply as members of the set, unless a later run has been here.

    Every object is compared, at the write, with what was read before the fence was: a run that
    slept in between overwrites nothing of a later run's.

    Args:
        check: Asked as often as the fence: whether this run may still write.

    Raises:
        LeaseLostError: A later run has been here.
        ProviderError: Some were refused; the message names the first, and how many more.
    """
    kinds = {group_kind(m["apiVersion"], m["kind"]) for m in manifests}

    def guard() -> None:
        check()
        hold_fence(cluster, fence, kinds=kinds)

    options = ApplyOptions(
        policies=fence.policies,
        member_of=set_id(fence.name, cluster.namespace),
        guard=guard,
    )
    results = cluster.apply_all(manifests, options)
    errors = [result.error for result in results if result.error is not None]
    if errors:
        raise _first_of(errors)
    return results


def hold_fence(cluster: Cluster, fence: Fence, *, kinds: Collection[str] = ()) -> None:
    """Write the token, and that ``kinds`` may exist, unless a larger token is there.

    Raises:
        LeaseLostError: A later run has been here.
    """
    for _ in range(_TRIES):
        live = cluster.get(parent_of(fence.name))
        _refuse_overtaken(live, fence)
        known = set(kinds_in(live))
        if live is not None and _token_of(live) == fence.token and known.issuperset(kinds):
            return
        if _swap(cluster, fence, live, known.union(kinds)):
            return
    raise LeaseLostError(f"the fence of {fence.name} on this cluster is contended; this run stops")


def settle_inventory(cluster: Cluster, fence: Fence) -> None:
    """Write which kinds there still are; an object on its way out still counts.

    Raises:
        LeaseLostError: A later run has been here.
    """
    for _ in range(_TRIES):
        parent = cluster.get(parent_of(fence.name))
        _refuse_overtaken(parent, fence)
        known = kinds_in(parent)
        members = cluster.list({MEMBER_LABEL: set_id(fence.name, cluster.namespace)}, kinds=known)
        kinds = {group_kind(member["apiVersion"], member["kind"]) for member in members}
        if kinds == set(known) or _swap(cluster, fence, parent, kinds):
            return


def _first_of(errors: Sequence[ProviderError]) -> ProviderError:
    """Return the first that waiting does not cure, and say that there are more."""
    lasting = [error for error in errors if not isinstance(error, TransientError)]
    error = (lasting or list(errors))[0]
    if len(errors) > 1:
        error.message = f"{error.message}; and {len(errors) - 1} more objects were refused"
        error.args = (error.message,)
    return error


def _refuse_overtaken(live: Manifest | None, fence: Fence) -> None:
    if live is not None and _token_of(live) > fence.token:
        raise LeaseLostError(
            f"a later run has changed {fence.name} on this cluster; this one stops",
            hint="If the state was lost and begun anew, no run is later: delete "
            f"{parent_of(fence.name)}.",
        )


def _swap(cluster: Cluster, fence: Fence, live: Manifest | None, kinds: Collection[str]) -> bool:
    version = str(live["metadata"]["resourceVersion"]) if live is not None else ""
    try:
        cluster.apply(_parent(fence, cluster.namespace, kinds), if_version=version)
    except PreconditionError:
        return False
    return True


def _token_of(parent: Manifest) -> int:
    return int((parent.get("data") or {}).get("token", "0"))


def _parent(fence: Fence, namespace: str, kinds: Collection[str]) -> Manifest:
    ref = parent_of(fence.name)
    return {
        "apiVersion": ref.api_version,
        "kind": ref.kind,
        "metadata": {
            "name": ref.name,
            "labels": {
                "app.kubernetes.io/managed-by": "deployer",
                "deployer/name": fence.name,
                ID_LABEL: set_id(fence.name, namespace),
            },
            "annotations": {
                TOOLING_ANNOTATION: f"deployer/v{deployer.__version__}",
                KINDS_ANNOTATION: ",".join(sorted(kinds)),
            },
        },
        "data": {"token": str(fence.token)},
    }
