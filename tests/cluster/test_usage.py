"""What pods use, from a real API server.

metrics-server is an aggregated API. Here the same paths and documents are served by the API server
itself, from a custom resource of the same group, version and shape: what is tested is how we ask
and what we make of the answer, not how it came about.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from deployer.errors import NotFoundError
from deployer.ports import UsageSource
from deployer.providers.kube.connect import connect_cluster
from deployer.providers.local.clock import SystemClock
from tests.cluster.api import Api, ApiError
from tests.cluster.rig import ApiServer

GROUP = "metrics.k8s.io"
METRICS = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {
        "name": f"pods.{GROUP}",
        "annotations": {"api-approved.kubernetes.io": "unapproved, a stand-in for tests"},
    },
    "spec": {
        "group": GROUP,
        "scope": "Namespaced",
        "names": {"plural": "pods", "kind": "PodMetrics", "listKind": "PodMetricsList"},
        "versions": [
            {
                "name": "v1beta1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "x-kubernetes-preserve-unknown-fields": True,
                    }
                },
            }
        ],
    },
}


def measured(name: str, *used: tuple[str, str]) -> dict[str, Any]:
    containers = [
        {"name": f"c{index}", "usage": {"cpu": cpu, "memory": memory}}
        for index, (cpu, memory) in enumerate(used)
    ]
    return {
        "apiVersion": f"{GROUP}/v1beta1",
        "kind": "PodMetrics",
        "metadata": {"name": name},
        "timestamp": "2026-11-23T12:00:00Z",
        "window": "15s",
        "containers": containers,
    }


@pytest.fixture
def api(api_server: ApiServer) -> Iterator[Api]:
    """Return a server that serves usage while the test lasts."""
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    api = api_server.api()
    api.post(definitions, METRICS)
    yield api
    api.delete(f"{definitions}/pods.{GROUP}", {})


def is_served(api: Api, path: str) -> bool:
    try:
        api.get(path)
    except ApiError as error:
        if error.status not in {404, 429}:  # it begins with "storage is (re)initializing"
            raise
        return False
    return True


def test_the_use_of_a_workloads_pods_is_added_up(
    api_server: ApiServer, api: Api, namespace: str, wait: Any
) -> None:
    """0.25 + 0.0015 cpu + 500 n; 512 MiB + 128 MiB + 1 KiB are 0.625 GiB and a little."""
    path = f"/apis/{GROUP}/v1beta1/namespaces/{namespace}/pods"
    source = connect_cluster(
        namespace=namespace, clock=SystemClock(), kubeconfig=api_server.kubeconfig
    )
    assert isinstance(source, UsageSource)
    wait(lambda: is_served(api, path))
    for pod in (
        measured("iris-r42-7d9c5b6f4d-abcde", ("250m", "512Mi"), ("500n", "1Ki")),
        measured("iris-r42-7d9c5b6f4d-fghij", ("1500u", "128Mi")),
        measured("iris-r41-7d9c5b6f4d-klmno", ("3", "4Gi")),
        measured("iris-r42", ("3", "4Gi")),
    ):
        api.post(path, pod)
    used = source.measure("iris-r42", timeout_seconds=30)
    assert used.vcpu == Decimal("0.2515005")
    assert used.memory_gib == Decimal(640 * 1024**2 + 1024) / 1024**3
    assert used.source == "metrics-server"
    with pytest.raises(NotFoundError, match="knows no pod of iris-r43"):
        source.measure("iris-r43", timeout_seconds=30)
