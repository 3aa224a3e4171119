"""The command lines of the control plane's programs: pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = [
    "ADMIN",
    "EGRESS_SOCKET",
    "Ports",
    "api_server_command",
    "controller_command",
    "egress_settings",
    "etcd_command",
    "kubeconfig",
    "scheduler_command",
    "token_file",
]

ADMIN = "admin"
EGRESS_SOCKET = "egress.sock"

_CONTROLLERS = (
    "*",
    # These need a cloud or are for features that no test has.
    "-node-ipam-controller",
    "-node-route-controller",
    "-service-lb-controller",
    "-cloud-node-lifecycle-controller",
    "-certificatesigningrequest-approving-controller",
    "-certificatesigningrequest-cleaner-controller",
    "-certificatesigningrequest-signing-controller",
    "-persistentvolume-attach-detach-controller",
    "-persistentvolume-expander-controller",
    "-ephemeral-volume-controller",
    "-clusterrole-aggregation-controller",
    "-storageversion-garbage-collector-controller",
)


@dataclass(frozen=True, slots=True)
class Ports:
    """The loopback ports of one API server and of what belongs to it."""

    api: int
    controllers: int
    scheduler: int


def etcd_command(folder: Path, client: int, peer: int) -> list[str]:
    """Return etcd's command line: one member, which forgets everything with the machine."""
    clients, peers = f"http://127.0.0.1:{client}", f"http://127.0.0.1:{peer}"
    return [
        f"--data-dir={folder}",
        f"--listen-client-urls={clients}",
        f"--advertise-client-urls={clients}",
        f"--listen-peer-urls={peers}",
        f"--initial-advertise-peer-urls={peers}",
        f"--initial-cluster=default={peers}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def api_server_command(folder: Path, name: str, ports: Ports, etcd: int) -> list[str]:
    """Return the API server's command line; ``folder`` has its certificates and settings.

    Connections to pods and nodes go through the node agent (``egress.yaml``): pods have addresses
    that EndpointSlices accept, and those do not route here. The advertised address may not be
    loopback either.
    """
    return [
        f"--etcd-servers=http://127.0.0.1:{etcd}",
        f"--etcd-prefix=/{name}",
        "--bind-address=127.0.0.1",
        "--advertise-address=10.0.0.1",
        f"--secure-port={ports.api}",
        f"--tls-cert-file={folder / 'server.crt'}",
        f"--tls-private-key-file={folder / 'server.key'}",
        f"--egress-selector-config-file={folder / 'egress.yaml'}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        f"--service-account-key-file={folder / 'accounts.key'}",
        f"--service-account-signing-key-file={folder / 'accounts.key'}",
        f"--service-account-issuer=https://{name}.test",
        "--service-cluster-ip-range=172.20.0.0/16",
        "--authorization-mode=RBAC",
        "--allow-privileged=true",
        "--profiling=false",
    ]


def controller_command(folder: Path, ports: Ports) -> list[str]:
    """Return the controller manager's command line.

    A node that says nothing is given up after 20 s, not 50, and autoscalers look every second, not
    every 15, so that tests need not wait that long.
    """
    return [
        f"--kubeconfig={folder / 'kubeconfig'}",
        f"--service-account-private-key-file={folder / 'accounts.key'}",
        f"--root-ca-file={folder / 'ca.crt'}",
        f"--controllers={','.join(_CONTROLLERS)}",
        "--node-monitor-period=1s",
        "--node-monitor-grace-period=20s",
        "--horizontal-pod-autoscaler-sync-period=1s",
        *_alone(folder, ports.controllers),
    ]


def scheduler_command(folder: Path, ports: Ports) -> list[str]:
    """Return the scheduler's command line."""
    return [f"--kubeconfig={folder / 'kubeconfig'}", *_alone(folder, ports.scheduler)]


def egress_settings() -> str:
    """Return the settings that send connections to pods and nodes through the node agent.

    The socket is named without its folder, in which both run: paths of sockets are short.
    """
    transport = {"uds": {"udsName": EGRESS_SOCKET}}
    connection = {"proxyProtocol": "HTTPConnect", "transport": transport}
    return json.dumps(
        {
            "apiVersion": "apiserver.k8s.io/v1beta1",
            "kind": "EgressSelectorConfiguration",
            "egressSelections": [{"name": "cluster", "connection": connection}],
        }
    )


def token_file(tokens: Mapping[str, str]) -> str:
    """Return the static token file: the administrator's, and users that RBAC knows nothing of."""
    groups = {ADMIN: "system:masters"}
    lines = [
        f'{token},{user},{user},"{groups.get(user, "testers")}"' for user, token in tokens.items()
    ]
    return "\n".join(lines) + "\n"


def kubeconfig(name: str, server: str, authority: Path, token: str) -> dict[str, Any]:
    """Return a kubeconfig with one context, called as the cluster is."""
    cluster = {"server": server, "certificate-authority": str(authority)}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": f"{name}-{ADMIN}", "user": {"token": token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": f"{name}-{ADMIN}"}}],
        "current-context": name,
    }


def _alone(folder: Path, port: int) -> list[str]:
    return [
        "--leader-elect=false",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        f"--cert-dir={folder / str(port)}",
        "--profiling=false",
    ]
