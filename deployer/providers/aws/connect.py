"""Connecting to S3: the vendor's own settings, nothing of ours."""

import os
from typing import TYPE_CHECKING, Literal

from deployer.errors import SetupError
from deployer.ports import Clock, ObjectStore, StoreSettings
from deployer.providers.aws.errors import translated
from deployer.providers.aws.session import open_session
from deployer.providers.aws.settings import register_settings
from deployer.providers.aws.store import S3Store
from deployer.providers.location import parse_location
from deployer.providers.patience import Lazy, Patience
from deployer.transfer import Limits

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

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
    """Return the store at ``s3://bucket[/prefix]``; no I/O and no SDK before the first call.

    Credentials come from the SDK's default chain. The region is AWS_REGION, AWS_DEFAULT_REGION or
    the profile's, else us-east-1.

    Args:
        url: Bucket and prefix.
        clock: What waits between attempts are measured and made with.
        endpoint: Another server than Amazon's; AWS_ENDPOINT_URL counts when left out.
        patience_seconds: What one call may take, its retries included.
        limits: How much at a time; the defaults where left out.
        settings: What the bucket asks for.

    Raises:
        SetupError: The URL is none of S3.
    """
    patience = Patience(patience_seconds)
    asked = settings or StoreSettings()
    client = Lazy(lambda: _make_client(endpoint, patience, asked))
    return S3Store(
        parse_location(url, scheme="s3"),
        client,
        clock=clock,
        patience=patience,
        limits=limits or Limits(),
        settings=asked,
    )


def _make_client(endpoint: str | None, patience: Patience, settings: StoreSettings) -> "S3Client":
    try:
        from botocore.config import Config

        with translated("connect to", "s3"):
            session = open_session()
    except ImportError as error:
        raise SetupError(
            "S3 needs the AWS SDK, which is not installed", hint="pip install 'deployer[aws]'"
        ) from error
    custom = endpoint or _endpoint_setting()
    checked: Literal["when_required", "when_supported"]
    checked = "when_required" if settings.compat else "when_supported"
    by_path = bool(custom) or settings.compat
    config = Config(
        request_checksum_calculation=checked,
        response_checksum_validation=checked,
        retries={"mode": "standard", "total_max_attempts": 1},
        connect_timeout=patience.connect_seconds,
        read_timeout=patience.attempt_seconds,
        max_pool_connections=_CONNECTIONS,
        tcp_keepalive=True,
        s3={
            "addressing_style": "path" if by_path else "auto",
            "payload_signing_enabled": False,
        },
    )
    with translated("connect to", "s3"):
        region = os.environ.get("AWS_REGION") or session.region_name or "us-east-1"
        try:
            client = session.client("s3", region_name=region, endpoint_url=custom, config=config)
        except ValueError as error:
            raise SetupError(f"cannot connect to S3: {error}") from error
    register_settings(client, settings)
    return client


def _endpoint_setting() -> str | None:
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or None
