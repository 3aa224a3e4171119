"""What of Kubernetes' own objects tells how a Deployment or Service is doing: pure."""

from collections.abc import Sequence
from typing import Any

from deployer.ports import Manifest

__all__ = ["endpoint_pods", "external_url", "owned_pods", "pod_selector"]

_HTTP = 80
_HTTPS = 443


def owned_pods(workload: Manifest, pods: Sequence[Manifest]) -> list[Any]:
    """Return those pods that belong to the workload, a Deployment's by its ReplicaSets.

    Newest first.
    """
    kind, name = workload["kind"], workload["metadata"]["name"]
    found = [pod for pod in pods if any(_is_ours(owner, kind, name) for owner in _owners(pod))]
    return sorted(found, key=lambda pod: str(pod["metadata"]["creationTimestamp"]), reverse=True)


def pod_selector(workload: Manifest) -> str:
    """Return the label selector of a workload's pods, ``matchExpressions`` included.

    A Job without one has the labels that the cluster gives its pods.
    """
    selector = workload["spec"].get("selector") or {}
    labels = sorted((selector.get("matchLabels") or {}).items())
    rules = selector.get("matchExpressions") or ()
    parts = [f"{key}={value}" for key, value in labels]
    parts += [
        _expression(rule["key"], rule["operator"], rule.get("values") or ()) for rule in rules
    ]
    return ",".join(parts) or f"job-name={workload['metadata']['name']}"


def _expression(key: str, operator: str, values: Sequence[str]) -> str:
    if operator == "Exists":
        return key
    if operator == "DoesNotExist":
        return f"!{key}"
    return f"{key} {operator.lower()} ({','.join(values)})"


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


def _is_ours(owner: Manifest, kind: str, name: str) -> bool:
    """A ReplicaSet is named after its Deployment and the hash of its template."""
    if kind == "Deployment":
        return bool(owner["kind"] == "ReplicaSet" and owner["name"].rpartition("-")[0] == name)
    return bool(owner["kind"] == kind and owner["name"] == name)
