"""From what names a cluster to the cluster."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from deployer.errors import SetupError
from deployer.ports import Clock
from deployer.providers.connection import Connection
from deployer.providers.kube.cluster import KubeCluster
from deployer.providers.kube.errors import translate_errors
from deployer.providers.kube.settings import read_connection, read_kubeconfig, read_pod

if TYPE_CHECKING:
    from kubernetes.client import ApiClient, Configuration

__all__ = ["IN_CLUSTER", "connect_cluster", "connect_found"]

IN_CLUSTER = "in-cluster"
"""Instead of a kubeconfig's path: use the ServiceAccount of the pod that we run in."""


def connect_cluster(
    *,
    namespace: str,
    clock: Clock,
    context: str | None = None,
    kubeconfig: str | None = None,
    insecure: bool = False,
) -> KubeCluster:
    """Return the cluster of a context, or of a kubeconfig's current context. Does no I/O.

    Args:
        kubeconfig: A path, or `IN_CLUSTER`. Without one, ``$KUBECONFIG`` or ``~/.kube/config``.
        insecure: Take a kubeconfig that does not verify the server.
    """
    name = context or (Path(kubeconfig).name if kubeconfig else "kubeconfig")

    def read() -> "Configuration":
        if kubeconfig == IN_CLUSTER:
            return read_pod()
        return read_kubeconfig(kubeconfig, context, clock, insecure=insecure)

    return _cluster(read, name=name, namespace=namespace, clock=clock)


def connect_found(
    find: Callable[[], Connection], *, name: str, namespace: str, clock: Clock
) -> KubeCluster:
    """Return the cluster that ``find`` asks its cloud for, at the first call."""
    return _cluster(
        lambda: read_connection(find(), clock), name=name, namespace=namespace, clock=clock
    )


def _cluster(
    read: "Callable[[], Configuration]", *, name: str, namespace: str, clock: Clock
) -> KubeCluster:
    def connect() -> "ApiClient":
        return _make_client(read, name)

    return KubeCluster(connect, name=name, namespace=namespace, clock=clock)


def _make_client(read: "Callable[[], Configuration]", name: str) -> "ApiClient":
    try:
        from kubernetes import client
    except ImportError as error:
        raise SetupError(
            "the Kubernetes client is not installed", hint="pip install 'deployer[kube]'"
        ) from error
    with translate_errors("connect", name):
        settings = read()
        settings.retries = False  # what is tried again, and when, is decided above the adapters
        settings.keep_alive = True  # a watch is silent for long
        return client.ApiClient(settings)
