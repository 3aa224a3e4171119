"""What tests of the rig itself share: pods to ask for, and waiting."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pytest

from deployer.providers.local.clock import SystemClock
from tests.cluster.api import Api, ApiError
from tests.cluster.rig import ApiServer

SERVER = Path(__file__).parents[1] / "pods" / "server.py"
WAIT_SECONDS = 60.0
CLOCK = SystemClock()


class Space:
    """A namespace, through the rig's own client."""

    def __init__(self, api: Api, name: str) -> None:
        self.api, self.name = api, name
        self.path = f"/api/v1/namespaces/{name}"

    def create(self, kind: str, body: dict[str, Any], group: str = "") -> Any:
        """Create an object; ``kind`` is its plural."""
        base = f"/apis/{group}/namespaces/{self.name}" if group else self.path
        return self.api.post(f"{base}/{kind}", body)

    def run(
        self, name: str, *command: str, notes: dict[str, str] | None = None, **spec: Any
    ) -> Any:
        """Create a pod of one container; ``server`` is a web server that says who it is."""
        container = {
            "name": "main",
            "image": spec.pop("image", "anything"),
            "command": list(command) or [sys.executable, str(SERVER)],
            "env": [
                {"name": "ADDRESS", "value": "0.0.0.0"},  # noqa: S104 - the node's to translate
                {"name": "PORT", "value": "8080"},
                {"name": "NAME", "value": name},
            ],
            "ports": [{"name": "http", "containerPort": 8080}],
            **spec.pop("container", {}),
        }
        metadata = {"name": name, "labels": {"app": name}, "annotations": notes or {}}
        pod = {"metadata": metadata, "spec": {"containers": [container], **spec}}
        return self.create("pods", pod)

    def pod(self, name: str) -> Any:
        return self.api.get(f"{self.path}/pods/{name}")

    def status(self, name: str) -> Any:
        """Return the state of a pod's only container."""
        (status,) = self.pod(name)["status"].get("containerStatuses") or (
            {"state": {}, "restartCount": 0},
        )
        return status

    def waiting(self, name: str) -> str:
        return str((self.status(name)["state"].get("waiting") or {}).get("reason", ""))

    def ready(self, name: str) -> bool:
        conditions = self.pod(name)["status"].get("conditions") or ()
        return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)

    def phase(self, name: str) -> str:
        return str(self.pod(name)["status"]["phase"])

    def log(self, name: str, **query: str) -> str:
        """Return a log, through the API server and the node."""
        return self.api.read(f"{self.path}/pods/{name}/log", **query)

    def reasons(self, name: str) -> set[str]:
        """Return the reasons of a pod's Events."""
        found = self.api.get(f"{self.path}/events", fieldSelector=f"involvedObject.name={name}")
        return {event["reason"] for event in found["items"]}


class Wait(Protocol):
    """Asks until it is so."""

    def __call__(self, done: Callable[[], object], seconds: float = WAIT_SECONDS) -> None: ...


@pytest.fixture
def space(api_server: ApiServer, namespace: str) -> Space:
    if not api_server.runs_pods or not api_server.url:
        pytest.skip("only our own control plane has the node agent that is tested here")
    return Space(api_server.api(), namespace)


@pytest.fixture
def wait() -> Wait:
    def wait(done: Callable[[], object], seconds: float = WAIT_SECONDS) -> None:
        deadline = CLOCK.monotonic() + seconds
        while not _ask(done):
            assert CLOCK.monotonic() < deadline, "it never came to be"
            CLOCK.sleep(0.1)

    return wait


def _ask(done: Callable[[], object]) -> object:
    try:
        return done()
    except ApiError as error:
        if error.status not in {0, 404, 503}:
            raise
        return False
