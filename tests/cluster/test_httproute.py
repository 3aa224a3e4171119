"""`deployer router route` on a real API server; the test stands for the Gateway's controller."""

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Protocol

import pytest
from kubernetes import client, config

from deployer.providers.local.clock import SystemClock
from deployer.spec.tree import parse_trees, read_text
from tests.cluster.rig import ApiServer

DEFINITIONS = Path(__file__).parent / "definitions.yaml"
GROUP = ("gateway.networking.k8s.io", "v1")
CLOCK = SystemClock()
BACKENDS = ["--backend", "a=http://10.0.0.1,weight=60", "--backend", "b=http://10.0.0.2,weight=40"]
REFS = ["--ref", "a=iris-a:80", "--ref", "b=iris-b:80"]


class Ended(Protocol):
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


class Controller:
    """What a Gateway's controller would do, by hand."""

    def __init__(self, server: ApiServer, namespace: str) -> None:
        settings = client.Configuration()
        config.load_kube_config(server.kubeconfig, client_configuration=settings)  # type: ignore[no-untyped-call]
        self.api = client.CustomObjectsApi(client.ApiClient(settings))
        self.server, self.namespace = server, namespace

    def define(self) -> None:
        """Bring the kind; wait until it is served."""
        definition = parse_trees(read_text(DEFINITIONS), file=DEFINITIONS)[0].data
        name = definition["metadata"]["name"]
        path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}"
        parameters = self.api.api_client.param_serialize(
            "PATCH",
            path,
            query_params=[("fieldManager", "deployer")],
            header_params={"Content-Type": "application/apply-patch+yaml"},
            body=definition,
            auth_settings=["BearerToken"],
        )
        assert (
            self.api.api_client.call_api(*parameters, _request_timeout=30.0).response.status < 300
        )
        deadline = CLOCK.monotonic() + 30
        while not self._is_served():
            assert CLOCK.monotonic() < deadline
            CLOCK.sleep(0.1)

    def _is_served(self) -> bool:
        try:
            self.api.list_namespaced_custom_object(*GROUP, self.namespace, "httproutes")
        except client.ApiException as error:
            if error.status != 404:
                raise
            return False
        return True

    def read(self) -> Any:
        return self.api.get_namespaced_custom_object(*GROUP, self.namespace, "httproutes", "iris")

    def judge(self, *, resolved: str, reason: str) -> None:
        """Say of the route as it is now that it is accepted, and whether its references are."""
        route = self.read()
        said = {
            "lastTransitionTime": "2026-01-01T00:00:00Z",
            "observedGeneration": route["metadata"]["generation"],
            "message": "backend iris-b was not found",
        }
        conditions = [
            {"type": "Accepted", "status": "True", "reason": "Accepted", **said},
            {"type": "ResolvedRefs", "status": resolved, "reason": reason, **said},
        ]
        parent = {
            "parentRef": {"name": "public", "namespace": "infra"},
            "controllerName": "example.com/gateway",
            "conditions": conditions,
        }
        self.api.patch_namespaced_custom_object_status(
            *GROUP, self.namespace, "httproutes", "iris", {"status": {"parents": [parent]}}
        )

    def judge_once_moved(self, weight: int) -> None:
        """Find the references once the last one has the weight."""
        deadline = CLOCK.monotonic() + 30
        while self.weights()[-1] != weight and CLOCK.monotonic() < deadline:
            CLOCK.sleep(0.1)
        self.judge(resolved="True", reason="ResolvedRefs")

    def weights(self) -> list[int]:
        return [ref["weight"] for ref in self.read()["spec"]["rules"][0]["backendRefs"]]


@pytest.fixture
def controller(api_server: ApiServer, namespace: str) -> Controller:
    if not api_server.url:
        pytest.skip("kinds are defined on our own server only")
    found = Controller(api_server, namespace)
    found.define()
    return found


def run(controller: Controller, *words: str) -> Ended:
    program = [sys.executable, "-c", "from deployer.cli.app import main; main()"]
    where = ["--kubeconfig", controller.server.kubeconfig, "--namespace", controller.namespace]
    route = ["router", "route", "iris", "--gateway", "infra/public"]
    command = [*program, *route, *REFS, *where, *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_weights_are_applied_and_what_the_gateway_says_is_told(controller: Controller) -> None:
    shown = run(controller, *BACKENDS, "--dry-run")
    assert shown.returncode == 0, shown.stderr
    assert "HTTPRoute iris: would be created: a 60, b 40" in shown.stdout
    silent = run(controller, *BACKENDS, "--wait", "0")
    assert silent.returncode == 3, silent.stderr
    assert "no Gateway has said anything of it" in silent.stdout
    assert [ref["weight"] for ref in controller.read()["spec"]["rules"][0]["backendRefs"]] == [
        60,
        40,
    ]

    controller.judge(resolved="False", reason="BackendNotFound")
    refused = run(controller, *BACKENDS, "-o", "json")
    assert refused.returncode == 1, refused.stderr
    document = json.loads(refused.stdout)
    assert document["applied"] == "unchanged"
    assert document["gateways"][0]["troubles"] == [
        "ResolvedRefs is false: BackendNotFound: backend iris-b was not found"
    ]

    later = threading.Thread(target=controller.judge_once_moved, args=[240])
    moved = [*BACKENDS[:3], "b=http://10.0.0.2,weight=240"]
    later.start()
    good = run(controller, *moved, "--wait", "30")
    later.join()
    assert good.returncode == 0, good.stdout + good.stderr
    assert "infra/public  yes       yes" in good.stdout
    assert "health by probes: none" in good.stderr


def test_rules_that_somebody_else_wrote_are_not_taken_over(controller: Controller) -> None:
    mine = {
        "apiVersion": "/".join(GROUP),
        "kind": "HTTPRoute",
        "metadata": {"name": "iris"},
        "spec": {"parentRefs": [{"name": "public"}], "rules": [{"backendRefs": [{"name": "x"}]}]},
    }
    controller.api.create_namespaced_custom_object(
        *GROUP, controller.namespace, "httproutes", mine, field_manager="somebody"
    )
    refused = run(controller, *BACKENDS)
    assert refused.returncode == 1
    assert "somebody" in refused.stderr
    assert ".spec.rules" in refused.stderr or "spec.rules" in refused.stderr
