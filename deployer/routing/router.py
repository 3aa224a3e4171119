"""The router: listens, passes requests on by what its steering knows, and drains."""

import asyncio
import contextlib
import itertools
import random
import socket
import ssl
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from deployer.errors import SetupError
from deployer.ports import Clock, SpanSink
from deployer.routing.access_log import AccessLog
from deployer.routing.admin import AdminDesk
from deployer.routing.admin_address import AdminAddress
from deployer.routing.admin_orders import AdminOrders
from deployer.routing.admin_server import AdminServer, open_admin_server
from deployer.routing.client import ClientConnection
from deployer.routing.events import EventLog, Kind
from deployer.routing.follower import ReadRoutes
from deployer.routing.listener import Listener, bind_all
from deployer.routing.messages import Refusal
from deployer.routing.reception import Reception
from deployer.routing.site import Site
from deployer.routing.steering import Steering, SteeringOptions
from deployer.routing.tls import BackendTls, BackendTrust, KeyPair, ListenerTls
from deployer.routing.tracing import Tracer
from deployer.routing.traffic import SWEEP_SECONDS, Traffic
from deployer.routing.way import FindWay

__all__ = ["Router", "RouterOptions", "describe_url"]

_FIRST_READ_SECONDS = 2.0
_TEND_SECONDS = 5.0
_WARN_EVERY = 17280  # times that make a day


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterOptions(SteeringOptions):
    """How a router is run.

    Attributes:
        port: 0 takes a free one.
        drain_seconds: How long requests under way may take once the router is told to stop.
        admin: Where orders are taken; nowhere when left out.
        token: What an order needs where ``admin`` is a port.
        event_log: Where events are appended, a JSON line each.
        tls: What it presents; plain HTTP is spoken without.
        client_authority: Who must have issued clients' certificates; they need none without.
        backend_tls: For https backends; the system's trust when left out.
        open_spans: Opens where spans of requests go; none are made when left out.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    drain_seconds: float = 30.0
    admin: AdminAddress | None = None
    token: str | None = field(default=None, repr=False)
    event_log: Path | None = None
    tls: tuple[KeyPair, ...] = ()
    client_authority: Path | None = None
    backend_tls: BackendTls | None = None
    open_spans: Callable[[], SpanSink] | None = None


class Router:
    """One router, in one event loop, for one deployment or more.

    Args:
        sources: Each reads the routes of a deployment; called in a thread, once a second.
        tell: Told what changes, one line each; stderr when left out.
        access_log: Where a line per request goes; none is written when left out.
    """

    def __init__(
        self,
        *sources: ReadRoutes,
        clock: Clock,
        options: RouterOptions | None = None,
        rng: random.Random | None = None,
        tell: Callable[[str], None] | None = None,
        access_log: BinaryIO | None = None,
    ) -> None:
        self._sources = sources
        self._options = options or RouterOptions()
        self._rng = rng or random.Random()  # noqa: S311 - weights and jitter, not secrecy
        self.events = EventLog(
            clock,
            boot=f"{self._rng.getrandbits(64):016x}",
            tell=tell or _tell_stderr,
            file=self._options.event_log,
        )
        self._log = AccessLog(access_log, clock) if access_log is not None else None
        self._clock = clock
        self._tls: ListenerTls | None = None
        self._trust: BackendTrust | None = None
        self._spans: SpanSink | None = None
        self._listener: Listener | None = None
        self._admin: AdminServer | None = None

    @property
    def url(self) -> str:
        """Where it listens, once it was started."""
        sockets = self._listener.sockets if self._listener is not None else ()
        if not sockets:
            raise SetupError("the router is not listening")
        return describe_url(*sockets[0].getsockname()[:2], secure=self._tls is not None)

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
        """Follow the routes and probe; serve once they were read, or could not be for 2 s.

        Who connects meanwhile waits instead of being refused for want of a backend.

        Raises:
            SetupError: The address can't be listened on.
        """
        options, several = self._options, len(self._sources) > 1
        if options.tls:
            self._tls = ListenerTls(options.tls, authority=options.client_authority)
        if options.backend_tls is not None:
            self._trust = BackendTrust(options.backend_tls)
        self.steerings = [
            self._make_steering(read, number if several else 0)
            for number, read in enumerate(self._sources, start=1)
        ]
        for steering in self.steerings:
            steering.neighbours = self.steerings
        self._trace()
        self._site = Site(self.steerings, self.events)
        self._find_way = self._make_find_way()
        await self._listen_admin()
        sockets = await self._bind_all()
        for steering in self.steerings:
            steering.start()
        await self._await_routes()
        self._listener = self._open(sockets)
        self._writing = asyncio.create_task(self._write_logs())
        self._tending = asyncio.create_task(self._tend_certificates())

    async def stop(self) -> None:
        """Stop listening, wait for requests under way up to the bound, and close everything.

        Who has connected by then is served: requests under way are those, too, that wait to be
        accepted or read, and those that come on open connections within `Timeouts.farewell`.
        """
        left = self._stop_listening()
        if self._admin is not None:
            self._admin.close()
        for steering in self.steerings:
            steering.traffic.closing = True
        for client in list(self.traffic.clients):
            client.take_leave()
        await self._drain(left)
        for steering in self.steerings:
            await steering.close()
        for task in (self._writing, self._tending):
            task.cancel()
        await asyncio.gather(self._writing, self._tending, return_exceptions=True)
        self._flush()
        if self._spans is not None:
            await asyncio.to_thread(self._spans.close)

    def _trace(self) -> None:
        if self._options.open_spans is not None:
            self._spans = self._options.open_spans()
            for steering in self.steerings:
                steering.traffic.tracer = Tracer(self._spans, self._rng)

    @property
    def traffic(self) -> Traffic:
        """What its connections share, once it was started: the first deployment's."""
        return self.steerings[0].traffic

    def _make_steering(self, read: ReadRoutes, number: int, **more: Any) -> Steering:
        return Steering(
            read,
            events=self.events,
            options=self._options,
            rng=self._rng,
            log=self._log.add if self._log is not None else None,
            number=number,
            tls=self._trust.context if self._trust is not None else None,
            **more,
        )

    async def _listen_admin(self) -> None:
        if self._options.admin is None:
            return
        desk = AdminDesk(
            self._find_orders,
            self.events,
            show=self._site.show,
            now=self.traffic.now,
            token=None if self._options.admin.path is not None else self._options.token,
        )
        self._admin = open_admin_server(
            self._options.admin, self.traffic, desk.find_page, tell=self._tell_full
        )

    def _find_orders(self, name: str) -> AdminOrders | Refusal:
        found = [s for s in self.steerings if name in (s.name, "")]
        if len(found) != 1:
            known = ", ".join(s.name for s in self.steerings)
            return Refusal(404, f"say which deployment is meant; there are: {known}")
        traffic = found[0].traffic
        return AdminOrders(traffic.fleet, self.events, abandon=traffic.abandon_member)

    async def _bind_all(self) -> list[socket.socket]:
        try:
            return await self._bind()
        except OSError as error:
            if self._admin is not None:
                self._admin.close()
            raise SetupError(
                f"{self._options.host}:{self._options.port} can't be listened on: {error.strerror}",
                hint="Choose another address with --listen.",
            ) from error

    async def _bind(self) -> list[socket.socket]:
        return await bind_all(self._options.host, self._options.port)

    async def _await_routes(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FIRST_READ_SECONDS):
                for steering in self.steerings:
                    await steering.follower.tried.wait()

    def _open(self, sockets: Sequence[socket.socket]) -> Listener:
        return Listener(sockets, self._connect, tell=self._tell_full, context=self._context)

    def _connect(self) -> ClientConnection:
        return ClientConnection(self.traffic, self._find_way)

    def _tell_full(self, why: str) -> None:
        self.events.add(Kind.STATE, "listener", "new connections wait", cause=why, by="router")

    @property
    def _context(self) -> ssl.SSLContext | None:
        return self._tls.context if self._tls is not None else None

    def _make_find_way(self) -> FindWay:
        return Reception(self.steerings, self._site.find_page).find_way

    async def _until(self, stop: asyncio.Event) -> None:
        waiting = asyncio.create_task(stop.wait())
        done, _ = await asyncio.wait(
            [waiting, self._writing, self._tending, *(t for s in self.steerings for t in s.tasks)],
            return_when=asyncio.FIRST_COMPLETED,
        )
        waiting.cancel()
        for task in done:
            task.result()

    def _stop_listening(self) -> list[Listener]:
        """Let in who waits to be, and nobody else; return what may still be about it."""
        left = [self._listener] if self._listener is not None else []
        for listener in left:
            listener.close()
        return left

    async def _drain(self, left: Sequence[Listener]) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._options.drain_seconds):
                for listener in left:
                    await listener.joined()
                for steering in self.steerings:
                    await steering.traffic.drained()
        for client in list(self.traffic.clients):
            client.abort()
        await asyncio.sleep(0)  # for the connections to hear of it

    async def _tend_certificates(self) -> None:
        """Read renewed files, and say once a day what ends soon."""
        held = [held for held in (self._tls, self._trust) if held is not None]
        for again in itertools.count():
            for each in held:
                warned = each.warn(self._clock.now()) if again % _WARN_EVERY == 0 else ()
                for line in [*each.refresh(), *warned]:
                    self.events.add(Kind.STATE, "certificates", line, by="files")
            await asyncio.sleep(_TEND_SECONDS)

    async def _write_logs(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            self._flush()

    def _flush(self) -> None:
        if self._log is not None:
            self._log.flush()
        self.events.flush()


def describe_url(host: str, port: int, *, secure: bool = False) -> str:
    """Return the URL of what listens there."""
    scheme = "https" if secure else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _tell_stderr(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
