"""The router: follows the routes, probes the backends, passes requests on, and drains."""

import asyncio
import contextlib
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from deployer.errors import SetupError
from deployer.ports import Clock
from deployer.release.records import Routes, RouteSettings
from deployer.routing.access_log import AccessLog
from deployer.routing.client import ClientConnection
from deployer.routing.fleet import Fleet, Member
from deployer.routing.follower import Follower, ReadRoutes
from deployer.routing.health import Rules, State
from deployer.routing.local_answer import Page
from deployer.routing.metrics import render_metrics
from deployer.routing.pages import describe_health, describe_readiness, describe_targets
from deployer.routing.prober import Pace, Prober
from deployer.routing.traffic import SWEEP_SECONDS, Timeouts, Traffic
from deployer.values import Json

__all__ = ["Router", "RouterOptions"]


@dataclass(frozen=True, slots=True)
class RouterOptions:
    """How a router is run.

    Attributes:
        port: 0 takes a free one.
        fast: Probe every second and judge sooner: a hanging backend is found within 3.5 s.
        snapshot: Where the last good routes are kept for a start without the state.
        drain_seconds: How long requests under way may take once the router is told to stop.
        probe_path: Instead of the path in the routes' settings.
        idempotent: Instead of what the routes' settings say.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    fast: bool = False
    snapshot: Path | None = None
    drain_seconds: float = 30.0
    probe_path: str | None = None
    idempotent: bool | None = None
    timeouts: Timeouts = field(default_factory=Timeouts)


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
        self._tell = tell or _tell_stderr
        self._log = AccessLog(access_log, clock) if access_log is not None else None
        self._settings = RouteSettings()
        self._server: asyncio.Server | None = None
        self._tasks: list[asyncio.Task[None]] = []

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
        loop = asyncio.get_running_loop()
        self._fleet = Fleet(
            rules=Rules.fast() if self._options.fast else Rules(),
            rng=self._rng,
            tell=self._tell,
            on_change=self._on_change,
        )
        self._traffic = Traffic(
            loop,
            self._fleet,
            self._rng,
            timeouts=self._options.timeouts,
            log=self._log.add if self._log is not None else None,
        )
        self._prober = Prober(
            self._fleet,
            pace=Pace.fast() if self._options.fast else Pace(),
            rng=self._rng,
            path=lambda: self._options.probe_path or self._settings.health_path,
        )
        self._follower = Follower(
            self._read_routes, self._apply, tell=self._tell, snapshot=self._options.snapshot
        )
        await self._listen(loop)
        self._tasks = [
            loop.create_task(self._follower.follow()),
            loop.create_task(self._traffic.sweep()),
            loop.create_task(self._write_log()),
        ]

    async def stop(self) -> None:
        """Stop listening, wait for requests under way up to the bound, and close everything."""
        if self._server is not None:
            self._server.close()
        self._traffic.closing = True
        for client in list(self._traffic.clients):
            client.close_if_idle()
        await self._drain()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._prober.close()
        self._fleet.close()
        if self._log is not None:
            self._log.flush()

    async def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        options = self._options
        try:
            self._server = await loop.create_server(
                lambda: ClientConnection(self._traffic, self._admin),
                options.host,
                options.port,
                backlog=1024,
            )
        except OSError as error:
            raise SetupError(
                f"{options.host}:{options.port} can't be listened on: {error.strerror}",
                hint="Choose another address with --listen.",
            ) from error

    async def _until(self, stop: asyncio.Event) -> None:
        waiting = asyncio.create_task(stop.wait())
        done, _ = await asyncio.wait([waiting, *self._tasks], return_when=asyncio.FIRST_COMPLETED)
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

    async def _write_log(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            if self._log is not None:
                self._log.flush()

    def _apply(self, routes: Routes) -> None:
        self._fleet.by_load = routes.settings.policy == "latency"
        self._fleet.limit = routes.settings.max_in_flight
        joined, left = self._fleet.apply(routes.backends, self._traffic.now())
        self._settings = routes.settings
        override = self._options.idempotent
        self._traffic.idempotent = routes.settings.idempotent if override is None else override
        for member in left:
            self._prober.forget(member)
        for member in joined:
            self._prober.watch(member)

    def _on_change(self, member: Member) -> None:
        if member.health.state is State.DOWN and not member.health.up:
            self._traffic.abandon_member(member)

    def _admin(self, path: bytes) -> Page:
        return lambda: self._page(path)

    def _page(self, path: bytes) -> tuple[int, Json]:
        now = self._traffic.now()
        match path:
            case b"/-/health":
                return describe_health(self._follower, self._fleet, now)
            case b"/-/ready":
                return describe_readiness(self._follower)
            case b"/-/targets":
                return describe_targets(self._follower, self._traffic, now)
            case b"/-/metrics":
                return 200, render_metrics(self._follower, self._traffic, now)
            case _:
                return 404, {"error": "no such page", "pages": list(_PAGES)}


_PAGES = ("/-/health", "/-/ready", "/-/targets", "/-/metrics")


def _tell_stderr(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
