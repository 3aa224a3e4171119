"""The only place that names adapters; imports them on demand."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from deployer.errors import SetupError
from deployer.ports import Cluster, ObjectStore
from deployer.spec.model import ClusterSpec

__all__ = ["open_cluster", "open_store"]

_STORES = {
    "s3": "deployer.providers.aws.connect",
    "gs": "deployer.providers.gcp.connect",
    "az": "deployer.providers.azure.connect",
}


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


def open_store(
    url: str, *, endpoint: str | None = None, patience_seconds: float = 60.0
) -> ObjectStore:
    """Return the store at ``s3://…``, ``gs://…``, ``az://…`` or ``file:///…``; no I/O yet.

    Args:
        url: Bucket (container, directory) and prefix.
        endpoint: Another server than the cloud's own.
        patience_seconds: What one call may take, its retries included.

    Raises:
        SetupError: The URL is none of these.
    """
    scheme = url.partition("://")[0]
    if scheme == "file":
        return _connector("deployer.providers.local.directory")(url)
    if scheme not in _STORES:
        raise SetupError(
            f"{url!r} is not the address of a store",
            hint="Write s3://BUCKET, gs://BUCKET, az://CONTAINER or file:///PATH.",
        )
    from deployer.providers.local.clock import SystemClock

    return _connector(_STORES[scheme])(
        url, clock=SystemClock(), endpoint=endpoint, patience_seconds=patience_seconds
    )


def _resolve(base: Path, path: str) -> Path:
    return base / Path(path).expanduser()


def _connector(module: str) -> Callable[..., ObjectStore]:
    connect: Callable[..., ObjectStore] = import_module(module).connect_store
    return connect
