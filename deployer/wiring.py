"""The only place that names adapters; imports them on demand."""

from pathlib import Path

from deployer.errors import SetupError
from deployer.ports import Cluster
from deployer.spec.model import ClusterSpec

__all__ = ["open_cluster"]


def open_cluster(spec: ClusterSpec, *, namespace: str, base: Path) -> Cluster:
    """Return the cluster that ``spec`` names. Does no I/O.

    Args:
        base: The folder that relative paths in the spec are relative to.

    Raises:
        SetupError: The spec names no cluster, or one of a kind that cannot be found by name yet.
    """
    from deployer.providers.local.clock import SystemClock

    clock = SystemClock()
    if spec.local is not None:
        from deployer.providers.http.probe import HttpProbe
        from deployer.providers.local.cluster import LocalCluster

        return LocalCluster(_resolve(base, spec.local), namespace, probe=HttpProbe(clock))

    from deployer.providers.kube.connect import IN_CLUSTER, connect_cluster, refuse_managed

    if spec.context is not None or spec.kubeconfig is not None:
        path = spec.kubeconfig
        if path is not None and path != IN_CLUSTER:
            path = str(_resolve(base, path))
        return connect_cluster(
            namespace=namespace, clock=clock, context=spec.context, kubeconfig=path
        )
    for kind in ("eks", "gke", "aks"):
        if name := getattr(spec, kind):
            raise refuse_managed(kind, name)
    raise SetupError("the target names no cluster", hint="Write `cluster: {context: …}`.")


def _resolve(base: Path, path: str) -> Path:
    return base / Path(path).expanduser()
