"""What every cluster does with many objects before and while it applies them. Pure."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from deployer.errors import FieldConflictError, ProviderError
from deployer.ports import FieldOwner, Manifest, ObjectRef
from deployer.ports.applyset import MEMBER_LABEL

__all__ = ["Scope", "as_member", "check_batch", "describe_conflict", "refuse_foreign"]

Scope = Callable[[Manifest], bool | None]
"""Says whether a manifest's kind lives in a namespace; None when there is no such kind."""


def check_batch(manifests: Sequence[Manifest], *, namespace: str, scope: Scope) -> None:
    """Refuse what could not be applied whole, before anything is touched.

    Raises:
        ProviderError: All that is wrong.
    """
    faults = [*_twice(manifests), *(f for m in manifests for f in _misplaced(m, namespace, scope))]
    if faults:
        raise ProviderError(
            "; ".join(faults),
            operation="apply",
            resource=str(ObjectRef.of(manifests[0])),
            hint="Nothing was touched. Correct the objects, or install what brings their kind; "
            "`kubectl api-resources` lists the kinds there are.",
        )


def as_member(manifest: Manifest, set_id: str) -> Manifest:
    """Return the object as a member of the ApplySet."""
    if not set_id:
        return manifest
    metadata = manifest["metadata"]
    labels = {**(metadata.get("labels") or {}), MEMBER_LABEL: set_id}
    return {**manifest, "metadata": {**metadata, "labels": labels}}


def refuse_foreign(live: Manifest, set_id: str) -> None:
    """Refuse to write what belongs to somebody else.

    Raises:
        FieldConflictError: It is a member of another ApplySet, or has an owner.
    """
    ref, metadata = ObjectRef.of(live), live["metadata"]
    other = (metadata.get("labels") or {}).get(MEMBER_LABEL, "")
    owners = [f"{o['kind']}/{o['name']}" for o in metadata.get("ownerReferences") or ()]
    if set_id and other not in ("", set_id):
        raise _foreign(ref, f"it belongs to another ApplySet, {other}")
    if set_id and owners:
        raise _foreign(ref, f"it is owned by {', '.join(owners)}")


def describe_conflict(ref: ObjectRef, owners: Sequence[FieldOwner]) -> FieldConflictError:
    """Return the error that names object, fields and owners, and the two ways out."""
    fields = "; ".join(f"field {owner}" for owner in owners)
    policies = ", ".join(f'"{ref.kind}:{owner.path}": force' for owner in owners[:1])
    return FieldConflictError(
        f"the cluster refused {ref}: {fields}",
        operation="apply",
        resource=str(ref),
        hint=f"Take it over with  conflicts: {{{policies}}}  in the spec, or leave it to its owner "
        "with  yield.",
    )


def _twice(manifests: Sequence[Manifest]) -> Iterator[str]:
    counts = Counter(ObjectRef.of(manifest) for manifest in manifests)
    for ref, count in counts.items():
        if count > 1:
            yield f"{ref} ({ref.api_version}) is there {count} times"


def _misplaced(manifest: Manifest, namespace: str, scope: Scope) -> Iterator[str]:
    ref, named = ObjectRef.of(manifest), manifest["metadata"].get("namespace")
    match scope(manifest):
        case None:
            yield f"{ref}: the cluster knows no kind {ref.kind} in {ref.api_version}"
        case True if named not in (None, namespace):
            yield f"{ref}: its namespace is {named}, and objects go to {namespace}"
        case False if named is not None:
            yield f"{ref}: a {ref.kind} has no namespace, and this one names {named}"
        case _:
            return


def _foreign(ref: ObjectRef, why: str) -> FieldConflictError:
    return FieldConflictError(
        f"{ref} is somebody else's: {why}",
        operation="apply",
        resource=str(ref),
        hint="Give one of the two another name, or remove the other one.",
    )
