"""What pods use, by the metrics API: metrics-server, or whatever else serves it."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from deployer.errors import NotFoundError
from deployer.ports import Used
from deployer.providers.kube.api import KubeApi

__all__ = ["measure_pods"]

_SOURCE = "metrics-server"
_GIB = 1024**3


def measure_pods(api: KubeApi, namespace: str, workload: str, timeout_seconds: float) -> Used:
    """Return what the Deployment's pods use together. See `UsageSource.measure`."""
    path = f"/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods"
    resource = f"usage of {workload}"
    found = api.read(path, resource=resource, timeout_seconds=timeout_seconds)
    mine = re.compile(re.escape(workload) + r"-[a-z0-9]+-[a-z0-9]+")  # ReplicaSet and pod
    pods = [it for it in found["items"] if mine.fullmatch(it["metadata"]["name"])]
    if not pods:
        raise NotFoundError(
            f"{_SOURCE} knows no pod of {workload}", operation="measure", resource=resource
        )
    containers = [container for pod in pods for container in pod["containers"]]
    return Used(_sum(containers, "cpu"), _sum(containers, "memory") / _GIB, _SOURCE)


def _sum(containers: list[Any], name: str) -> Decimal:
    from kubernetes.utils import quantity

    read: Callable[[str], Decimal] = quantity.parse_quantity
    return sum((read(it["usage"][name]) for it in containers), Decimal(0))
