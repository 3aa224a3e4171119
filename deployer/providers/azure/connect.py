"""Connecting to Azure Blob Storage: the vendor's own settings, nothing of ours."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from deployer.errors import SetupError
from deployer.ports import Clock, ObjectStore, StoreSettings
from deployer.providers.azure.store import BlobStore
from deployer.providers.location import parse_location
from deployer.providers.patience import Lazy, Patience
from deployer.transfer import Limits

if TYPE_CHECKING:
    from azure.storage.blob import ContainerClient

__all__ = ["connect_store"]

_WHOLE = 16 << 20
"""Objects up to this size are read and written in one request."""

_HINT = (
    "Set AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_ACCOUNT (with AZURE_STORAGE_KEY, "
    "AZURE_STORAGE_SAS_TOKEN or `az login`), or the store's endpoint."
)


def connect_store(
    url: str,
    *,
    clock: Clock,
    endpoint: str | None = None,
    patience_seconds: float = 60.0,
    limits: Limits | None = None,
    settings: StoreSettings | None = None,
) -> ObjectStore:
    """Return the store at ``az://container[/prefix]``; no I/O and no SDK before the first call.

    The account is the endpoint's, else the one of AZURE_STORAGE_CONNECTION_STRING, else
    AZURE_STORAGE_ACCOUNT. The credential is AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN, the
    connection string's, else the default chain (workload identity, `az login`).

    Args:
        url: Container and prefix.
        clock: What waits between attempts are measured and made with.
        endpoint: The account's URL, where it is not ``https://ACCOUNT.blob.core.windows.net``.
        patience_seconds: What one call may take, its retries included.
        limits: How much at a time; the defaults where left out.
        settings: What the bucket asks for.

    Raises:
        SetupError: The URL is none of Blob Storage.
    """
    location = parse_location(url, scheme="az")
    patience = Patience(patience_seconds)
    limits = limits or Limits()
    client = Lazy(lambda: _make_client(location.bucket, endpoint, patience, limits))
    return BlobStore(
        location,
        client,
        clock=clock,
        patience=patience,
        limits=limits,
        settings=settings or StoreSettings(),
    )


def _make_client(
    container: str, endpoint: str | None, patience: Patience, limits: Limits
) -> "ContainerClient":
    try:
        from azure.storage.blob import BlobServiceClient
    except ImportError as error:
        raise SetupError(
            "Blob Storage needs Azure's SDK, which is not installed",
            hint="pip install 'deployer[azure]'",
        ) from error
    account = _find_account(endpoint)
    largest = max(limits.part_bytes, limits.range_bytes, _WHOLE)
    try:
        service = BlobServiceClient(
            account.url,
            credential=account.credential,
            retry_total=0,
            connection_timeout=patience.connect_seconds,
            read_timeout=patience.attempt_seconds,
            max_single_put_size=largest,
            max_single_get_size=largest,
            max_chunk_get_size=largest,
        )
    except ValueError as error:
        raise SetupError(f"cannot connect to {account.url}: {error}", hint=_HINT) from error
    return service.get_container_client(container)


@dataclass(frozen=True, slots=True)
class _Account:
    url: str
    credential: Any


def _find_account(endpoint: str | None) -> _Account:
    settings = _connection_settings(os.environ.get("AZURE_STORAGE_CONNECTION_STRING", ""))
    url = endpoint or settings.get("blobendpoint") or _account_url(settings)
    name = settings.get("accountname") or os.environ.get("AZURE_STORAGE_ACCOUNT")
    return _Account(url, _find_credential(url, name or _account_name(url), settings))


def _connection_settings(text: str) -> dict[str, str]:
    """Read ``Name=value;…``, names in lower case; values may hold ``=``."""
    pairs = (part.partition("=") for part in text.split(";") if part)
    return {name.strip().lower(): value for name, _, value in pairs}


def _account_url(settings: dict[str, str]) -> str:
    name = settings.get("accountname") or os.environ.get("AZURE_STORAGE_ACCOUNT")
    if not name:
        raise SetupError("no Azure storage account is named", hint=_HINT)
    protocol = settings.get("defaultendpointsprotocol", "https")
    return f"{protocol}://{name}.blob.{settings.get('endpointsuffix', 'core.windows.net')}"


def _account_name(url: str) -> str:
    """Return the account a URL is of: the path's first part, else the host's."""
    parts = urlsplit(url)
    return parts.path.strip("/").partition("/")[0] or (parts.hostname or "").partition(".")[0]


def _find_credential(url: str, name: str, settings: dict[str, str]) -> Any:
    key = os.environ.get("AZURE_STORAGE_KEY") or settings.get("accountkey")
    if key:
        return {"account_name": name, "account_key": key}
    token = os.environ.get("AZURE_STORAGE_SAS_TOKEN") or settings.get("sharedaccesssignature")
    if token:
        return token.removeprefix("?")
    if url.startswith("http://"):
        raise SetupError(f"{url} takes no login without TLS, and no key is set", hint=_HINT)
    return _default_credential()


def _default_credential() -> Any:
    try:
        from azure.identity import DefaultAzureCredential
    except ImportError as error:
        raise SetupError(
            "logging in to Azure needs azure-identity, which is not installed",
            hint="pip install 'deployer[azure]'",
        ) from error
    return DefaultAzureCredential()
