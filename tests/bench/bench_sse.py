"""What streams of tokens wait for: 100 streams of 50 events a second through every engine.

The backend writes its clock into each event and the client subtracts; both are on this machine, so
it is one clock. What the machine itself adds, the same streams show without an engine: turns with
and without one alternate, and what an engine adds is the difference within a turn, at the same
quantile. The events of the streams are spread over time, or each would wait here for those before
it. Then what open connections cost: the embedded engine's memory with 1000 that are idle, and
10,000 idle streams through two workers.

    python -m tests.bench sse
"""

import asyncio
import contextlib
import random
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from deployer.errors import SetupError
from deployer.routing.capabilities import RUN, Engine
from tests.bench.bench_router import Served, Usage, pinned, started

__all__ = ["bench_lag", "main"]

STREAMS = 100
EVERY_SECONDS = 0.02
IDLE_STREAMS = 10_000
_SECONDS = 2.0
_TURNS = 5
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_ASK = b"GET /%b HTTP/1.1\r\nHost: iris\r\n\r\n"
_EVENT = re.compile(rb"data: (\d+\.\d+)")
_Turn = tuple[tuple[float, float], tuple[float, float]]
"""The 50th and 99th percentile without an engine, and through it."""

_CLI = [sys.executable, "-c", "from deployer.cli.app import main; main()", "router", "serve"]


def bench_lag(port: int) -> list[float]:
    """Return how many ms each event took from the backend to here, sorted."""
    return sorted(asyncio.run(_listen(port, STREAMS, _SECONDS)))


async def _listen(port: int, streams: int, seconds: float) -> list[float]:
    heard = await asyncio.gather(*[_follow(port, seconds) for _ in range(streams)])
    return [lag for lags in heard for lag in lags]


async def _follow(port: int, seconds: float) -> list[float]:
    lags: list[float] = []
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(_ASK % b"stream")
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while line := await reader.readline():
                if found := _EVENT.match(line):
                    lags.append((time.monotonic() - float(found[1])) * 1e3)
    writer.transport.abort()
    return lags


def _serve_streams(pipe: Connection) -> None:
    asyncio.run(_serve(pipe))


async def _serve(pipe: Connection) -> None:
    _raise_limit()
    server = await asyncio.start_server(_answer, "127.0.0.1", 0, backlog=4096)
    pipe.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            if b" /idle" in head:
                writer.write(_HEAD)
            elif b" /stream" in head:
                writer.write(_HEAD)
                await _pour(writer)
            else:
                writer.write(_OK)
    writer.close()


async def _pour(writer: asyncio.StreamWriter) -> None:
    loop = asyncio.get_running_loop()
    due = loop.time() + random.uniform(0.0, EVERY_SECONDS)
    while not writer.is_closing():
        await asyncio.sleep(max(0.0, due - loop.time()))
        due += EVERY_SECONDS
        event = b"data: %f %b\n\n" % (time.monotonic(), b"x" * 80)
        writer.write(b"%x\r\n%b\r\n" % (len(event), event))


async def _open(port: int, path: bytes, count: int) -> list[asyncio.StreamWriter]:
    """Return so many connections that were answered and stay open."""
    writers = []
    for _ in range(count):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(_ASK % path)
        async with asyncio.timeout(30):
            head = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head:
            raise ValueError(f"unexpected answer {head[:80]!r}")
        writers.append(writer)
    return writers


def _raise_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def _hold_idle(backend_port: int) -> None:
    with contextlib.ExitStack() as stack:
        port, use = stack.enter_context(started(Engine.EMBEDDED, backend_port))
        writers = await _open(port, b"", 1)
        before = use()[1]
        writers += await _open(port, b"", 1000)
        print(f"1000 idle connections: {before:.0f} MiB before, {use()[1]:.0f} MiB with them")
        for writer in writers:
            writer.transport.abort()


def _hold_streams(backend_port: int, folder: Path) -> None:
    routing = folder / "routing.yaml"
    routing.write_text(f"routing: {{max_in_flight: {2 * IDLE_STREAMS}}}\n")
    command = [*_CLI, "--listen", "127.0.0.1:0", "--workers", "2", "--probe-path", "/"]
    command += ["--backend", f"a=http://127.0.0.1:{backend_port}", "--routing", str(routing)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as router:
        try:
            lines = iter(router.stderr.readline, "") if router.stderr is not None else ()
            found = next(m for line in lines if (m := re.search(r"listening on .*:(\d+)", line)))
            asyncio.run(_hold(int(found[1]), router.pid))
        finally:
            router.terminate()


async def _hold(port: int, pid: int) -> None:
    began = time.monotonic()
    writers = await _open(port, b"idle", IDLE_STREAMS)
    took = time.monotonic() - began
    print(f"{len(writers)} idle streams on two workers: opened in {took:.0f} s")
    print(f"MiB of the router's processes: {_list_memory(pid)}")
    for writer in writers:
        writer.transport.abort()


def _list_memory(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [_memory_of(each) for each in [str(pid), *children]]


def _memory_of(pid: str) -> int:
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) // 1024 if found else 0


def main() -> None:
    """Print a row per engine, and what open connections cost."""
    _raise_limit()
    with pinned(0), Served(_serve_streams) as backend:
        print(f"{STREAMS} streams, medians of {_TURNS} turns of {_SECONDS:g} s; lags in ms")
        print(f"{'':<10}{'direct p50/p99':>18}{'plane p50/p99':>18}{'added p50/p99':>18}  us/event")
        for engine in RUN:
            with contextlib.suppress(SetupError), started(engine, backend.port) as (port, use):
                _compare(engine, backend.port, port, use)
        asyncio.run(_hold_idle(backend.port))
    with Served(_serve_streams) as backend, tempfile.TemporaryDirectory() as folder:
        _hold_streams(backend.port, Path(folder))


def _compare(name: str, direct: int, plane: int, use: Callable[[], Usage]) -> None:
    turns, cpu_us = list[_Turn](), list[float]()
    for _ in range(_TURNS):
        alone, before = _quantiles(bench_lag(direct)), use()[0]
        lags = bench_lag(plane)
        cpu_us.append((use()[0] - before) * 1e6 / len(lags))
        turns.append((alone, _quantiles(lags)))
    cells = [
        "/".join(f"{statistics.median(pick(turn, at) for turn in turns):.2f}" for at in (0, 1))
        for pick in (_alone, _through, _added)
    ]
    row = "".join(f"{cell:>18}" for cell in cells)
    print(f"{name:<10}{row}{statistics.median(cpu_us):>10.0f}", flush=True)


def _quantiles(lags: list[float]) -> tuple[float, float]:
    return lags[len(lags) // 2], lags[int(len(lags) * 0.99)]


def _alone(turn: _Turn, at: int) -> float:
    return turn[0][at]


def _through(turn: _Turn, at: int) -> float:
    return turn[1][at]


def _added(turn: _Turn, at: int) -> float:
    return turn[1][at] - turn[0][at]


if __name__ == "__main__":
    main()
