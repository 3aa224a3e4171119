from typing import Any

import pytest
from azure.core.pipeline import PipelineContext, PipelineRequest
from azure.core.pipeline.transport import HttpRequest
from azure.storage.blob._shared.authentication import SharedKeyCredentialPolicy

from deployer.providers.azure.signature import sign_request

HEADERS = {
    "x-ms-date": "Mon, 23 Nov 2026 08:00:00 GMT",
    "x-ms-version": "2026-10-06",
    "x-ms-encryption-key-sha256": "def=",
    "x-ms-encryption-key": "abc=",
    "x-ms-encryption-algorithm": "AES256",
    "x-ms-blob-type": "BlockBlob",
    "x-ms-meta-sha256": "00",
    "x-ms-meta-deployerwrite": "1",
    "Content-MD5": "md5==",
    "If-None-Match": "*",
}


@pytest.mark.parametrize("length", ["0", "16384"])
@pytest.mark.parametrize(
    "target",
    ["/container/a%20b/c", "/account/container/k?comp=block&blockid=MDAw%2BMDE%3D", "/c/%C3%A4"],
)
def test_a_request_is_signed_as_the_sdk_signs_it(target: str, length: str) -> None:
    headers = {**HEADERS, "Content-Length": length, "Content-Type": "application/octet-stream"}
    request = HttpRequest("PUT", f"https://account.blob.core.windows.net{target}", headers=headers)
    asked: PipelineRequest[Any] = PipelineRequest(request, PipelineContext(None))
    policy: Any = SharedKeyCredentialPolicy
    policy("account", "a2V5").on_request(asked)
    signed = sign_request("PUT", target, headers, account="account", key="a2V5")
    assert signed == request.headers["Authorization"]
