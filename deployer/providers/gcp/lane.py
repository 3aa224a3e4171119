"""A short way to Cloud Storage: the SDK's credentials, none of its layers.

A call through the SDK costs more than a millisecond of CPU; a model of ten thousand files feels
that. Here a request is put together by hand, given the SDK's own credentials, and sent over a
`Wire`. Whatever does not succeed at once is left to the ordinary way, which knows what to do.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from deployer.checksums import Buffer
from deployer.providers.patience import Patience
from deployer.providers.wire import Answer, Wire

if TYPE_CHECKING:
    from google.cloud.storage import Client

__all__ = ["PAYER", "FastLane"]

PAYER = "x-goog-user-project"
"""The header that names the project which pays (Cloud Storage, "System parameters")."""


class FastLane:
    """Requests to one service. Safe to use from many threads."""

    def __init__(self, client: "Client", patience: Patience) -> None:
        made: Any = client
        self._base: str = made._connection.API_BASE_URL  # noqa: SLF001 - the SDK's own modules do so
        self._session = made._http  # noqa: SLF001 - the one session with the credentials
        payer = self._session.headers.get(PAYER)
        self._paid = {PAYER: payer} if payer else {}
        self._wire = _open_wire(self._session, self._base, patience)
        self._boundary = uuid.uuid4().hex

    def put(
        self, path: str, described: Mapping[str, Any], body: bytes, keyed: Mapping[str, str]
    ) -> Mapping[str, Any] | None:
        """Write an object and its description in one request; return what it became.

        None when it did not succeed, for whatever reason.
        """
        boundary = self._boundary
        head = (
            f"--{boundary}\r\nContent-Type: application/json\r\n\r\n{json.dumps(described)}\r\n"
            f"--{boundary}\r\nContent-Type: application/octet-stream\r\n\r\n"
        )
        pieces = (head.encode(), body, f"\r\n--{boundary}--".encode())
        headers = {"Content-Type": f"multipart/related; boundary={boundary}", **keyed}
        answer = self.ask("POST", path, headers, pieces, wanted=200)
        found = None if answer is None else _read_json(answer.body)
        return found if isinstance(found, dict) else None

    def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: Sequence[Buffer] = (),
        *,
        wanted: int,
        most: int = 1 << 20,
    ) -> Answer | None:
        """Return the answer to a request; None as for `put`."""
        from google.auth.exceptions import GoogleAuthError

        if self._wire is None:
            return None
        signed = {**headers, **self._paid}
        try:
            self._session.credentials.before_request(
                self._session._auth_request,  # noqa: SLF001 - what the session itself hands over
                method,
                self._base + path,
                signed,
            )
        except GoogleAuthError:
            return None
        answer = self._wire.ask(method, path, signed, body, most=most)
        return answer if answer is not None and answer.status == wanted else None


def _read_json(body: bytes) -> Any:
    try:
        return json.loads(body.decode())
    except ValueError:
        return None


def _open_wire(session: Any, base: str, patience: Patience) -> Wire | None:
    """Return a wire that trusts what the SDK trusts; None where it would go through a proxy."""
    from certifi import where
    from requests.utils import select_proxy

    settings = session.merge_environment_settings(base, {}, None, None, None)
    proxied = select_proxy(base, settings["proxies"])
    verify = settings["verify"]
    if proxied or not verify or settings["cert"] or getattr(session, "is_mtls", False):
        return None
    return Wire(base, patience=patience, authority=where() if verify is True else verify)
