"""What the router costs, beside HAProxy and Envoy as we configure them, on one thread each.

Everything runs in the same minutes on the same machine, each in a process of its own: a router on
one processor, the backend and the client on the other. The client is `_Load`, 32 keep-alive
connections, and comes to each router in turn, several times: the medians are shown. It is often the
slowest of them, so the honest figure is the router's CPU time per request, and the ratio is of
those: how many requests a core carries, relative to HAProxy's, to Envoy's, and to those of a proxy
of FastAPI and httpx, the usual shape of a few lines (``uv sync --group bench``). A last table has
one connection, and what each router adds to an answer's time. Absolute numbers belong to the
machine.

    make compiled                # for the row of that name
    python -m tests.bench router
"""

import asyncio
import contextlib
import importlib.util
import multiprocessing
import os
import random
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Self, cast

from deployer.errors import SetupError
from deployer.providers.local.clock import SystemClock
from deployer.release.records import Backend, RouteSettings
from deployer.routing.capabilities import RUN, Engine
from deployer.routing.conduct import make_conduct
from deployer.routing.direct_loop import run_main
from deployer.routing.endpoints import Resolver
from deployer.routing.engines.build import build_plane
from deployer.routing.engines.waiting import wait_until
from deployer.routing.health import State
from deployer.routing.plane import Orders
from deployer.routing.router import Router, RouterOptions
from deployer.routing.static import make_routes

__all__ = ["Measured", "Served", "bench_router", "main", "pinned", "started"]

Usage = tuple[float, float]
CONNECTIONS = 32
SIZES = (100, 10_000)
BODY = b'{"inputs":[{"name":"x","shape":[1,4],"datatype":"FP64","data":[5.1,3.5,1.4,0.2]}]}'
HEAD = b"POST /v2/models/iris/infer HTTP/1.1\r\nHost: iris\r\nContent-Type: application/json\r\n"
TAIL = b"Content-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
REQUEST = HEAD + TAIL
VARIED = "no two alike"
"""The embedded plane again, with an id of its own in each request's head: nothing can be known."""
LOGGED = "with a log"
"""The embedded plane once more, with a line per request into nowhere."""
COMPILED = Path(__file__).parents[2] / ".compiled"
"""Where `make compiled` puts the embedded plane with the path of a request compiled."""
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: requests per second, latencies in ms, and the router's CPU µs per request."""

    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float = 0.0
    memory_mib: float = 0.0


def bench_router(
    size: int, seconds: float = 1.0, rounds: int = 5, connections: int = CONNECTIONS
) -> dict[str, Measured]:
    """Measure answers of ``size`` bytes: directly, and through each engine that is installed."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(pinned(0))
        backend = stack.enter_context(Served(_serve_backend, size))
        routers = {"direct": (backend.port, lambda: (0.0, 0.0))}
        for engine in RUN:
            with contextlib.suppress(SetupError):
                routers[engine] = stack.enter_context(started(engine, backend.port))
        routers[LOGGED] = stack.enter_context(started(Engine.EMBEDDED, backend.port, logged=True))
        if COMPILED.is_dir():
            with _imported_from(COMPILED):
                for name, logged in (("compiled", False), ("compiled, log", True)):
                    one = started(Engine.EMBEDDED, backend.port, logged=logged)
                    routers[name] = stack.enter_context(one)
        if importlib.util.find_spec("fastapi") is not None:
            with pinned(1):
                usual = stack.enter_context(Served(_serve_fastapi, backend.port))
            routers[_FASTAPI] = (usual.port, lambda: _usage_of([usual.pid]))
        routers[VARIED] = routers[Engine.EMBEDDED]
        runs: dict[str, list[Measured]] = {name: [] for name in routers}
        for again in range(rounds + 1):
            for name, (port, use) in routers.items():
                ask = partial(_measure, port, size, seconds, connections, varied=name == VARIED)
                run = _measure_with(use, ask, seconds)
                runs[name] += [run] if again else []  # the first warms up
    return {name: _median(found) for name, found in runs.items()}


def _measure_with(
    use: Callable[[], Usage], ask: Callable[[], Measured], seconds: float
) -> Measured:
    before = use()
    run = ask()
    used = use()
    cpu_us = (used[0] - before[0]) * 1e6 / (run.per_second * seconds)
    return replace(run, cpu_us=cpu_us, memory_mib=used[1])


def _median(runs: list[Measured]) -> Measured:
    columns = [statistics.median(column) for column in zip(*map(astuple, runs), strict=True)]
    return Measured(*columns)


@contextlib.contextmanager
def pinned(processor: int) -> Iterator[None]:
    """Keep this process, and those it starts meanwhile, on one processor, if there are more."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {processor} & before or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextlib.contextmanager
