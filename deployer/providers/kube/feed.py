"""One list of objects, followed: read once, then kept by a watch.

By the rules of https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes:
a watch is bounded in time and resumed from the last version that was seen; when the server has
forgotten that version (410 Gone) the list is read again. The bound has jitter, so that many
watches that began together do not end together.
"""

import json
import random
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from deployer.errors import DeployerError
from deployer.ports import Clock, Manifest
from deployer.providers.kube.api import KubeApi
from deployer.providers.kube.errors import GoneError

if TYPE_CHECKING:
    from urllib3.response import BaseHTTPResponse

__all__ = ["Feed"]

_SECONDS = (240, 360)
_GRACE_SECONDS = 15.0  # after the bound the server ends a watch; a silence beyond has broken
_LIST_SECONDS = 10.0  # whoever waits wants to hear soon that nobody answers
_PAUSES = (0.05, 0.5)  # before a cut watch is taken up again


class Feed:
    """Follows a list on a thread of its own, until it is closed or fails.

    Args:
        path: The collection's.
        query: Its field or label selector.
        changed: Called after every change and at the end; from the feed's thread.
    """

    def __init__(
        self,
        api: KubeApi,
        path: str,
        query: Mapping[str, Any],
        *,
        clock: Clock,
        changed: Callable[[], None],
    ) -> None:
        self.error: DeployerError | None = None
        self._api, self._path, self._query = api, path, dict(query)
        self._clock, self._changed = clock, changed
        self._objects: dict[str, Manifest] = {}
        self._version = ""
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._stream: BaseHTTPResponse | None = None
        self._rng = random.Random()  # noqa: S311 - jitter, not secrecy

    def start(self) -> "Feed":
        """Read the list, then follow it on a thread; a list that cannot be read is an error."""
        self._read()
        threading.Thread(target=self._follow, name=f"watch {self._path}", daemon=True).start()
        return self

    def objects(self) -> list[Manifest]:
        """Return the objects as they are now."""
        with self._lock:
            return list(self._objects.values())

    def close(self) -> None:
        """End the thread: its stream is shut, whether or not anything is coming."""
        self._closed.set()
        with self._lock:
            stream = self._stream
        if stream is not None:
            _shut(stream)

    def _follow(self) -> None:
        try:
            while not self._closed.is_set():
                self._follow_once()
        except DeployerError as error:
            self.error = error
        self._changed()

    def _follow_once(self) -> None:
        """Watch until the stream ends, as it does by itself; read the list again if it must be."""
        try:
            for event in self._events():
                self._take(event)
        except GoneError:
            self._read()
            self._changed()
        if not self._closed.is_set():
            self._clock.sleep(self._rng.uniform(*_PAUSES))

    def _read(self) -> None:
        answer = self._api.read(
            self._path, resource=self._path, query=self._query, timeout_seconds=_LIST_SECONDS
        )
        with self._lock:
            kind = {"apiVersion": answer["apiVersion"], "kind": answer["kind"][: -len("List")]}
            items = [{**kind, **item} for item in answer["items"]]
            self._objects = {item["metadata"]["uid"]: item for item in items}
            self._version = answer["metadata"]["resourceVersion"]

    def _events(self) -> Iterator[Any]:
        """Yield the events of one watch; a stream that breaks off just ends."""
        seconds = self._rng.randint(*_SECONDS)
        query = {
            **self._query,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._version,
            "timeoutSeconds": seconds,
        }
        stream = self._api.stream(
            self._path, resource=self._path, query=query, silence_seconds=seconds + _GRACE_SECONDS
        )
        with self._lock:
            self._stream = stream
        try:
            if not self._closed.is_set():
                yield from _lines(stream)
        finally:
            with self._lock:
                self._stream = None
            stream.close()

    def _take(self, event: Any) -> None:
        kind, found = event["type"], event["object"]
        if kind == "ERROR":
            raise GoneError(
                f"watch {self._path}: {found.get('message', '')}",
                operation="watch",
                resource=self._path,
            )
        uid = found["metadata"].get("uid", "")
        with self._lock:
            self._version = found["metadata"]["resourceVersion"]
            if kind == "DELETED":
                self._objects.pop(uid, None)
            elif kind != "BOOKMARK":
                self._objects[uid] = found
        if kind != "BOOKMARK":
            self._changed()


def _lines(stream: "BaseHTTPResponse") -> Iterator[Any]:
    """Yield the JSON documents of a stream, one per line; what breaks off in the middle is left."""
    from urllib3.exceptions import HTTPError

    left = b""
    try:
        for chunk in stream.stream(1 << 16):
            *lines, left = (left + chunk).split(b"\n")
            yield from map(json.loads, filter(None, lines))
    except (HTTPError, OSError, ValueError):
        return  # the caller resumes from the last version; if nobody answers, that says so


def _shut(stream: "BaseHTTPResponse") -> None:
    """Wake the thread that reads; the connection is lost by it."""
    try:
        stream.shutdown()
    except (OSError, ValueError):
        return  # it has ended by itself
