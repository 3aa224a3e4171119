"""Applying many objects one after the other, as `Cluster.apply_all` promises it."""

from collections.abc import Callable, Sequence

from deployer.errors import PreconditionError, ProviderError
from deployer.ports import ApplyOptions, ApplyResult, Manifest, ObjectRef
from deployer.providers.batch import as_member, check_batch
from deployer.providers.phases import in_phases

__all__ = ["apply_in_turn", "apply_unmoved"]

_TRIES = 5
_CLUSTER_WIDE = (
    "Namespace",
    "CustomResourceDefinition",
    "PersistentVolume",
    "ClusterRole",
    "ClusterRoleBinding",
)

_ApplyOne = Callable[[Manifest], ApplyResult]
_ApplyAt = Callable[[Manifest, str], ApplyResult]


def apply_in_turn(
    manifests: Sequence[Manifest], options: ApplyOptions, *, namespace: str, one: _ApplyOne
) -> tuple[ApplyResult, ...]:
    """Apply in phases; after a failure finish its phase and begin no other.

    Raises:
        ProviderError: The objects cannot be applied together; nothing was touched.
    """
    check_batch(manifests, namespace=namespace, scope=_is_namespaced)
    results: dict[ObjectRef, ApplyResult] = {}
    for phase in in_phases(manifests):
        for manifest in phase:
            member = options.member_of if _is_namespaced(manifest) else ""
            results[ObjectRef.of(manifest)] = _try(as_member(manifest, member), one)
        if any(result.error for result in results.values()):
            break
    refs = map(ObjectRef.of, manifests)
    return tuple(results[ref] for ref in refs if ref in results)


def apply_unmoved(
    manifest: Manifest,
    options: ApplyOptions,
    *,
    find: Callable[[ObjectRef], Manifest | None],
    apply_at: _ApplyAt,
) -> ApplyResult:
    """Look, ask the guard, write only over what was seen; look again when it has moved."""
    ref = ObjectRef.of(manifest)
    for rest in reversed(range(_TRIES)):
        live = find(ref)
        options.guard()
        try:
            return apply_at(manifest, live["metadata"]["resourceVersion"] if live else "")
        except PreconditionError:
            if not rest:
                raise
    raise AssertionError


def _is_namespaced(manifest: Manifest) -> bool:
    return manifest["kind"] not in _CLUSTER_WIDE


def _try(manifest: Manifest, one: _ApplyOne) -> ApplyResult:
    try:
        return one(manifest)
    except ProviderError as error:
        return ApplyResult(ObjectRef.of(manifest), None, error=error)
