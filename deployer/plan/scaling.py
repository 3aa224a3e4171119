"""How many pods a release has: none at rest, and at its start no fewer than serve now.

A release at rest stays on the cluster, whole but for its pods and what would start them.
"""

from collections.abc import Mapping

from deployer.ports import Manifest, ObjectRef
from deployer.release.records import TargetBundle

__all__ = ["is_scaler", "scale_objects", "scaler_refs", "starting_pods", "workload_ref"]

_SCALERS = ("HorizontalPodAutoscaler", "ScaledObject")


def workload_ref(part: TargetBundle) -> ObjectRef:
    """Return the ref of the release's Deployment."""
    return ObjectRef("apps/v1", "Deployment", part.workload)


def scale_objects(part: TargetBundle, pods: int) -> tuple[Manifest, ...]:
    """Return the release's objects, its Deployment with this number of pods."""
    wanted = workload_ref(part)
    return tuple(
        {**item, "spec": {**item["spec"], "replicas": pods}}
        if ObjectRef.of(item) == wanted
        else item
        for item in part.objects
    )


def starting_pods(part: TargetBundle, serving: int) -> int | None:
    """Return how many pods a release starts with that an autoscaler scales; None for its least.

    As many as ``serving``: traffic moves at once, and an autoscaler takes minutes to follow it.
    Never more than it would keep.
    """
    scalers = (item["spec"] for item in part.objects if is_scaler(item, part.workload))
    most = max(
        (it.get("maxReplicas") or it.get("maxReplicaCount") or 0 for it in scalers), default=0
    )
    pods = min(serving, most)
    return pods if pods > part.replicas else None


def scaler_refs(part: TargetBundle) -> tuple[ObjectRef, ...]:
    """Return what scales the release's Deployment: it would start pods again (KEDA does)."""
    return tuple(
        ObjectRef.of(manifest) for manifest in part.objects if is_scaler(manifest, part.workload)
    )


def is_scaler(manifest: Manifest, workload: str) -> bool:
    """Say whether the object sets the number of the Deployment's pods."""
    wanted: Mapping[str, str] = (manifest.get("spec") or {}).get("scaleTargetRef") or {}
    return manifest["kind"] in _SCALERS and wanted.get("name") == workload
