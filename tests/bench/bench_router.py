"""What the router costs: requests per second and CPU per request, against the backend directly.

Everything runs in the same minute on the same machine: the backend, then the router in front of it,
each in a process of its own; the client is `_Load`, 32 keep-alive connections. Print the ratio; the
absolute numbers belong to the machine.

    python -m tests.bench router
"""

import asyncio
import multiprocessing
import random
import resource
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from typing import Any, Self, cast

from deployer.providers.local.clock import SystemClock
from deployer.release.records import Backend, RouteSettings
from deployer.routing.router import Router, RouterOptions
from deployer.routing.static import make_routes

__all__ = ["Measured", "bench_router", "main"]

CONNECTIONS = 32
BODY = b'{"inputs":[{"name":"x","shape":[1,4],"datatype":"FP64","data":[5.1,3.5,1.4,0.2]}]}'
REQUEST = (
    b"POST /v2/models/iris/infer HTTP/1.1\r\nHost: iris\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
)
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"x" * 100


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: requests per second, the latencies' median and 99th percentile in ms."""

    per_second: float
    p50_ms: float
    p99_ms: float


def bench_router(seconds: float = 3.0) -> dict[str, float]:
    """Measure both ways and return the figures: rates, ratio, and µs of router CPU per request."""
    with _Process(_serve_backend) as backend, _Process(_serve_router, backend.port) as router:
        _measure(router.port, 0.5)
        direct = _measure(backend.port, seconds)
        before = router.cpu_seconds()
        routed = _measure(router.port, seconds)
        used = router.cpu_seconds() - before
    return {
        "direct_per_second": direct.per_second,
        "routed_per_second": routed.per_second,
        "ratio": routed.per_second / direct.per_second,
        "router_cpu_us_per_request": used * 1e6 / (routed.per_second * seconds),
        "direct_p50_ms": direct.p50_ms,
        "routed_p50_ms": routed.p50_ms,
        "direct_p99_ms": direct.p99_ms,
        "routed_p99_ms": routed.p99_ms,
    }


class _Process:
    """A server in a process of its own; tells its port, and its CPU time when asked."""

    def __init__(self, serve: Callable[..., None], *args: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, *args), daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        self.port = cast("int", self._pipe.recv())
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()

    def cpu_seconds(self) -> float:
        self._pipe.send("cpu")
        return cast("float", self._pipe.recv())


def _measure(port: int, seconds: float) -> Measured:
    latencies = sorted(asyncio.run(_load(port, seconds)))
    count = len(latencies)
    return Measured(
        count / seconds, latencies[count // 2] * 1e3, latencies[int(count * 0.99)] * 1e3
    )


async def _load(port: int, seconds: float) -> list[float]:
    loop = asyncio.get_running_loop()
    until = time.perf_counter() + seconds
    loads = [_Load(until) for _ in range(CONNECTIONS)]
    for load in loads:
        await loop.create_connection(lambda load=load: load, "127.0.0.1", port)  # type: ignore[misc]
    await asyncio.gather(*[load.done.wait() for load in loads])
    return [latency for load in loads for latency in load.latencies]


class _Load(asyncio.Protocol):
    """Asks again as soon as it is answered. An answer is known by its last 100 bytes."""

    def __init__(self, until: float) -> None:
        self.latencies: list[float] = []
        self.done = asyncio.Event()
        self._until = until
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._ask()

    def data_received(self, data: bytes) -> None:
        if not data.startswith(b"HTTP/1.1 200 ") or not data.endswith(b"x" * 100):
            raise ValueError(f"unexpected answer {data[:80]!r}")
        now = time.perf_counter()
        self.latencies.append(now - self._sent)
        if now < self._until:
            self._ask()
        else:
            self._transport.close()
            self.done.set()

    def _ask(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(REQUEST)


class _Answers(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, _data: bytes) -> None:
        self._transport.write(ANSWER)


def _serve_backend(pipe: Connection) -> None:
    async def serve() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(_Answers, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())


def _serve_router(pipe: Connection, backend_port: int) -> None:
    backend = Backend(target="a", release=1, url=f"http://127.0.0.1:{backend_port}", weight=1)
    routes = make_routes([backend], settings=RouteSettings(), now=datetime(2026, 1, 1, tzinfo=UTC))
    router = Router(
        lambda: routes,
        clock=SystemClock(),
        options=RouterOptions(port=0),
        rng=random.Random(1),
        tell=lambda _line: None,
    )
    threading.Thread(target=_tell_cpu, args=(pipe,), daemon=True).start()
    asyncio.run(
        router.run(asyncio.Event(), ready=lambda: pipe.send(int(router.url.rpartition(":")[2])))
    )


def _tell_cpu(pipe: Connection) -> None:
    while True:
        pipe.recv()
        usage = resource.getrusage(resource.RUSAGE_SELF)
        pipe.send(usage.ru_utime + usage.ru_stime)


def main() -> None:
    """Print the figures, one a line."""
    for name, value in bench_router().items():
        sys.stdout.write(f"router.{name:<28}{value:>12.3f}\n")


if __name__ == "__main__":
    main()
