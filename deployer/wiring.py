"""The only place that names adapters; imports them on demand."""

from collections.abc import Callable
from importlib import import_module

from deployer.errors import SetupError
from deployer.ports import ObjectStore

__all__ = ["open_store"]

_STORES = {
    "s3": "deployer.providers.aws.connect",
    "gs": "deployer.providers.gcp.connect",
    "az": "deployer.providers.azure.connect",
}


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


def _connector(module: str) -> Callable[..., ObjectStore]:
    connect: Callable[..., ObjectStore] = import_module(module).connect_store
    return connect


def open_session(file: Path) -> Session:
    """Load the spec and put together what its commands work with; touches no network.

    Raises:
        SpecError: The spec, or a file it names, is wrong.
        SetupError: An address in it cannot be opened.
    """
    spec = load_spec(file)
    clock = SystemClock()
    return Session(
        spec=spec,
        providers={target.name: _open_provider(spec, target) for target in spec.targets},
        state=StateStore(spec.name, _open_state_stores(spec), clock),
        probe=open_probe(),
        clock=clock,
        smoke=SmokeRecord(
            requests=load_requests(spec),
            agree=spec.gates.smoke.agree,
            timeout_seconds=spec.gates.smoke.timeout,
        ),
        tool=f"deployer {__version__}",
    )


def open_routes(spec: Spec) -> Callable[[], Routes | None]:
    """Return the function that reads what routers follow, by majority of the state stores."""
    return StateStore(spec.name, _open_state_stores(spec), SystemClock()).read_routes


def read_plan(file: Path) -> Plan:
    """Read a plan that ``deployer plan --save`` wrote.

    Raises:
        SourceError: There is no such file.
        StateError: It is damaged, or a newer version wrote it.
    """
    try:
        body = file.read_bytes()
    except OSError as error:
        raise SourceError(f"{file}: the plan cannot be read: {error.strerror}") from error
    return decode_record(Plan, body, where=str(file))


def _open_provider(spec: Spec, target: TargetSpec) -> Provider:
    return Provider(
        cloud=target.provider,
        store=open_store(target.store.url, endpoint=target.store.endpoint),
        cluster=open_cluster(target.cluster, namespace=target.namespace, base=spec.folder),
        prices=open_prices(),
    )


def _open_state_stores(spec: Spec) -> list[ObjectStore]:
    """The targets' own stores and those for state alone, each address once, with little patience."""
    wanted = [*(target.store for target in spec.targets), *spec.state.stores]
    unique = {(store.url, store.endpoint): store for store in wanted}
    return [
        open_store(store.url, endpoint=store.endpoint, patience_seconds=_STATE_PATIENCE_SECONDS)
        for store in unique.values()
    ]
