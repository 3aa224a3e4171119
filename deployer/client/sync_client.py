"""The client for programs without an event loop."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

from deployer.client.answer import Answer
from deployer.client.async_client import AsyncClient
from deployer.errors import SetupError
from deployer.ports import Clock
from deployer.routing.direct_loop import make_loop
from deployer.routing.follower import ReadRoutes
from deployer.routing.steering import SteeringOptions
from deployer.values import Json

__all__ = ["Client"]

T = TypeVar("T")


class Client:
    """See `AsyncClient`: its loop runs in a thread, as probes go on between two requests.

    Any number of threads may send at the same time.
    """

    def __init__(
        self,
        read_routes: ReadRoutes,
        *,
        options: SteeringOptions | None = None,
        clock: Clock | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        self._client = AsyncClient(read_routes, options=options, clock=clock, tell=tell)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """See `AsyncClient.__aenter__`."""
        self._loop = loop = make_loop()
        self._thread = threading.Thread(
            target=loop.run_forever, name="deployer-client", daemon=True
        )
        self._thread.start()
        try:
            self._call(self._client.__aenter__())
        except BaseException:
            self._end_loop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """See `AsyncClient.__aexit__`."""
        try:
            self._call(self._client.__aexit__(kind, error, trace))
        finally:
            self._end_loop()

    def send(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        headers: Mapping[str, str] | None = None,
        idempotent: bool | None = None,
    ) -> Answer:
        """See `AsyncClient.send`."""
        return self._call(
            self._client.send(method, path, body, headers=headers, idempotent=idempotent)
        )

    def get(self, path: str, *, headers: Mapping[str, str] | None = None) -> Answer:
        """See `AsyncClient.get`."""
        return self._call(self._client.get(path, headers=headers))

    def post_json(self, path: str, document: Any, *, idempotent: bool | None = None) -> Answer:
        """See `AsyncClient.post_json`."""
        return self._call(self._client.post_json(path, document, idempotent=idempotent))

    def describe(self) -> Json:
        """See `AsyncClient.describe`."""
        return self._call(self._describe())

    async def _describe(self) -> Json:
        return self._client.describe()

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        if self._loop is None:
            work.close()
            raise SetupError("the client is not open", hint="Open it by `with`.")
        pending = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return pending.result()
        except KeyboardInterrupt:
            pending.cancel()
            raise

    def _end_loop(self) -> None:
        loop, self._loop = self._loop, None
        if loop is not None and self._thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            self._thread.join()
            loop.close()
