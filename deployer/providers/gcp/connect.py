"""Connecting to Google Cloud Storage: the vendor's own settings, nothing of ours."""

from typing import TYPE_CHECKING

from deployer.errors import SetupError
from deployer.ports import Clock, ObjectStore, StoreSettings
from deployer.providers.gcp.errors import translated
from deployer.providers.gcp.lane import PAYER
from deployer.providers.gcp.store import GcsStore
from deployer.providers.location import parse_location
from deployer.providers.patience import Lazy, Patience
from deployer.transfer import Limits

if TYPE_CHECKING:
    from google.cloud.storage import Client

__all__ = ["connect_store"]

_CONNECTIONS = 16


def connect_store(
    url: str,
    *,
    clock: Clock,
    endpoint: str | None = None,
    patience_seconds: float = 60.0,
    limits: Limits | None = None,
    settings: StoreSettings | None = None,
) -> ObjectStore:
    """Return the store at ``gs://bucket[/prefix]``; no I/O and no SDK before the first call.

    Credentials are the application default ones; a plain ``http://`` endpoint gets none, so that no
    token ever travels in the clear.

    Args:
        url: Bucket and prefix.
        clock: What waits between attempts are measured and made with.
        endpoint: Another server than Google's; STORAGE_EMULATOR_HOST counts when left out.
        patience_seconds: What one call may take, its retries included.
        limits: How much at a time; the defaults where left out.
        settings: What the bucket asks for.

    Raises:
        SetupError: The URL is none of Cloud Storage.
    """
    patience = Patience(patience_seconds)
    asked = settings or StoreSettings()
    client = Lazy(lambda: _make_client(endpoint, asked))
    return GcsStore(
        parse_location(url, scheme="gs"),
        client,
        clock=clock,
        patience=patience,
        limits=limits or Limits(),
        settings=asked,
    )


def _make_client(endpoint: str | None, settings: StoreSettings) -> "Client":
    try:
        from google.cloud.storage import Client
        from requests.adapters import HTTPAdapter
    except ImportError as error:
        raise SetupError(
            "Cloud Storage needs Google's SDK, which is not installed",
            hint="pip install 'deployer[gcp]'",
        ) from error
    with translated("connect to", "gs"):
        try:
            client = Client(
                project=None,
                client_options={"api_endpoint": endpoint} if endpoint else None,
                use_auth_w_custom_endpoint=not (endpoint or "").startswith("http://"),
            )
        except ValueError as error:
            raise SetupError(f"cannot connect to Cloud Storage: {error}") from error
    for scheme in ("http://", "https://"):
        client._http.mount(scheme, HTTPAdapter(pool_maxsize=_CONNECTIONS))  # noqa: SLF001 - the library has no setting for its pool
    if settings.payer:
        client._http.headers[PAYER] = settings.payer  # noqa: SLF001 - the session that all requests go through
    return client
