"""A short way to Blob Storage: the SDK's credentials, none of its layers.

A call through the SDK costs two milliseconds of CPU and more, most of it in a dozen policies; a
model of ten thousand files feels that. Here a request is put together by hand, signed with the
SDK's credentials, and sent over a `Wire`. Whatever does not succeed at once is left to the ordinary
way, which knows what to do.
"""

from collections.abc import Mapping
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from deployer.checksums import Buffer
from deployer.ports import Clock
from deployer.providers.azure.signature import sign_request
from deployer.providers.patience import Patience
from deployer.providers.wire import Answer, Wire

if TYPE_CHECKING:
    from azure.storage.blob import ContainerClient

__all__ = ["FastLane"]


class FastLane:
    """Puts and ranged gets on one container. Safe to use from many threads."""

    def __init__(self, client: "ContainerClient", *, clock: Clock, patience: Patience) -> None:
        self._clock = clock
        self.client: Any = client
        base, _, self._token = client.url.partition("?")
        parts = urlsplit(base)
        self._origin, self._path = f"{parts.scheme}://{parts.netloc}", parts.path
        self._wire = _open_wire(self._origin, patience)

    def put(
        self, name: str, body: Buffer, headers: Mapping[str, str], *, query: Mapping[str, str]
    ) -> Answer | None:
        """Write a blob, or what the query names; None when it did not succeed, whatever why."""
        length = {"Content-Length": str(len(body)), "Content-Type": "application/octet-stream"}
        return self._ask("PUT", name, query, {**headers, **length}, body, wanted=201)

    def get_range(self, name: str, headers: Mapping[str, str], *, most: int) -> Answer | None:
        """Read a part of a blob; None as for `put`."""
        return self._ask("GET", name, {}, headers, b"", wanted=206, most=most)

    def _ask(
        self,
        method: str,
        name: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: Buffer,
        *,
        wanted: int,
        most: int = 1 << 20,
    ) -> Answer | None:
        if self._wire is None:
            return None
        asked = "&".join(part for part in (urlencode(query), self._token) if part)
        target = f"{self._path}/{quote(name, safe='~/')}" + (f"?{asked}" if asked else "")
        signed = self._sign(method, target, headers)
        if signed is None:
            return None
        signed.pop("Content-Length", None)
        answer = self._wire.ask(method, target, signed, (body,) if body else (), most=most)
        return answer if answer is not None and answer.status == wanted else None

    def _sign(self, method: str, target: str, headers: Mapping[str, str]) -> dict[str, str] | None:
        """Return the headers with the policy's; None when nobody is logged in."""
        dated = {
            **headers,
            "x-ms-date": format_datetime(self._clock.now(), usegmt=True),
            "x-ms-version": self.client.api_version,
        }
        policy = self.client._credential_policy  # noqa: SLF001 - the SDK has no public way to it
        if policy is None:
            return dated
        key = getattr(policy, "account_key", None)
        if key is None:
            return self._log_in(policy, method, target, dated)
        account = policy.account_name
        dated["Authorization"] = sign_request(method, target, dated, account=account, key=key)
        return dated

    def _log_in(
        self, policy: Any, method: str, target: str, headers: Mapping[str, str]
    ) -> dict[str, str] | None:
        from azure.core.exceptions import AzureError
        from azure.core.pipeline import PipelineContext, PipelineRequest
        from azure.core.pipeline.transport import HttpRequest

        request = HttpRequest(method, self._origin + target, headers={**headers})
        try:
            policy.on_request(PipelineRequest(request, PipelineContext(None)))
        except AzureError:
            return None
        return dict(request.headers)


def _open_wire(origin: str, patience: Patience) -> Wire | None:
    """Return a wire that trusts what the SDK trusts; None where it would go through a proxy."""
    from certifi import where
    from requests import Session
    from requests.utils import select_proxy

    with Session() as session:
        settings = session.merge_environment_settings(origin, {}, None, None, None)
    verify = settings["verify"]
    if select_proxy(origin, settings["proxies"]) or not verify:
        return None
    return Wire(origin, patience=patience, authority=where() if verify is True else str(verify))