def _imported_from(folder: Path) -> Iterator[None]:
    """Let processes that are started meanwhile find modules there first."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


@contextlib.contextmanager
def started(
    engine: Engine, backend_port: int, *, logged: bool = False
) -> Iterator[tuple[int, Callable[[], Usage]]]:
    """Yield the port of a router, and what tells its CPU seconds and MiB so far."""
    with contextlib.ExitStack() as stack:
        with pinned(1):
            found = stack.enter_context(_start(engine, backend_port, logged=logged))
        yield found


@contextlib.contextmanager
def _start(
    engine: Engine, backend_port: int, *, logged: bool
) -> Iterator[tuple[int, Callable[[], Usage]]]:
    if engine is Engine.EMBEDDED:
        with Served(_serve_router, backend_port, logged) as router:
            yield router.port, lambda: _usage_of([router.pid])
        return
    with tempfile.TemporaryDirectory(prefix="bench") as name:
        clock, folder = SystemClock(), Path(name)
        plane, _ = build_plane(
            engine, host="127.0.0.1", port=0, clock=clock, folder=folder, threads=1
        )
        endpoints = Resolver().make_endpoints([_backend(backend_port)])
        plane.start(Orders(make_conduct(RouteSettings(), fast=True), endpoints))
        try:
            wait_until(lambda: plane.look().backends[0].state is State.HEALTHY, 10.0, clock)
            port = int(plane.url.rpartition(":")[2])
            yield port, lambda: _usage_of(_processes_in(folder))
        finally:
            plane.stop(1.0)


def _processes_in(folder: Path) -> list[int]:
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if str(folder).encode() in file.read_bytes():
                found.append(int(file.parent.name))
    return found


def _usage_of(pids: list[int]) -> Usage:
    seconds, pages = 0.0, 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        seconds += (int(fields[11]) + int(fields[12])) / _TICKS
        pages += int(fields[21])
    return seconds, pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


class Served:
    """A server in a process of its own; tells its port."""

    def __init__(self, serve: Callable[..., None], *args: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, *args), daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        self.port = cast("int", self._pipe.recv())
        self.pid = cast("int", self._process.pid)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()


def _measure(
    port: int, size: int, seconds: float, connections: int = CONNECTIONS, *, varied: bool
) -> Measured:
    latencies = sorted(asyncio.run(_load(port, size, seconds, connections, varied=varied)))
    count = len(latencies)
    return Measured(
        count / seconds, latencies[count // 2] * 1e3, latencies[int(count * 0.99)] * 1e3
    )


async def _load(
    port: int, size: int, seconds: float, connections: int, *, varied: bool
) -> list[float]:
    loop = asyncio.get_running_loop()
    until = time.perf_counter() + seconds
    loads = [_Load(size, until, varied=varied) for _ in range(connections)]
    for load in loads:
        await loop.create_connection(lambda load=load: load, "127.0.0.1", port)  # type: ignore[misc]
    await asyncio.gather(*[load.done.wait() for load in loads])
    return [latency for load in loads for latency in load.latencies]


class _Load(asyncio.Protocol):
    """Asks again as soon as it is answered: at the end of the body."""

    def __init__(self, size: int, until: float, *, varied: bool) -> None:
        self._varied = varied
        self._size = size
        self._left = 0
        self.latencies: list[float] = []
        self.done = asyncio.Event()
        self._until = until
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._ask()

    def data_received(self, data: bytes) -> None:
        if self._left == 0:
            head, _, data = data.partition(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200 "):
                raise ValueError(f"unexpected answer {head[:80]!r}")
            self._left = self._size
        self._left -= len(data)
        if self._left > 0:
            return
        now = time.perf_counter()
        self.latencies.append(now - self._sent)
        if now < self._until:
            self._ask()
        else:
            self._transport.close()
            self.done.set()

    def _ask(self) -> None:
        self._sent = time.perf_counter()
        ident = b"X-Request-Id: %b\r\n" % self._sent.hex().encode() if self._varied else b""
        self._transport.write(HEAD + ident + TAIL)


class _Answers(asyncio.Protocol):
    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._request = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._request += data
        probe = self._request.startswith(b"GET") and self._request.endswith(b"\r\n\r\n")
        if probe or self._request.endswith(BODY):
            self._request = b""
            self._transport.write(self._answer)


def _serve_backend(pipe: Connection, size: int) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Answers(answer), "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())


def _backend(port: int) -> Backend:
    return Backend(target="a", release=1, url=f"http://127.0.0.1:{port}", weight=1)


def _serve_fastapi(pipe: Connection, backend_port: int) -> None:
    import fastapi  # noqa: PLC0415 - a peer, where it is installed
    import httpx  # noqa: PLC0415
    import uvicorn  # noqa: PLC0415

    app, there = fastapi.FastAPI(), f"http://127.0.0.1:{backend_port}"
    client = httpx.AsyncClient(base_url=there, limits=httpx.Limits(max_connections=None))

    async def pass_on(path: str, request: fastapi.Request) -> fastapi.Response:
        headers = {"content-type": request.headers["content-type"]}
        answer = await client.post(f"/{path}", content=await request.body(), headers=headers)
        return fastapi.Response(answer.content, answer.status_code)

    app.add_api_route("/{path:path}", pass_on, methods=["POST"])
    listening = socket.create_server(("127.0.0.1", 0), backlog=128)
    pipe.send(listening.getsockname()[1])
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    asyncio.run(server.serve([listening]))


def _serve_router(pipe: Connection, backend_port: int, logged: bool = False) -> None:  # noqa: FBT002 - over a pipe
    now = datetime(2026, 1, 1, tzinfo=UTC)
    routes = make_routes([_backend(backend_port)], settings=RouteSettings(), now=now)
    router = Router(
        lambda: routes,
        clock=SystemClock(),
        options=RouterOptions(port=0),
        rng=random.Random(1),
        tell=lambda _line: None,
        access_log=Path(os.devnull).open("wb") if logged else None,  # noqa: SIM115 - to the end
    )
    run_main(
        router.run(asyncio.Event(), ready=lambda: pipe.send(int(router.url.rpartition(":")[2])))
    )


def main() -> None:
    """Print a table per size of answer, and what each router adds to the time of one connection."""
    if not COMPILED.is_dir():
        print("compiled is left out: `make compiled` builds it", flush=True)
    for size in SIZES:
        rows = bench_router(size)
        peers = "".join(f"  of {peer}" for peer in _PEERS if peer in rows)
        print(f"{size:>6} bytes    requests/s   p50 ms   p99 ms   CPU µs   MiB{peers}")
        for name, row in rows.items():
            line = f"{name:<14}{row.per_second:>12,.0f}{row.p50_ms:>9.2f}{row.p99_ms:>9.2f}"
            print(line + (_costs(row, rows) if row.cpu_us else ""))
            sys.stdout.flush()
    rows = bench_router(SIZES[0], connections=1)
    least = rows.pop("direct").p50_ms
    added = ", ".join(f"{name} {row.p50_ms - least:.2f}" for name, row in rows.items())
    print(f"one connection, p50 {least:.2f} ms directly; added ms: {added}", flush=True)


_FASTAPI = "fastapi"
_PEERS = (Engine.HAPROXY, Engine.ENVOY, _FASTAPI)


def _costs(row: Measured, rows: dict[str, Measured]) -> str:
    peers = [(peer, rows[peer].cpu_us / row.cpu_us) for peer in _PEERS if peer in rows]
    ratios = "".join(f"{ratio:>{len(peer) + 5}.2f}" for peer, ratio in peers)
    return f"{row.cpu_us:>9.1f}{row.memory_mib:>6.0f}{ratios}"


if __name__ == "__main__":
    main()
