"""Calls to pods behind a Service, through the API server's proxy and through a load balancer."""

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from deployer.ports import Cluster, HttpRequest
from deployer.providers.kube.connect import connect_cluster
from deployer.providers.local.clock import SystemClock
from tests.cluster.rig import ApiServer

JSON = {"Content-Type": "application/json"}
READY = {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 1}


@pytest.fixture
def cluster(api_server: ApiServer, space: Any) -> Cluster:
    """Two pods behind a Service with a load balancer."""
    ports = [{"name": "http", "port": 8080, "targetPort": "http", "protocol": "TCP"}]
    spec = {"type": "LoadBalancer", "selector": {"app": "web"}, "ports": ports}
    space.create("services", {"metadata": {"name": "web"}, "spec": spec})
    space.run("web", container={"readinessProbe": READY})
    return connect_cluster(
        namespace=space.name, clock=SystemClock(), kubeconfig=api_server.kubeconfig
    )


def test_json_that_is_sent_to_a_service_arrives_as_it_is(
    cluster: Cluster, space: Any, wait: Any
) -> None:
    wait(lambda: space.ready("web"))
    wait(lambda: _endpoints(space) == 1)
    body = json.dumps({"inputs": [1, 2]}).encode()
    answer = cluster.call("web", HttpRequest("POST", "/infer", JSON, body), timeout_seconds=30)
    assert json.loads(answer.body)["echo"] == body.decode()


def test_a_load_balancer_leads_to_the_pods_that_are_ready_and_to_nothing_else(
    cluster: Cluster, space: Any, wait: Any
) -> None:
    wait(lambda: cluster.endpoint("web") is not None)
    url = cluster.endpoint("web")
    wait(lambda: _ask(url) == "web")
    space.api.delete(f"{space.path}/pods/web", {"gracePeriodSeconds": 1})
    wait(lambda: _ask(url) is None)
    space.run("other", container={"readinessProbe": READY})
    space.api.patch(f"{space.path}/services/web", {"spec": {"selector": {"app": "other"}}})
    wait(lambda: _ask(url) == "other")


def _endpoints(space: Any) -> int:
    path = f"/apis/discovery.k8s.io/v1/namespaces/{space.name}/endpointslices"
    slices = space.api.get(path)["items"]
    return sum(e["conditions"]["ready"] for s in slices for e in s.get("endpoints") or ())


def _ask(url: str | None) -> str | None:
    """Return who answers; None when nobody does."""
    parts = urlsplit(url or "")
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=10)
    try:
        connection.request("GET", "/ready")
        return str(json.loads(connection.getresponse().read())["workload"])
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
