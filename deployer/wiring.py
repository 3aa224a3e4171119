"""The only place that names adapters; imports them, and all else that is slow, on demand."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from deployer.errors import NotFoundError, SetupError, SourceError, StateError
from deployer.ports import Cluster, ObjectStore, Prices, Probe, Provider, StoreSettings

if TYPE_CHECKING:
    from deployer.artifact import Place
    from deployer.execution import Session
    from deployer.plan import Plan
    from deployer.providers.connection import Connection, Token
    from deployer.release.records import Routes
    from deployer.release.state import StateStore
    from deployer.spec import Spec
    from deployer.spec.model import ClusterSpec, StoreSpec, TargetSpec
    from deployer.upkeep import Upkeep

__all__ = [
    "find_cluster",
    "make_token",
    "open_cluster",
    "open_orphan",
    "open_probe",
    "open_routes",
    "open_session",
    "open_store",
    "open_upkeep",
    "read_plan",
]

_STATE_PATIENCE_SECONDS = 5.0
_STORES = {
    "s3": "deployer.providers.aws.connect",
    "gs": "deployer.providers.gcp.connect",
    "az": "deployer.providers.azure.connect",
}


_UPLOADS = {
    "s3": "deployer.providers.aws.incomplete",
    "gs": "deployer.providers.gcp.incomplete",
    "az": "deployer.providers.azure.incomplete",
}


def open_store(
    url: str,
    *,
    endpoint: str | None = None,
    patience_seconds: float = 60.0,
    settings: StoreSettings | None = None,
) -> ObjectStore:
    """Return the store at ``s3://…``, ``gs://…``, ``az://…`` or ``file:///…``; no I/O yet.

    Args:
        url: Bucket (container, directory) and prefix.
        endpoint: Another server than the cloud's own.
        patience_seconds: What one call may take, its retries included.
        settings: What the bucket asks for; a folder asks for nothing.

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
        url,
        clock=SystemClock(),
        endpoint=endpoint,
        patience_seconds=patience_seconds,
        settings=settings,
    )


def open_cluster(spec: "ClusterSpec", *, namespace: str, base: Path, region: str = "") -> Cluster:
    """Return the cluster that ``spec`` names. Does no I/O.

    Args:
        base: The folder that relative paths in the spec are relative to.
        region: Where a cluster is looked for by its name.

    Raises:
        SetupError: The spec names no cluster.
    """
    from deployer.providers.local.clock import SystemClock

    clock = SystemClock()
    if spec.local is not None:
        from deployer.providers.local.cluster import LocalCluster

        return LocalCluster(_resolve(base, spec.local), namespace, probe=open_probe())

    from deployer.providers.kube.connect import IN_CLUSTER, connect_cluster, connect_found

    if managed := spec.managed:
        find = partial(find_cluster, spec, region)
        return connect_found(find, name=managed, namespace=namespace, clock=clock)
    if spec.context is None and spec.kubeconfig is None:
        raise SetupError("the target names no cluster", hint="Write `cluster: {context: …}`.")
    path = spec.kubeconfig
    if path is not None and path != IN_CLUSTER:
        path = str(_resolve(base, path))
    return connect_cluster(
        namespace=namespace,
        clock=clock,
        context=spec.context,
        kubeconfig=path,
        insecure=spec.insecure,
    )


def find_cluster(spec: "ClusterSpec", region: str) -> "Connection":
    """Ask the cloud for the EKS, GKE or AKS cluster that ``spec`` names.

    Raises:
        SetupError: ``spec`` names none by its cloud, or nobody is logged in.
        NotFoundError, AccessDeniedError, TransientError: As the cloud says.
    """
    if spec.eks is not None:
        from deployer.providers.aws.cluster import find_cluster as find_eks
        from deployer.providers.local.clock import SystemClock

        return find_eks(spec.eks, region=region, role=spec.role, clock=SystemClock())
    if spec.gke is not None:
        from deployer.providers.gcp.cluster import find_cluster as find_gke

        return find_gke(spec.gke, location=spec.location or region, project=spec.project)
    if spec.aks is not None:
        from deployer.providers.azure.cluster import find_cluster as find_aks

        group = spec.resource_group or ""
        return find_aks(spec.aks, group=group, subscription=spec.subscription)
    raise SetupError("this cluster is not named by its cloud: a kubeconfig leads to it already")


def make_token(spec: "ClusterSpec", region: str) -> "Token":
    """Return a token for the EKS, GKE or AKS cluster that ``spec`` names.

    EKS and GKE are not asked where the cluster is; AKS is, since the kind of its users decides.
    """
    if spec.eks is not None:
        from deployer.providers.aws.token import make_tokens, open_aws
        from deployer.providers.local.clock import SystemClock

        session = open_aws(region, spec.role)
        place = region or session.region_name or "us-east-1"
        return make_tokens(spec.eks, session=lambda: session, region=place, clock=SystemClock())()
    if spec.gke is not None:
        from deployer.providers.gcp.token import fetch_token

        return fetch_token()
    return find_cluster(spec, region).tokens()


def open_probe() -> Probe:
    """Return what sends health checks."""
    from deployer.providers.http.probe import HttpProbe
    from deployer.providers.local.clock import SystemClock

    return HttpProbe(SystemClock())


