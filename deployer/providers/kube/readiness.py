"""What of Kubernetes' own objects tells how a Deployment or Service is doing: pure."""

from collections.abc import Sequence
from typing import Any

from deployer.ports import Manifest

__all__ = ["endpoint_pods", "external_url", "owned_pods"]

_HTTP = 80
_HTTPS = 443


def owned_pods(deployment: Manifest, pods: Sequence[Manifest]) -> list[Any]:
    """Return those pods that belong to the Deployment, through its ReplicaSets; newest first."""
    name = deployment["metadata"]["name"]
    found = [pod for pod in pods if any(_is_ours(owner, name) for owner in _owners(pod))]
    return sorted(found, key=lambda pod: str(pod["metadata"]["creationTimestamp"]), reverse=True)


def endpoint_pods(slices: Sequence[Manifest]) -> set[str]:
    """Return the names of the pods that take new connections; an address, where it is no pod's."""
    ready: set[str] = set()
    for part in slices:
        for endpoint in part.get("endpoints") or ():
            conditions = endpoint.get("conditions") or {}
            # "nil should be interpreted as true" (discovery/v1 EndpointConditions)
            if conditions.get("ready", True) is not False:
                pod = (endpoint.get("targetRef") or {}).get("name")
                ready.update([pod] if pod else endpoint.get("addresses") or ())
    return ready


def external_url(service: Manifest) -> str | None:
    """Return the URL of the Service's load balancer; None when it has no address."""
    status = (service.get("status") or {}).get("loadBalancer") or {}
    for ingress in status.get("ingress") or ():
        host = ingress.get("hostname") or ingress.get("ip")
        if host:
            port = int(service["spec"]["ports"][0]["port"])
            scheme = "https" if port == _HTTPS else "http"
            return f"{scheme}://{host}" + ("" if port in {_HTTP, _HTTPS} else f":{port}")
    return None


def _owners(pod: Manifest) -> Sequence[Manifest]:
    return pod["metadata"].get("ownerReferences") or ()


def _is_ours(owner: Manifest, deployment: str) -> bool:
    """A ReplicaSet is named after its Deployment and the hash of its template."""
    return bool(owner["kind"] == "ReplicaSet" and owner["name"].rpartition("-")[0] == deployment)
