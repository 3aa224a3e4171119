"""Lists and watches, in a thread of their own, told to an event loop."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from deployer.ports import Clock
from tests.cluster.api import Api, ApiError

__all__ = ["Watcher"]

_WATCH_SECONDS = 300
_RETRY_SECONDS = 0.3


class Watcher:
    """Keeps ``items`` (by uid) what the API server has, and tells of every change.

    A watch that breaks off, or that the server gives up, is followed by a new list; until then the
    last known items stay.

    Args:
        tell: Called in the loop with an object and whether it is gone.
    """

    def __init__(
        self, api: Api, path: str, tell: Callable[[Any, bool], None], *, clock: Clock, **query: str
    ) -> None:
        self._api, self._path, self._tell, self._clock = api, path, tell, clock
        self._query = query
        self._loop = asyncio.get_running_loop()
        self.items: dict[str, Any] = {}
        threading.Thread(target=self._run, name=path, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                self._watch(self._list())
            except ApiError:
                self._clock.sleep(_RETRY_SECONDS)

    def _list(self) -> str:
        found = self._api.get(self._path, **self._query)
        self._post(self._replace, found["items"])
        return str(found["metadata"]["resourceVersion"])

    def _watch(self, version: str) -> None:
        events = self._api.watch(
            self._path, seconds=_WATCH_SECONDS, resourceVersion=version, **self._query
        )
        for event in events:
            if event["type"] == "ERROR":
                return
            if event["type"] != "BOOKMARK":
                self._post(self._change, event["object"], event["type"] == "DELETED")

    def _post(self, call: Callable[..., None], *arguments: Any) -> None:
        self._loop.call_soon_threadsafe(call, *arguments)

    def _replace(self, items: list[Any]) -> None:
        found = {item["metadata"]["uid"] for item in items}
        for uid in set(self.items) - found:
            self._change(self.items[uid], gone=True)
        for item in items:
            self._change(item, gone=False)

    def _change(self, item: Any, gone: bool) -> None:
        if gone:
            self.items.pop(item["metadata"]["uid"], None)
        else:
            self.items[item["metadata"]["uid"]] = item
        self._tell(item, gone)
