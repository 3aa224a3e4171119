"""A short way to S3 for small objects: the SDK's signer and its connections, none of its layers.

A call through the SDK costs two milliseconds of CPU, most of it in describing, serializing and
parsing; a model of ten thousand files feels that. Here a request is put together by hand, signed by
the SDK's own signer with its own credentials, and sent over its own pool, proxies and certificates
included. Whatever does not succeed at once is left to the ordinary way, which knows what to do.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

__all__ = ["FastLane", "LaneAnswer"]

_OTHER_SIGNATURES = ("--x-s3", "--xa-s3", "arn:")
"""Directory buckets and access points are signed in other ways (S3 User Guide)."""

LaneAnswer = tuple[bytes, Mapping[str, str]]
"""The body and the headers of an answer."""


class FastLane:
    """Puts and ranged gets on one bucket. Safe to use from many threads."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self.client: Any = client
        self._base = _find_base(client, bucket)

    def put(self, name: str, body: bytes, headers: Mapping[str, str]) -> LaneAnswer | None:
        """Write an object by its full key; None when it did not succeed, for whatever reason."""
        return self._send("PUT", name, body, headers, 200)

    def get_range(self, name: str, headers: Mapping[str, str]) -> LaneAnswer | None:
        """Read a part of an object; None as for `put`."""
        return self._send("GET", name, b"", headers, 206)

    def _send(
        self, method: str, name: str, body: bytes, headers: Mapping[str, str], wanted: int
    ) -> LaneAnswer | None:
        from botocore.auth import S3SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.exceptions import BotoCoreError

        credentials = self.client._request_signer._credentials  # noqa: SLF001 - the SDK has no public way to it
        if not self._base or credentials is None:
            return None
        url = self._base + quote(name, safe="/~")
        request: Any = AWSRequest(method=method, url=url, data=body, headers=dict(headers))
        request.context["client_config"] = self.client.meta.config
        try:
            frozen = credentials.get_frozen_credentials()
            S3SigV4Auth(frozen, "s3", self.client.meta.region_name).add_auth(request)
            answer = self.client._endpoint.http_session.send(request.prepare())  # noqa: SLF001 - the same
            content = answer.content
        except BotoCoreError:
            return None
        return (content, answer.headers) if answer.status_code == wanted else None


def _find_base(client: "S3Client", bucket: str) -> str:
    """Return the URL that the SDK gives the bucket, up to the key; empty where it signs otherwise.

    Asks nobody: it is cut off a URL that is signed for a key that need not exist.
    """
    if any(word in bucket for word in _OTHER_SIGNATURES):
        return ""
    signed = client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
    return signed.partition("?")[0].removesuffix("k")
