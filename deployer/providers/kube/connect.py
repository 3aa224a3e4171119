"""From a kubeconfig to a cluster."""

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from deployer.errors import SetupError
from deployer.ports import Clock
from deployer.providers.kube.cluster import KubeCluster
from deployer.providers.kube.errors import translate_errors

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

__all__ = ["IN_CLUSTER", "connect_cluster", "refuse_managed"]

IN_CLUSTER = "in-cluster"
"""Instead of a kubeconfig's path: use the ServiceAccount of the pod that we run in."""

_LOGINS = {
    "eks": "aws eks update-kubeconfig --name {name}",
    "gke": "gcloud container clusters get-credentials {name}",
    "aks": "az aks get-credentials --resource-group GROUP --name {name}",
}


def connect_cluster(
    *, namespace: str, clock: Clock, context: str | None = None, kubeconfig: str | None = None
) -> KubeCluster:
    """Return the cluster of a context, or of a kubeconfig's current context. Does no I/O.

    Args:
        kubeconfig: A path, or `IN_CLUSTER`. Without one, ``$KUBECONFIG`` or ``~/.kube/config``.
    """
    name = context or (Path(kubeconfig).name if kubeconfig else "kubeconfig")
    connect = partial(_connect, context, kubeconfig)
    return KubeCluster(connect, name=name, namespace=namespace, clock=clock)


def refuse_managed(kind: str, name: str) -> SetupError:
    """Return the error for a cluster named by its cloud's name: not implemented yet."""
    return SetupError(
        f"not implemented yet: finding the {kind.upper()} cluster {name!r} by its name",
        hint=f"Run `{_LOGINS[kind].format(name=name)}` and write `cluster: {{context: …}}` with "
        "the context's name (`kubectl config get-contexts`).",
    )


def _connect(context: str | None, kubeconfig: str | None) -> "ApiClient":
    try:
        from kubernetes import client, config
    except ImportError as error:
        raise SetupError(
            "the Kubernetes client is not installed", hint="pip install 'deployer[kube]'"
        ) from error
    settings = client.Configuration()
    with translate_errors("connect", context or kubeconfig or "kubeconfig"):
        if kubeconfig == IN_CLUSTER:
            config.load_incluster_config(client_configuration=settings)  # type: ignore[no-untyped-call]
        else:
            path = str(Path(kubeconfig).expanduser()) if kubeconfig else os.getenv("KUBECONFIG")
            config.load_kube_config(  # type: ignore[no-untyped-call]
                config_file=path or None, context=context, client_configuration=settings
            )
    settings.retries = False  # what is tried again, and when, is decided above the adapters
    return client.ApiClient(settings)
