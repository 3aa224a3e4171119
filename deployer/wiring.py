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
