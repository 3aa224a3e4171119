"""Envoy's admin interface, on a Unix socket that only its owner reaches."""

import http.client
import json
import socket
from pathlib import Path

from deployer.errors import StateError
from deployer.values import Json

__all__ = ["ask", "read_hosts", "read_numbers", "read_versions"]

_TIMEOUT_SECONDS = 5.0


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("envoy", timeout=_TIMEOUT_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(_TIMEOUT_SECONDS)
        self.sock.connect(str(self._path))


def ask(path: Path, page: str, *, method: str = "GET") -> str:
    """Return a page.

    Raises:
        StateError: Nobody answers there, or with an error.
    """
    connection = _UnixConnection(path)
    try:
        connection.request(method, page)
        answer = connection.getresponse()
        body = answer.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        why = str(error) or "no answer in time"
        raise StateError(f"Envoy does not answer on {path}: {why[:200]}") from error
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise StateError(f"Envoy answers {answer.status} to {page}: {body[:200]}")
    return body


def read_hosts(path: Path, cluster: str) -> dict[tuple[str, int], Json]:
    """Return what Envoy says of each of a cluster's hosts, by address and port."""
    found = _json(path, "/clusters?format=json").get("cluster_statuses", [])
    hosts = [h for c in found if c["name"] == cluster for h in c.get("host_statuses", [])]
    places = [host["address"]["socket_address"] for host in hosts]
    return {(p["address"], p["port_value"]): h for p, h in zip(places, hosts, strict=True)}


def read_numbers(path: Path, pattern: str) -> dict[str, int]:
    """Return the counters and gauges whose names match a regular expression."""
    found = _json(path, f"/stats?format=json&filter={pattern}").get("stats", [])
    return {s["name"]: s["value"] for s in found if isinstance(s.get("value"), int) and "name" in s}


def read_versions(path: Path) -> dict[str, str]:
    """Return, by the name of its statistic, which version of each watched file is in use."""
    found = _json(path, "/stats?format=json&type=TextReadouts&filter=version_text")
    return {s["name"]: s["value"] for s in found.get("stats", []) if "name" in s}


def _json(path: Path, page: str) -> dict[str, Json]:
    try:
        document = json.loads(ask(path, page))
    except ValueError as error:
        raise StateError(f"Envoy answers {page} with no JSON") from error
    if not isinstance(document, dict):
        raise StateError(f"Envoy answers {page} with something else")
    return document
