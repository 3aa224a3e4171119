"""A router, scripted backends and raw clients, all in one event loop on loopback."""

import asyncio
import contextlib
import io
import json
import os
import random
import resource
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deployer.providers.local.clock import SystemClock
from deployer.release.records import Backend, Routes, RouteSettings
from deployer.routing.conduct import Conduct
from deployer.routing.direct_loop import run_main
from deployer.routing.endpoints import Resolver
from deployer.routing.plane import Orders
from deployer.routing.router import Router, RouterOptions
from deployer.routing.static import parse_backend
from deployer.routing.traffic import Timeouts

Handler = Callable[[bytes, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
HEALTH = b"/v2/health/ready HTTP/1.1\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def answer_ok(_head: bytes, _reader: asyncio.StreamReader, writer: Any) -> None:
    writer.write(OK)


class ScriptedBackend:
    """A server that answers probes by itself and everything else by its script."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.heads: list[bytes] = []
        self.asked = asyncio.Event()
        self.connections = 0
        self.writers: list[asyncio.StreamWriter] = []
        self.healthy = True
        self.url = ""
        self.server: asyncio.Server | None = None

    def kill(self) -> None:
        """Refuse connections from now on, and break those there are."""
        if self.server is not None:
            self.server.close()
        for writer in self.writers:
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                if HEALTH in head:
                    status = b"200 OK" if self.healthy else b"500 Broken"
                    writer.write(b"HTTP/1.1 %b\r\nContent-Length: 0\r\n\r\n" % status)
                    continue
                self.heads.append(head)
                self.asked.set()
                await self.handler(head, reader, writer)
        writer.close()


class Talk:
    """A client's connection to the router, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def head(self) -> bytes:
        return await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 10)

    async def exactly(self, count: int) -> bytes:
        return await asyncio.wait_for(self.reader.readexactly(count), 10)

    async def until(self, end: bytes) -> bytes:
        return await asyncio.wait_for(self.reader.readuntil(end), 10)

    async def rest(self) -> bytes:
        """All until the router closes; a reset counts as an end."""
        parts = []
        with contextlib.suppress(ConnectionError):
            while part := await asyncio.wait_for(self.reader.read(65536), 10):
                parts.append(part)
        return b"".join(parts)

    def close(self) -> None:
        self.writer.close()


class Rig:
    def __init__(self, stack: contextlib.AsyncExitStack) -> None:
        self._stack = stack
        self.router: Router
        self.backends: list[ScriptedBackend] = []
        self.talks: list[Talk] = []
        self.told: list[str] = []
        self.log = io.BytesIO()
        self.routes: Routes | Exception = self.make_routes([])
        self.readable = threading.Event()
        self.readable.set()

    async def backend(self, handler: Handler = answer_ok, *, port: int = 0) -> ScriptedBackend:
        backend = ScriptedBackend(handler)
        server = await asyncio.start_server(backend.serve, "127.0.0.1", port)
        self._stack.callback(server.close)
        self.backends.append(backend)
        backend.server = server
        backend.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        return backend

    async def hang_up(self) -> None:
        """Close every connection that a test left open."""
        for writer in [w for b in self.backends for w in b.writers] + [
            t.writer for t in self.talks
        ]:
            writer.transport.abort()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def dead_url(self) -> str:
        """A URL at which nobody listens."""
        server = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        return f"http://127.0.0.1:{port}"

    def make_routes(
        self,
        urls: list[str],
        *,
        epoch: int = 1,
        idempotent: bool = False,
        release: int = 1,
        **settings: Any,
    ) -> Routes:
        backends = [
            Backend(target=f"t{i}", release=release, url=url, weight=1)
            for i, url in enumerate(urls)
        ]
        return Routes(
            name="iris",
            epoch=epoch,
            written=datetime(2026, 1, 1, tzinfo=UTC),
            settings=RouteSettings(idempotent=idempotent, **settings),
            backends=tuple(backends),
        )

    def read_routes(self) -> Routes:
        self.readable.wait(10)
        if isinstance(self.routes, Exception):
            raise self.routes
        return self.routes

    async def start(
        self, *urls: str, idempotent: bool = False, settle: bool = True, **options: Any
    ) -> None:
        """Start a router in front of ``urls``; wait until each was probed, if told to settle."""
        if urls:
            self.routes = self.make_routes(list(urls), idempotent=idempotent)
        self.router = Router(
            self.read_routes,
            clock=SystemClock(),
            options=RouterOptions(**{"port": 0, "drain_seconds": 1.0, **options}),
            rng=random.Random(7),
            tell=self.told.append,
            access_log=self.log,
        )
        await self.router.start()
        self._stack.push_async_callback(self.router.stop)
        if settle:
            await self.until(self._settled)

    async def _settled(self) -> bool:
        backends = (await self.targets())["backends"]
        return bool(backends) and all(
            backend["state"] != "unknown"
            or ("probe" in backend["reason"] and backend["reason"] != "not probed yet")
            for backend in backends
        )

    async def until(self, check: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(10):
            while not await check():  # noqa: ASYNC110 - what is asked has no event
                await asyncio.sleep(0.01)

    def logged(self) -> str:
        """All that was written to the access log."""
        return self.log.getvalue().decode()

    async def talk(self) -> Talk:
        host, port = self.router.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port), limit=1 << 20)
        self.talks.append(Talk(reader, writer))
        return self.talks[-1]

    async def ask(self, request: bytes) -> bytes:
        """Send on a connection of its own; return all that comes until the router closes."""
        talk = await self.talk()
        talk.send(request)
        return await talk.rest()

    async def get(self, path: str = "/", *fields: str) -> bytes:
        lines = "".join(f"{field}\r\n" for field in (*fields, "Connection: close"))
        return await self.ask(f"GET {path} HTTP/1.1\r\nHost: iris\r\n{lines}\r\n".encode())

    async def post(self, body: bytes = b"{}", *fields: str) -> bytes:
        lines = "".join(f"{f}\r\n" for f in (*fields, f"Content-Length: {len(body)}"))
        head = f"POST /infer HTTP/1.1\r\nHost: iris\r\nConnection: close\r\n{lines}\r\n"
        return await self.ask(head.encode() + body)

    async def targets(self) -> dict[str, Any]:
        body = (await self.get("/-/status")).partition(b"\r\n\r\n")[2]
        document: dict[str, Any] = json.loads(body)
        return document


