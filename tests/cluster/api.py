"""A small client of one API server, for the rig and its node agent."""

import json
import ssl
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import urllib3

__all__ = ["Api", "ApiError", "read_kubeconfig"]

_TIMEOUT = urllib3.Timeout(connect=5.0, read=15.0)
_JSON = "application/json"


class ApiError(Exception):
    """The API server said no, or nothing (status 0)."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


class Api:
    """Requests to one API server. Safe to use from many threads."""

    def __init__(self, url: str, token: str, authority: Path | str) -> None:
        self._url, self._headers = url, {"Authorization": f"Bearer {token}", "Accept": _JSON}
        context = ssl.create_default_context(cafile=str(authority))
        self._http = urllib3.PoolManager(
            retries=False, timeout=_TIMEOUT, ssl_context=context, maxsize=8
        )

    def get(self, path: str, **query: str) -> Any:
        """Return an object or a list.

        Raises:
            ApiError: Anything but success.
        """
        return json.loads(self._send("GET", path, query=query))

    def read(self, path: str, **query: str) -> str:
        """Return text: a log, or how the server is."""
        return self._send("GET", path, query=query).decode(errors="replace")

    def find(self, path: str) -> Any | None:
        """Return an object, or None when there is none."""
        try:
            return self.get(path)
        except ApiError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    def post(self, path: str, body: Any) -> Any:
        """Create an object."""
        return json.loads(self._send("POST", path, body=body))

    def patch(self, path: str, body: Any) -> Any:
        """Merge into an object as kubelets do: lists by their keys."""
        kind = "application/strategic-merge-patch+json"
        return json.loads(self._send("PATCH", path, body=body, kind=kind))

    def delete(self, path: str, body: Any | None = None) -> None:
        """Delete an object; succeeds when there is none."""
        try:
            self._send("DELETE", path, body=body or {})
        except ApiError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise

    def watch(self, path: str, *, seconds: int, **query: str) -> Iterator[dict[str, Any]]:
        """Yield watch events until the server ends it, after ``seconds`` at the latest."""
        query |= {"watch": "1", "timeoutSeconds": str(seconds), "allowWatchBookmarks": "1"}
        timeout = urllib3.Timeout(connect=5.0, read=seconds + 5.0)
        try:
            answer = self._http.request(
                "GET",
                f"{self._url}{path}?{urlencode(query)}",
                headers=self._headers,
                preload_content=False,
                timeout=timeout,
            )
            try:
                yield from _read_events(answer)
            finally:
                answer.close()
        except urllib3.exceptions.HTTPError as error:
            raise ApiError(0, str(error)) from error

    def close(self) -> None:
        """Close every connection."""
        self._http.clear()

    def _send(
        self,
        method: str,
        path: str,
        *,
        body: Any | None = None,
        query: Mapping[str, str] | None = None,
        kind: str = _JSON,
    ) -> bytes:
        url = f"{self._url}{path}" + (f"?{urlencode(query)}" if query else "")
        headers = self._headers | ({"Content-Type": kind} if body is not None else {})
        data = None if body is None else json.dumps(body).encode()
        try:
            answer = self._http.request(method, url, body=data, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise ApiError(0, str(error)) from error
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise ApiError(answer.status, _message(answer.data))
        return answer.data


def read_kubeconfig(path: Path) -> Api:
    """Return the API server of one of the rig's own kubeconfigs (written as JSON)."""
    document = json.loads(path.read_text())
    cluster, user = document["clusters"][0]["cluster"], document["users"][0]["user"]
    return Api(cluster["server"], user["token"], cluster["certificate-authority"])


def _read_events(answer: urllib3.BaseHTTPResponse) -> Iterator[dict[str, Any]]:
    if answer.status >= HTTPStatus.BAD_REQUEST:
        raise ApiError(answer.status, _message(answer.read()))
    rest = b""
    for part in answer.stream(1 << 16):
        *lines, rest = (rest + part).split(b"\n")
        for line in lines:
            yield json.loads(line)


def _message(body: bytes) -> str:
    """Return what a Status says, or the beginning of anything else."""
    try:
        return str(json.loads(body)["message"])[:300]
    except (ValueError, LookupError, TypeError):
        return body[:300].decode(errors="replace")
