"""The few requests we make of an API server, through the official client."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deployer.providers.kube.errors import translate_errors, translate_status

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

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

    def read(self, path: str, *, resource: str, query: Mapping[str, Any] | None = None) -> Any:
        """GET a JSON document."""
        return self._json("GET", path, "read", resource, query=query)

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
            client = self._connected()
            parameters = client.param_serialize(
                method,
                path,
                query_params=list((query or {}).items()),
                header_params=dict(headers or {}),
                body=body,
                auth_settings=["BearerToken"],
            )
            raw = _exchange(client, parameters, timeout_seconds or _TIMEOUT_SECONDS)
            try:
                content = raw.read(max_bytes) if max_bytes else raw.read()
                return Answer(raw.status, content, dict(raw.headers))
            finally:
                raw.release_conn()

    def _json(
        self,
        method: str,
        path: str,
        operation: str,
        resource: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
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

    def _connected(self) -> "ApiClient":
        with self._lock:
            if self._client is None:
                self._client = self._connect()
            return self._client


def _exchange(client: "ApiClient", parameters: Any, seconds: float | tuple[float, float]) -> Any:
    """Send bytes as they are: the client's own way would encode them as JSON once more."""
    method, url, headers, body, _ = parameters
    if not isinstance(body, bytes):
        answer = client.call_api(method, url, headers, body, _request_timeout=seconds)
        return answer.response
    return client.rest_client.pool_manager.request(
        method, url, headers=headers, body=body, timeout=seconds, preload_content=False
    )
