"""A release at rest: it stays on the cluster, whole but for its pods and what would start them."""

from collections.abc import Mapping

from deployer.ports import Manifest, ObjectRef
from deployer.release.records import TargetBundle

__all__ = ["is_scaler", "rest_workload", "scaler_refs", "workload_ref"]

_SCALERS = ("HorizontalPodAutoscaler", "ScaledObject")


def workload_ref(part: TargetBundle) -> ObjectRef:
    """Return the ref of the release's Deployment."""
    return ObjectRef("apps/v1", "Deployment", part.workload)


def rest_workload(part: TargetBundle) -> Manifest:
    """Return the release's Deployment, without pods."""
    wanted = workload_ref(part)
    manifest: Manifest = next(item for item in part.objects if ObjectRef.of(item) == wanted)
    return {**manifest, "spec": {**manifest["spec"], "replicas": 0}}


def scaler_refs(part: TargetBundle) -> tuple[ObjectRef, ...]:
    """Return what scales the release's Deployment: it would start pods again (KEDA does)."""
    return tuple(
        ObjectRef.of(manifest) for manifest in part.objects if is_scaler(manifest, part.workload)
    )


def is_scaler(manifest: Manifest, workload: str) -> bool:
    """Say whether the object sets the number of the Deployment's pods."""
    wanted: Mapping[str, str] = (manifest.get("spec") or {}).get("scaleTargetRef") or {}
    return manifest["kind"] in _SCALERS and wanted.get("name") == workload
