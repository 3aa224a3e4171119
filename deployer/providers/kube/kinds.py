"""The kinds we apply, and where the API server keeps them."""

from deployer.errors import ProviderError
from deployer.ports import ObjectRef

__all__ = ["KINDS", "object_path"]

KINDS: dict[tuple[str, str], str] = {
    ("v1", "ServiceAccount"): "serviceaccounts",
    ("v1", "ConfigMap"): "configmaps",
    ("v1", "Secret"): "secrets",
    ("v1", "Service"): "services",
    ("apps/v1", "Deployment"): "deployments",
    ("autoscaling/v2", "HorizontalPodAutoscaler"): "horizontalpodautoscalers",
    ("policy/v1", "PodDisruptionBudget"): "poddisruptionbudgets",
    ("networking.k8s.io/v1", "Ingress"): "ingresses",
    ("networking.k8s.io/v1", "NetworkPolicy"): "networkpolicies",
}


def object_path(api_version: str, kind: str, namespace: str, name: str = "") -> str:
    """Return the URL path of an object, or of all of its kind.

    Raises:
        ProviderError: It is none of the kinds we apply.
    """
    plural = KINDS.get((api_version, kind))
    if plural is None:
        raise ProviderError(
            f"deployer does not apply objects of kind {kind} ({api_version})",
            operation="apply",
            resource=str(ObjectRef(api_version, kind, name)),
            hint="Apply it with kubectl; deployer leaves it alone.",
        )
    root = f"/api/{api_version}" if "/" not in api_version else f"/apis/{api_version}"
    path = f"{root}/namespaces/{namespace}/{plural}"
    return f"{path}/{name}" if name else path
