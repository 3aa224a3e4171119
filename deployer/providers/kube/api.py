"""The few requests we make of an API server, through the official client."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from deployer.providers.kube.errors import translate_errors, translate_status

if TYPE_CHECKING:
    from kubernetes.client import ApiClient
    from urllib3.response import BaseHTTPResponse

__all__ = ["Answer", "KubeApi"]

_TIMEOUT_SECONDS = (5.0, 30.0)  # connect, read
_APPLY = "application/apply-patch+yaml"
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
        return self._json("PATCH", path, "apply", resource, query=query, body=body)

    def delete(self, path: str, *, resource: str) -> None:
        """Delete, leaving what it owns to the garbage collector."""
        body = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}
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
                headers=headers,
                body=body,
                timeout=timeout_seconds or _TIMEOUT_SECONDS,
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
            timeout = (_TIMEOUT_SECONDS[0], silence_seconds)
            raw = self._request("GET", path, query=query, timeout=timeout)
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
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        timeout: float | tuple[float, float],
    ) -> "BaseHTTPResponse":
        """Send; log in anew once when the login is refused: tokens may end before their time."""

        def exchange(client: "ApiClient") -> "BaseHTTPResponse":
            parameters = client.param_serialize(
                method,
                path,
                query_params=list((query or {}).items()),
                header_params=dict(headers or {}),
                body=body,
                auth_settings=["BearerToken"],
            )
            answer = client.call_api(*parameters, _request_timeout=timeout)
            raw: BaseHTTPResponse = answer.response
            return raw

        client = self._connected()
        raw = exchange(client)
        if raw.status != HTTPStatus.UNAUTHORIZED:
            return raw
        raw.drain_conn()
        raw.release_conn()
        return exchange(self._connected(instead_of=client))

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
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = _APPLY if method == "PATCH" else "application/json"
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
        return json.loads(self._checked(answer, operation, resource).body)

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
