"""A short way to S3: the SDK's credentials, none of its layers.

A call through the SDK costs two milliseconds of CPU, most of it in describing, serializing and
parsing; a model of ten thousand files feels that. Here a request is put together and signed by
hand, with the SDK's own credentials, and sent over a `Wire`. Whatever does not succeed at once is
left to the ordinary way, which knows what to do.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from deployer.checksums import Buffer
from deployer.ports import Clock, StoreSettings
from deployer.providers.aws.settings import creating_headers, key_headers, standing_headers
from deployer.providers.aws.signature import Keys, sign_request
from deployer.providers.customer_key import read_customer_key
from deployer.providers.patience import Patience
from deployer.providers.wire import Answer, Wire

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

__all__ = ["FastLane"]

_OTHER_SIGNATURES = ("--x-s3", "--xa-s3", "arn:")
"""Directory buckets and access points are signed in other ways (S3 User Guide)."""


class FastLane:
    """Puts and ranged gets on one bucket. Safe to use from many threads."""

    def __init__(
        self,
        client: "S3Client",
        bucket: str,
        *,
        clock: Clock,
        patience: Patience,
        settings: StoreSettings,
    ) -> None:
        key = read_customer_key(settings.customer_key, client.meta.endpoint_url)
        self._standing = standing_headers(settings) | key_headers(key)
        self._creating = self._standing | creating_headers(settings)
        self.client: Any = client
        self._clock = clock
        base = _find_base(client, bucket)
        parts = urlsplit(base)
        self._host, self._path = parts.netloc, parts.path
        self._wire = _open_wire(self.client, base, patience) if base else None

    def put(
        self, name: str, body: Buffer, headers: Mapping[str, str], *, part: Mapping[str, str]
    ) -> Answer | None:
        """Write an object by its full key, or a part of an upload (``part`` is the query then).

        None when it did not succeed, for whatever reason.
        """
        sent = {**headers, **(self._standing if part else self._creating)}
        return self._send("PUT", name, part, body, sent, wanted=200)

    def get_range(self, name: str, headers: Mapping[str, str], *, most: int) -> Answer | None:
        """Read a part of an object; None as for `put`."""
        sent = {**headers, **self._standing}
        return self._send("GET", name, {}, b"", sent, wanted=206, most=most)

    def _send(
        self,
        method: str,
        name: str,
        query: Mapping[str, str],
        body: Buffer,
        headers: Mapping[str, str],
        *,
        wanted: int,
        most: int = 1 << 20,
    ) -> Answer | None:
        if self._wire is None or (keys := self._find_keys()) is None:
            return None
        target = self._path + quote(name, safe="/~")
        if query:
            target += "?" + urlencode(sorted(query.items()), quote_via=quote)
        region = self.client.meta.region_name
        signed = sign_request(
            method, self._host, target, headers, keys=keys, region=region, now=self._clock.now()
        )
        answer = self._wire.ask(method, target, signed, (body,) if body else (), most=most)
        return answer if answer is not None and answer.status == wanted else None

    def _find_keys(self) -> Keys | None:
        """Return the SDK's credentials, renewed when they end soon; None when there are none."""
        from botocore.exceptions import BotoCoreError

        credentials = self.client._request_signer._credentials  # noqa: SLF001 - the SDK has no public way to it
        try:
            found = credentials.get_frozen_credentials() if credentials else None
        except BotoCoreError:
            return None
        return Keys(found.access_key, found.secret_key, found.token) if found else None


def _find_base(client: "S3Client", bucket: str) -> str:
    """Return the URL that the SDK gives the bucket, up to the key; empty where it signs otherwise.

    Asks nobody: it is cut off a URL that is signed for a key that need not exist.
    """
    if any(word in bucket for word in _OTHER_SIGNATURES):
        return ""
    signed = client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
    return signed.partition("?")[0].removesuffix("k")


def _open_wire(client: Any, base: str, patience: Patience) -> Wire | None:
    """Return a wire that trusts what the SDK trusts; None where it would go through a proxy."""
    from botocore.httpsession import get_cert_path

    session = client._endpoint.http_session  # noqa: SLF001 - where the SDK keeps both settings
    trusted = get_cert_path(session._verify)  # noqa: SLF001 - the same
    if session._proxy_config.proxy_url_for(base) or not trusted:  # noqa: SLF001 - the same
        return None
    return Wire(base, patience=patience, authority=trusted)
