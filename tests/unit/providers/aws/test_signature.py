from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import ReadOnlyCredentials

from deployer.providers.aws.signature import Keys, sign_request

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


class FixedDate(S3SigV4Auth):
    """The SDK's signer, at a time of ours."""

    def _modify_request_before_signing(self, request: Any) -> None:
        request.context["timestamp"] = f"{NOW:%Y%m%dT%H%M%SZ}"
        super()._modify_request_before_signing(request)  # type: ignore[misc]


@pytest.mark.parametrize("token", [None, "a/token=="])
@pytest.mark.parametrize(
    ("key", "query"),
    [("model/weights.bin", ""), ("a b/ü+%41~.bin", ""), ("k", "partNumber=7&uploadId=a.b_c%2F%2B")],
)
def test_it_signs_as_the_sdk_does(key: str, query: str, token: str | None) -> None:
    target = "/bucket/" + quote(key, safe="/~") + (f"?{query}" if query else "")
    headers = {"x-amz-meta-sha256": "ab  cd", "If-None-Match": "*", "Range": "bytes=0-9"}
    request: Any = AWSRequest("PUT", "https://s3.test" + target, headers=dict(headers))
    request.context["client_config"] = Config(s3={"payload_signing_enabled": False})
    FixedDate(ReadOnlyCredentials("me", "hush", token), "s3", "eu-west-1").add_auth(request)
    keys = Keys("me", "hush", token)
    ours = sign_request("PUT", "s3.test", target, headers, keys=keys, region="eu-west-1", now=NOW)
    assert ours["Authorization"] == request.headers["Authorization"]
    assert "hush" not in repr(keys)