@contextlib.asynccontextmanager
async def _rig() -> AsyncIterator[Rig]:
    async with contextlib.AsyncExitStack() as stack:
        rig = Rig(stack)
        try:
            yield rig
        finally:
            await rig.hang_up()


@pytest.fixture(name="drive")
def _drive() -> Callable[[Callable[[Rig], Awaitable[None]]], None]:
    """Run a story in an event loop of its own, within 30 s; clean up whatever it started."""

    async def play(story: Callable[[Rig], Awaitable[None]]) -> None:
        async with asyncio.timeout(30), _rig() as rig:
            await story(rig)

    def drive(story: Callable[[Rig], Awaitable[None]]) -> None:
        run_main(play(story))

    return drive


@pytest.fixture(name="short")
def _short() -> Timeouts:
    return Timeouts(connect=0.5, first_byte=0.3, idle=0.3, linger=0.3, farewell=0.1, hold=0.3)


@contextlib.contextmanager
def _exhaust_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(file.name) for file in Path("/proc/self/fd").iterdir())
    gaps = [os.open(os.devnull, os.O_RDONLY) for _ in range(highest)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(gaps) + 1, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for gap in gaps:
            os.close(gap)


@pytest.fixture(name="no_more_files")
def _no_more_files() -> Callable[[], contextlib.AbstractContextManager[None]]:
    """Return what lets this process open no more files meanwhile."""
    return _exhaust_files


MakeOrders = Callable[..., Orders]


@pytest.fixture
def make_orders() -> MakeOrders:
    """Return what makes orders: ``make_orders("a=http://10.0.0.1:80", tiers=(0,), fast=…)``."""

    def make(*texts: str, tiers: tuple[int, ...] = (), **conduct: Any) -> Orders:
        backends = [parse_backend(text) for text in texts]
        tiered = [
            backend.model_copy(update={"tier": tier})
            for backend, tier in zip(backends, tiers or [0] * len(backends), strict=True)
        ]
        resolver = Resolver(lambda host, _port: [host if host[0].isdigit() else "10.9.9.9"])
        return Orders(Conduct(**conduct), resolver.make_endpoints(tiered))

    return make
