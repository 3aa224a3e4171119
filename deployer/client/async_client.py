"""The client for programs with an event loop."""

import asyncio
import json
import random
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

from deployer.client.answer import Answer
from deployer.client.caller import Caller, make_head
from deployer.errors import SetupError, StateError
from deployer.ports import Clock
from deployer.providers.local.clock import SystemClock
from deployer.routing.events import EventLog
from deployer.routing.exchange import Exchange
from deployer.routing.follower import ReadRoutes
from deployer.routing.pages import describe_status
from deployer.routing.request import Request
from deployer.routing.retries import is_repeatable
from deployer.routing.steering import Steering, SteeringOptions
from deployer.values import Json

__all__ = ["AsyncClient"]


class AsyncClient:
    """Sends requests to healthy targets; an ``async with`` opens and closes it.

    Args:
        read_routes: Where the backends come from; see `deployer.client.sources`.
        tell: Told each event in one line; nobody is when left out.
    """

    def __init__(
        self,
        read_routes: ReadRoutes,
        *,
        options: SteeringOptions | None = None,
        clock: Clock | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        self._read_routes = read_routes
        self._options = options or SteeringOptions()
        self._clock = clock or SystemClock()
        self._tell = tell or (lambda _line: None)
        self._steering: Steering | None = None
        self._callers: set[Caller] = set()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Read the routes and begin to probe.

        Raises:
            StateError: There are no routes to follow.
        """
        rng = random.Random()  # noqa: S311 - weights and jitter, not secrecy
        events = EventLog(self._clock, boot=f"{rng.getrandbits(64):016x}", tell=self._tell)
        steering = Steering(self._read_routes, events=events, options=self._options, rng=rng)
        await steering.follower.read_once()
        if steering.follower.routes is None:
            await steering.close()
            raise StateError(f"there are no routes: {steering.follower.error}")
        steering.start()
        self._stack.push_async_callback(steering.close)
        self._steering, self._events = steering, events
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop probing and close every connection; requests under way are given up."""
        self._steering = None
        for caller in self._callers:
            caller.fail("the client was closed", hint="The request may have been executed.")
        await asyncio.sleep(0)  # for those who wait to hear of it
        await self._stack.aclose()

    async def send(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        headers: Mapping[str, str] | None = None,
        idempotent: bool | None = None,
    ) -> Answer:
        """Return a backend's answer, whatever its status.

        A request is sent again only when nothing of it was sent before, or when it may be executed
        twice. Cancelling this cancels it at the backend.

        Args:
            idempotent: Whether it may be executed twice; the options' or the routes' word when
                left out. GET and HEAD always may.

        Raises:
            NoHealthyTargetError: Nothing could take the request; it was executed nowhere.
            ProviderError: It was sent, and no whole answer came.
            SourceError: The request can't go over the wire as it is.
        """
        steering = self._open_steering()
        head = make_head(method, path, headers or {}, body)
        traffic = steering.traffic
        repeatable = is_repeatable(
            head.method, idempotent=traffic.idempotent if idempotent is None else idempotent
        )
        request = Request(head, traffic.make_ident(), repeatable=repeatable)
        caller = Caller(request, path, asyncio.get_running_loop())
        exchange = Exchange(caller, steering.door.pass_on(head, caller.peer), request)
        if body:
            exchange.feed(body)
        exchange.finish_request()
        exchange.start()
        self._callers.add(caller)
        try:
            return await caller.answer
        finally:
            self._callers.discard(caller)
            exchange.lose_client()  # nothing happens when it has ended

    async def get(self, path: str, *, headers: Mapping[str, str] | None = None) -> Answer:
        """Return the answer to a GET; see `send`."""
        return await self.send("GET", path, headers=headers)

    async def post_json(
        self, path: str, document: Any, *, idempotent: bool | None = None
    ) -> Answer:
        """Return the answer to a POST of a JSON document; see `send`."""
        return await self.send(
            "POST",
            path,
            json.dumps(document).encode(),
            headers={"Content-Type": "application/json"},
            idempotent=idempotent,
        )

    def describe(self) -> Json:
        """Return what is known of each backend: the document that a router shows at its status."""
        steering = self._open_steering()
        now = steering.traffic.now()
        return describe_status(steering.follower, steering.traffic, self._events, now)[1]

    def _open_steering(self) -> Steering:
        if self._steering is None:
            raise SetupError("the client is not open", hint="Open it by `async with` or `with`.")
        return self._steering
