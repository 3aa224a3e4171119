"""Deployments on real API servers, with the stand-in clouds' stores beside them."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from deployer.ports import Manifest
from deployer.providers.kube.connect import connect_cluster
from deployer.providers.local.clock import SystemClock
from tests.cluster.fixtures import MakeNamespace
from tests.cluster.rig import ApiServer
from tests.scenario.conftest import REQUESTS, Deployment, Sandbox
from tests.scenario.forks.forked import Forker

CLOUDS = {"aws-virginia": "aws", "gcp-iowa": "gcp", "azure-virginia": "azure"}
REGIONS = {"aws": "us-east-1", "gcp": "us-central1", "azure": "eastus"}
PORTS = """\
# Ports below 1024 are the administrator's on one machine.
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec:
  ports:
    - $patch: replace
    - {{name: http, port: 8080, targetPort: http, protocol: TCP}}
"""


@dataclass
class KubeDeployment(Deployment):
    """A spec of targets that are API servers; pods find the stores by their environment."""

    servers: Mapping[str, ApiServer] = field(default_factory=dict)
    namespaces: Mapping[str, str] = field(default_factory=dict)
    stores: Mapping[str, str] = field(default_factory=dict)

    def target(self, name: str, **changes: Any) -> dict[str, Any]:
        cloud = CLOUDS[name]
        return {
            "name": name,
            "provider": cloud,
            "region": REGIONS[cloud],
            "store": self.stores[name],
            "cluster": {"kubeconfig": self.servers[name].kubeconfig},
            "namespace": self.namespaces[name],
        } | changes

    def forget(self) -> None:
        """Leave it to the namespaces' end."""

    def _live(self, name: str) -> tuple[Manifest, ...]:
        cluster = connect_cluster(
            namespace=self.namespaces[name],
            clock=SystemClock(),
            kubeconfig=self.servers[name].kubeconfig,
        )
        return cluster.list({"deployer/name": self.name})


@pytest.fixture
def make_kube_deployment(
    tmp_path: Path, sandbox: Sandbox, forker: Forker, make_namespace: MakeNamespace
) -> Iterator[Callable[[Mapping[str, ApiServer]], KubeDeployment]]:
    """Return a maker of deployments on API servers by target."""
    made: list[KubeDeployment] = []

    def make(servers: Mapping[str, ApiServer], **changes: Any) -> KubeDeployment:
        namespaces = {name: make_namespace(server) for name, server in servers.items()}
        for name, server in servers.items():
            _give_identity(server, namespaces[name], sandbox)
        found = KubeDeployment(
            tmp_path,
            dict(sandbox.environment),
            forker,
            name=f"m{next(iter(namespaces.values()))[-8:]}",
            clusters=dict.fromkeys(servers, tmp_path),
            servers=servers,
            namespaces=namespaces,
            stores={name: sandbox.store(CLOUDS[name]) for name in servers},
        )
        made.append(found)
        (tmp_path / "requests.json").write_text(json.dumps(REQUESTS))
        (tmp_path / "ports.yaml").write_text(PORTS.format(name=found.name))
        found.write_model("v1")
        found.write_spec(patches=["ports.yaml"], state={"lease": "15s"}, **changes)
        return found

    yield make
    for one in made:
        one.close()


def _give_identity(server: ApiServer, namespace: str, sandbox: Sandbox) -> None:
    """Let the namespace's pods log in to the stores, as a cloud's machines would."""
    logins = ("AWS_", "STORAGE_", "AZURE_")
    data = {k: v for k, v in sandbox.environment.items() if k.startswith(logins)}
    body = {"metadata": {"name": "node-environment"}, "data": data}
    server.api().post(f"/api/v1/namespaces/{namespace}/configmaps", body)
