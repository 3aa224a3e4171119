"""The router: listens, passes requests on by what its steering knows, and drains."""

import asyncio
import contextlib
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from deployer.errors import SetupError
from deployer.ports import Clock, SpanSink
from deployer.routing.access_log import AccessLog
from deployer.routing.admin import AdminDesk
from deployer.routing.admin_address import AdminAddress
from deployer.routing.admin_orders import AdminOrders
from deployer.routing.admin_server import AdminServer, open_admin_server
from deployer.routing.client import ClientConnection
from deployer.routing.events import EventLog
from deployer.routing.follower import ReadRoutes
from deployer.routing.site import Site
from deployer.routing.steering import Steering, SteeringOptions
from deployer.routing.tracing import Tracer
from deployer.routing.traffic import SWEEP_SECONDS, Traffic

__all__ = ["Router", "RouterOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterOptions(SteeringOptions):
    """How a router is run.

    Attributes:
        port: 0 takes a free one.
        drain_seconds: How long requests under way may take once the router is told to stop.
        admin: Where orders are taken; nowhere when left out.
        token: What an order needs where ``admin`` is a port.
        event_log: Where events are appended, a JSON line each.
        open_spans: Opens where spans of requests go; none are made when left out.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    drain_seconds: float = 30.0
    admin: AdminAddress | None = None
    token: str | None = field(default=None, repr=False)
    event_log: Path | None = None
    open_spans: Callable[[], SpanSink] | None = None


class Router:
    """One router, in one event loop.

    Args:
        read_routes: Reads the routes; called in a thread, once a second.
        tell: Told what changes, one line each; stderr when left out.
        access_log: Where a line per request goes; none is written when left out.
    """

    def __init__(
        self,
        read_routes: ReadRoutes,
        *,
        clock: Clock,
        options: RouterOptions | None = None,
        rng: random.Random | None = None,
        tell: Callable[[str], None] | None = None,
        access_log: TextIO | None = None,
    ) -> None:
        self._read_routes = read_routes
        self._options = options or RouterOptions()
        self._rng = rng or random.Random()  # noqa: S311 - weights and jitter, not secrecy
        self._events = EventLog(
            clock,
            boot=f"{self._rng.getrandbits(64):016x}",
            tell=tell or _tell_stderr,
            file=self._options.event_log,
        )
        self._log = AccessLog(access_log, clock) if access_log is not None else None
        self._spans: SpanSink | None = None
        self._server: asyncio.Server | None = None
        self._admin: AdminServer | None = None

    @property
    def url(self) -> str:
        """Where it listens, once it was started."""
        sockets = self._server.sockets if self._server is not None else ()
        if not sockets:
            raise SetupError("the router is not listening")
        host, port = sockets[0].getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def run(self, stop: asyncio.Event, *, ready: Callable[[], None] | None = None) -> None:
        """Serve until ``stop`` is set, then let requests under way finish, and return.

        Args:
            ready: Called when it listens.

        Raises:
            SetupError: The address can't be listened on.
        """
        await self.start()
        try:
            if ready is not None:
                ready()
            await self._until(stop)
        finally:
            await self.stop()

    async def start(self) -> None:
        """Read the routes once, listen, and begin to probe and to follow.

        Raises:
            SetupError: The address can't be listened on.
        """
        self._steering = Steering(
            self._read_routes,
            events=self._events,
            options=self._options,
            rng=self._rng,
            log=self._log.add if self._log is not None else None,
        )
        self._trace()
        self._site = Site(self._steering.follower, self._traffic, self._events)
        await self._listen()
        self._steering.start()
        self._writing = asyncio.create_task(self._write_logs())

    async def stop(self) -> None:
        """Stop listening, wait for requests under way up to the bound, and close everything."""
        if self._server is not None:
            self._server.close()
        if self._admin is not None:
            self._admin.close()
        self._traffic.closing = True
        for client in list(self._traffic.clients):
            client.close_if_idle()
        await self._drain()
        await self._steering.close()
        self._writing.cancel()
        await asyncio.gather(self._writing, return_exceptions=True)
        self._flush()
        if self._spans is not None:
            await asyncio.to_thread(self._spans.close)

    def _trace(self) -> None:
        if self._options.open_spans is not None:
            self._spans = self._options.open_spans()
            self._traffic.tracer = Tracer(self._spans, self._rng)

    @property
    def _traffic(self) -> Traffic:
        return self._steering.traffic

    async def _listen_admin(self) -> None:
        if self._options.admin is None:
            return
        desk = AdminDesk(
            AdminOrders(self._traffic.fleet, self._events, abandon=self._traffic.abandon_member),
            self._events,
            show=self._site.show,
            now=self._traffic.now,
            token=None if self._options.admin.path is not None else self._options.token,
        )
        self._admin = await open_admin_server(self._options.admin, self._traffic, desk.find_page)

    async def _listen(self) -> None:
        options, loop = self._options, asyncio.get_running_loop()
        await self._listen_admin()
        try:
            self._server = await loop.create_server(
                lambda: ClientConnection(self._traffic, self._site.find_page),
                options.host,
                options.port,
                backlog=1024,
            )
        except OSError as error:
            if self._admin is not None:
                self._admin.close()
            raise SetupError(
                f"{options.host}:{options.port} can't be listened on: {error.strerror}",
                hint="Choose another address with --listen.",
            ) from error

    async def _until(self, stop: asyncio.Event) -> None:
        waiting = asyncio.create_task(stop.wait())
        done, _ = await asyncio.wait(
            [waiting, self._writing, *self._steering.tasks], return_when=asyncio.FIRST_COMPLETED
        )
        waiting.cancel()
        for task in done:
            task.result()

    async def _drain(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._options.drain_seconds):
                await self._traffic.drained()
        for client in list(self._traffic.clients):
            client.abort()
        await asyncio.sleep(0)  # for the connections to hear of it

    async def _write_logs(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            self._flush()

    def _flush(self) -> None:
        if self._log is not None:
            self._log.flush()
        self._events.flush()


def _tell_stderr(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
