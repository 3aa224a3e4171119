"""The fencing token on the cluster: a run that was overtaken is refused there too (design §6).

The token sits on one ConfigMap per deployment, raised by compare-and-swap before every step that
writes. Kleppmann, "How to do distributed locking" (2016), says why a lease alone is not enough.
"""

from deployer.errors import LeaseLostError, PreconditionError
from deployer.ports import Cluster, Manifest, ObjectRef

__all__ = ["apply_fenced", "hold_fence"]

_TRIES = 5


def apply_fenced(cluster: Cluster, manifest: Manifest, *, name: str, token: int) -> None:
    """Apply, unless a later run has been here: before the call, or between our look and our write.

    The object's version is read before the fence and compared at the write, so a run that slept
    in between overwrites nothing of a later run's.

    Raises:
        LeaseLostError: A later run has been here.
        PreconditionError: A field is another manager's, or the object never stands still.
    """
    ref = ObjectRef.of(manifest)
    for rest in reversed(range(_TRIES)):
        version = _version_of(cluster.get(ref))
        hold_fence(cluster, name, token)
        try:
            cluster.apply(manifest, if_version=version)
        except PreconditionError:
            if not rest:
                raise
        else:
            return


def hold_fence(cluster: Cluster, name: str, token: int) -> None:
    """Write ``token`` on the cluster, unless a larger one is there.

    Raises:
        LeaseLostError: A later run has been here.
    """
    ref = ObjectRef("v1", "ConfigMap", f"{name}-deployer")
    for _ in range(_TRIES):
        live = cluster.get(ref)
        if live is not None and _token_of(live) > token:
            raise LeaseLostError(
                f"a later run has changed {name} on this cluster; this one stops",
                hint=f"If the state was lost and begun anew, no run is later: delete {ref}.",
            )
        if live is not None and _token_of(live) == token:
            return
        try:
            cluster.apply(_fence(ref, name, token), if_version=_version_of(live))
        except PreconditionError:
            continue
        return
    raise LeaseLostError(f"the fence of {name} on this cluster is contended; this run stops")


def _version_of(live: Manifest | None) -> str:
    return str(live["metadata"]["resourceVersion"]) if live is not None else ""


def _token_of(fence: Manifest) -> int:
    return int((fence.get("data") or {}).get("token", "0"))


def _fence(ref: ObjectRef, name: str, token: int) -> Manifest:
    return {
        "apiVersion": ref.api_version,
        "kind": ref.kind,
        "metadata": {
            "name": ref.name,
            "labels": {"app.kubernetes.io/managed-by": "deployer", "deployer/name": name},
        },
        "data": {"token": str(token)},
    }
