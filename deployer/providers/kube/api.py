"""The few requests we make of an API server, through the official client."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from deployer.providers.kube.errors import translate_errors, translate_status

if TYPE_CHECKING:
    from kubernetes.client import ApiClient
    from urllib3 import Timeout
    from urllib3.response import BaseHTTPResponse

__all__ = ["Answer", "KubeApi"]

_TIMEOUT_SECONDS = (5.0, 30.0)  # connect, read
_JSON = "application/json"
_APPLY = "application/apply-patch+yaml"
_EDIT = "application/json-patch+json"
_OK = range(200, 300)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever its status."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class KubeApi:
    """Sends requests with the client's own identity and TLS settings; connects at the first.

    Safe to use from many threads. Nothing is tried again here.
    """

    def __init__(self, connect: "Callable[[], ApiClient]") -> None:
        self._connect = connect
        self._client: ApiClient | None = None
        self._lock = threading.Lock()

    def read(
        self,
        path: str,
        *,
        resource: str,
        query: Mapping[str, Any] | None = None,
        timeout_seconds: float | None = None,
    ) -> Any:
        """GET a JSON document."""
        timeout = timeout_seconds
        return self._json("GET", path, "read", resource, query=query, timeout_seconds=timeout)

    def read_text(self, path: str, *, resource: str, query: Mapping[str, Any]) -> str:
        """GET text."""
        answer = self.send("GET", path, query=query, operation="read", resource=resource)
        return self._checked(answer, "read", resource).body.decode(errors="replace")

    def patch(self, path: str, body: Any, *, resource: str, query: Mapping[str, Any]) -> Any:
        """Server-side apply."""
        answer = self.send_apply(path, body, resource=resource, query=query)
        return self.decode(answer, "apply", resource)

    def send_apply(
        self, path: str, body: Any, *, resource: str, query: Mapping[str, Any]
    ) -> Answer:
        """Server-side apply; the answer as it is, conflicts and all."""
        return self.send(
            "PATCH",
            path,
            query=query,
            headers={"Accept": _JSON, "Content-Type": _APPLY},
            body=body,
            operation="apply",
            resource=resource,
        )

    def create(self, path: str, body: Any, *, resource: str) -> Any:
        """POST a JSON document."""
        return self._json("POST", path, "ask for", resource, body=body)

    def edit(self, path: str, operations: Any, *, resource: str, query: Mapping[str, Any]) -> Any:
        """Patch by JSON Patch (RFC 6902)."""
        return self._json("PATCH", path, "change", resource, query=query, body=operations)

    def delete(self, path: str, options: Mapping[str, Any], *, resource: str) -> None:
        """Delete, as ``options`` (meta/v1 DeleteOptions) say."""
        body = {"kind": "DeleteOptions", "apiVersion": "v1", **options}
        self._json("DELETE", path, "delete", resource, body=body)

    def send(
        self,
        method: str,
        path: str,
        *,
        operation: str,
        resource: str,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        timeout_seconds: float | None = None,
        max_bytes: int | None = None,
    ) -> Answer:
        """Exchange one request and return the answer as it is.

        Args:
            max_bytes: Read no more of the body than this.
        """
        with translate_errors(operation, resource):
            raw = self._request(
                method,
                path,
                query=query,
                headers=headers or {},
                body=body,
                timeout=_timeout(timeout_seconds),
            )
            try:
                content = raw.read(max_bytes) if max_bytes else raw.read()
                return Answer(raw.status, content, dict(raw.headers))
            finally:
                raw.release_conn()

    def stream(
        self, path: str, *, resource: str, query: Mapping[str, Any], silence_seconds: float
    ) -> "BaseHTTPResponse":
        """GET without reading the answer; the caller reads and closes it.

        Args:
            silence_seconds: An answer that says nothing for so long has broken.
        """
        with translate_errors("watch", resource):
            raw = self._request(
                "GET",
                path,
                query=query,
                headers={"Accept": _JSON},
                timeout=_timeout(None, silence_seconds),
            )
            if raw.status in _OK:
                return raw
            try:
                answer = Answer(raw.status, raw.read(), dict(raw.headers))
            finally:
                raw.release_conn()
            self._checked(answer, "watch", resource)
            return raw

    def _request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None,
        headers: Mapping[str, str],
        timeout: "Timeout",
        body: Any = None,
    ) -> "BaseHTTPResponse":
        """Send; log in anew once when the login is refused: tokens may end before their time."""

        def exchange(client: "ApiClient") -> "BaseHTTPResponse":
            sent = {**client.default_headers, **headers}
            client.update_params_for_auth(sent, [], ["BearerToken"], path, method, body)
            answer: BaseHTTPResponse = client.rest_client.pool_manager.request(
                method,
                client.configuration.host + _with_query(path, query),
                headers=sent,
                body=_encode(body),
                timeout=timeout,
                retries=False,
                preload_content=False,
            )
            return answer

        client = self._connected()
        raw = exchange(client)
        if raw.status != HTTPStatus.UNAUTHORIZED:
            return raw
        raw.drain_conn()
        raw.release_conn()
        return exchange(self._connected(instead_of=client))

    def decode(self, answer: Answer, operation: str, resource: str) -> Any:
        """Return the document of an answer that is a success.

        Raises:
            ProviderError: It is none.
        """
        return json.loads(self._checked(answer, operation, resource).body)

    def _json(
        self,
        method: str,
        path: str,
        operation: str,
        resource: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        timeout_seconds: float | None = None,
    ) -> Any:
        headers = {"Accept": _JSON}
        if body is not None:
            headers["Content-Type"] = _EDIT if method == "PATCH" else _JSON
        answer = self.send(
            method,
            path,
            query=query,
            headers=headers,
            body=body,
            operation=operation,
            resource=resource,
            timeout_seconds=timeout_seconds,
        )
        return self.decode(answer, operation, resource)

    def _checked(self, answer: Answer, operation: str, resource: str) -> Answer:
        if answer.status not in _OK:
            raise translate_status(
                answer.status,
                answer.body,
                answer.headers,
                operation=operation,
                resource=resource,
            )
        return answer

    def _connected(self, instead_of: "ApiClient | None" = None) -> "ApiClient":
        with self._lock:
            if self._client is None or self._client is instead_of:
                self._client = self._connect()
            return self._client


def _with_query(path: str, query: Mapping[str, Any] | None) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def _encode(body: Any) -> bytes | None:
    """Write JSON as it comes: a body of bytes or text is somebody else's and stays as it is."""
    if body is None:
        return None
    if isinstance(body, bytes | str):
        return body.encode() if isinstance(body, str) else body
    return json.dumps(body).encode()


def _timeout(seconds: float | None, silence_seconds: float | None = None) -> "Timeout":
    from urllib3 import Timeout

    connect, read = (seconds, seconds) if seconds else _TIMEOUT_SECONDS
    return Timeout(connect=connect, read=silence_seconds or read)