def open_session(file: Path) -> "Session":
    """Load the spec and put together what its commands work with; touches no network.

    Raises:
        SpecError: The spec, or a file it names, is wrong.
        SetupError: An address in it cannot be opened.
    """
    from deployer import __version__
    from deployer.execution import Session
    from deployer.pricing import open_prices
    from deployer.providers.local.clock import SystemClock
    from deployer.spec import load_spec

    spec = load_spec(file)
    clock, prices = SystemClock(), open_prices(spec.locate(spec.prices) if spec.prices else None)
    return Session(
        spec=spec,
        providers={target.name: _open_provider(spec, target, prices) for target in spec.targets},
        state=_open_state(spec),
        probe=open_probe(),
        clock=clock,
        tool=f"deployer {__version__}",
    )


def open_orphan(session: "Session", name: str) -> "Session":
    """Return the session with target ``name`` too, as the newest release that ran there has it.

    For a target that the spec no longer has; relative paths are relative to the spec's folder.

    Raises:
        SourceError: No release has ever had such a target.
    """
    from deployer.providers.book import load_book
    from deployer.spec.model import TargetSpec

    for number in sorted(session.state.list_releases(), reverse=True):
        config = session.state.read_release(number).config
        for target in config.get("targets", ()) if isinstance(config, dict) else ():
            if target.get("name") == name:
                found = TargetSpec.model_validate(target)
                provider = _open_provider(session.spec, found, load_book())
                return replace(session, providers={**session.providers, name: provider})
    raise SourceError(
        f"{session.spec.name} has no target {name}, and no recorded release ran on one",
        hint="deployer status shows the targets there are.",
    )


def open_routes(spec: "Spec") -> "Callable[[], Routes]":
    """Return the function that reads what routers follow, by majority of the state stores.

    It raises `NotFoundError` until something has been deployed, `StateError` without a majority.
    """
    state = _open_state(spec)

    def read() -> "Routes":
        routes = state.read_routes()
        if routes is None:
            raise NotFoundError(
                f"{spec.name} has no routes yet: nothing was ever deployed",
                operation="read routes",
                resource="routes.json",
            )
        return routes

    return read


def open_upkeep(file: Path) -> "Upkeep":
    """Load the spec and open its stores for looking after what lies in them; no network yet.

    Raises:
        SpecError: The spec is wrong.
        SetupError: An address in it cannot be opened.
    """
    from deployer.providers.local.clock import SystemClock
    from deployer.spec import load_spec
    from deployer.upkeep import Upkeep

    spec = load_spec(file)
    stores = {target.store.url: target.store for target in spec.targets}
    return Upkeep(
        places={url: _open_place(store) for url, store in stores.items()},
        state_stores=_open_state_stores(spec),
        state=_open_state(spec),
        lease_seconds=spec.state.lease,
        clock=SystemClock(),
    )


def read_plan(file: Path) -> "Plan":
    """Read a plan that ``deployer plan --save`` wrote.

    Raises:
        SourceError: There is no such file, it is no plan, or a newer version wrote it.
    """
    from deployer.plan import Plan
    from deployer.release.records import decode_record

    try:
        return decode_record(Plan, file.read_bytes(), where=str(file))
    except OSError as error:
        raise SourceError(f"{file}: the plan cannot be read: {error.strerror}") from error
    except StateError as error:
        hint = "Make a new one: deployer plan --save FILE"
        raise SourceError(error.message, hint=hint) from error


def _open_provider(spec: "Spec", target: "TargetSpec", prices: Prices) -> Provider:
    return Provider(
        cloud=target.provider,
        store=_open(target.store),
        cluster=open_cluster(
            target.cluster,
            namespace=target.namespace,
            base=spec.folder,
            region=target.region,
        ),
        prices=prices,
    )


def _open_place(store: "StoreSpec") -> "Place":
    from deployer.artifact import Place
    from deployer.providers.local.clock import SystemClock

    opened = _open(store)
    module = _UPLOADS.get(store.url.partition("://")[0])
    if module is None:
        return Place(opened, None)
    connect = import_module(module).connect_uploads
    uploads = connect(
        store.url, clock=SystemClock(), endpoint=store.endpoint, settings=store.settings
    )
    return Place(opened, uploads)


def _open_state(spec: "Spec") -> "StateStore":
    from deployer.providers.local.clock import SystemClock
    from deployer.release.state import StateStore

    return StateStore(spec.name, _open_state_stores(spec), SystemClock())


def _open_state_stores(spec: "Spec") -> list[ObjectStore]:
    """Open the targets' own stores and those for state alone, each once, with little patience."""
    wanted = [*(target.store for target in spec.targets), *spec.state.stores]
    unique = {(store.url, store.endpoint): store for store in wanted}
    return [_open(store, _STATE_PATIENCE_SECONDS) for store in unique.values()]


def _open(store: "StoreSpec", patience_seconds: float = 60.0) -> ObjectStore:
    return open_store(
        store.url,
        endpoint=store.endpoint,
        patience_seconds=patience_seconds,
        settings=store.settings,
    )


def _connector(module: str) -> Callable[..., ObjectStore]:
    connect: Callable[..., ObjectStore] = import_module(module).connect_store
    return connect


def _resolve(base: Path, path: str) -> Path:
    return base / Path(path).expanduser()
