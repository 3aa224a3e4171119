"""Several processes behind one address: TLS, WebSockets, one count of callers, a spec's say."""

import asyncio
import contextlib
import os
import re
import signal
import socket
import ssl
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme

if TYPE_CHECKING:
    from tests.scenario.routing.conftest import Cast

BLOCK = "routing: {workers: 2, guard: {rate: {per_second: 0.2, burst: 10}}}\n"
POST = b"POST /infer HTTP/1.1\r\nHost: iris\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"
SHAKE = (
    b"GET /chat HTTP/1.1\r\nHost: iris\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
Tunnel = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def children_of(pid: int) -> list[int]:
    words = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    named = {int(word): Path(f"/proc/{word}/cmdline").read_bytes() for word in words}
    return [child for child, command in named.items() if b"spawn_main" in command]


@pytest.fixture(name="block")
def _block(cast: "Cast") -> list[str]:
    file = cast.folder / "routing.yaml"
    file.write_text(BLOCK)
    return ["--fast", "--routing", str(file), *cast.given_backends]


@pytest.fixture(name="context")
def _context(cast: "Cast") -> ssl.SSLContext:
    """What trusts the certificate that is put into the cast's folder."""
    authority, context = trustme.CA(), ssl.create_default_context()
    made = authority.issue_cert("localhost")
    made.private_key_and_cert_chain_pem.write_to_path(str(cast.folder / "cert.pem"))
    made.private_key_pem.write_to_path(str(cast.folder / "cert.key"))
    authority.configure_trust(context)
    return context


@contextlib.contextmanager
def ended(pid: int) -> Iterator[None]:
    """End a router's workers with it, whatever has become of the test."""
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            for child in children_of(pid):
                os.kill(child, signal.SIGKILL)


def test_a_block_asks_for_workers_which_count_callers_together(
    cast: "Cast", block: list[str]
) -> None:
    router = cast.start_router(*block)
    with ended(router.pid):
        assert len(children_of(router.pid)) == 2
        host, port = cast.url.removeprefix("http://").split(":")
        first = asyncio.run(ask_often(host, int(port), 40))
        assert 10 <= first["200"] <= 20  # at most a burst from each before it hears of the other
        time_to_hear = asyncio.run(ask_often(host, int(port), 10, after=0.4))
        assert time_to_hear == {"429": 10}
        assert cast.page("/-/status")["turned_away"]["too many requests"] >= 20
        router.terminate()
        assert router.wait(15) == 0


async def ask_often(host: str, port: int, count: int, after: float = 0.0) -> Counter[str]:
    await asyncio.sleep(after)
    seen = Counter[str]()
    for _ in range(count):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(POST)
        seen[(await reader.read(-1))[9:12].decode()] += 1
        writer.close()
    return seen


def test_tunnels_over_tls_outlive_a_worker_that_is_killed(
    cast: "Cast", context: ssl.SSLContext
) -> None:
    certificate = ["--tls-cert", f"{cast.folder}/cert.pem", "--tls-key", f"{cast.folder}/cert.key"]
    router = cast.start_router("--workers", "2", "--fast", *certificate, *cast.given_backends)
    with ended(router.pid):
        port = int(cast.url.rpartition(":")[2])
        assert cast.url.startswith("https://")
        workers = children_of(router.pid)
        asyncio.run(asyncio.wait_for(tell_and_kill(port, context, workers[0]), 30))
        assert "started again (killed by signal 9)" in cast.said


async def tell_and_kill(port: int, context: ssl.SSLContext, victim: int) -> None:
    tunnels = [await open_tunnel(port, context) for _ in range(12)]
    assert await say(tunnels, b"before") == 12
    began = time.monotonic()
    os.kill(victim, signal.SIGKILL)
    kept = await say(tunnels, b"after")
    assert 0 < kept < 12  # those of the other worker
    again = [await open_tunnel(port, context) for _ in range(6)]
    assert await say(again, b"again") == 6
    assert time.monotonic() - began < 10
    await asyncio.sleep(1.2)
    for _, writer in [*tunnels, *again]:
        writer.transport.abort()


def test_workers_that_end_leave_nobody_behind(cast: "Cast") -> None:
    router = cast.start_router("--workers", "2", "--fast", *cast.given_backends)
    with ended(router.pid):
        port = int(cast.url.rpartition(":")[2])
        first, second = children_of(router.pid)
        asyncio.run(asyncio.wait_for(ask_while_one_ends(port, first), 30))
        assert first in children_of(router.pid)  # its tunnels were open to the end
        waiting = [socket.create_connection(("127.0.0.1", port)) for _ in range(4)]
        os.kill(second, signal.SIGSTOP)
        waiting += [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
        for each in waiting:
            each.sendall(POST)
        router.terminate()
        os.kill(second, signal.SIGCONT)
        assert router.wait(15) == 0
        assert Counter(read_status(each) for each in waiting) == {"200": 24}
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))


async def ask_while_one_ends(port: int, leaver: int) -> None:
    tunnels = [await open_tunnel(port) for _ in range(12)]
    os.kill(leaver, signal.SIGTERM)
    await asyncio.sleep(0.5)
    assert await ask_often("127.0.0.1", port, 20) == {"200": 20}
    assert await say(tunnels, b"still here") == 12
    for _, writer in tunnels:
        writer.transport.abort()


def read_status(connection: socket.socket) -> str:
    with connection:
        connection.settimeout(10)
        return connection.recv(1000)[9:12].decode()


async def open_tunnel(port: int, context: ssl.SSLContext | None = None) -> Tunnel:
    name = "localhost" if context is not None else None
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=context, server_hostname=name
    )
    writer.write(SHAKE)
    assert re.match(rb"HTTP/1.1 101 ", await reader.readuntil(b"\r\n\r\n"))
    return reader, writer


async def say(tunnels: list[Tunnel], word: bytes) -> int:
    """Return through how many of them a word comes back."""
    heard = 0
    for reader, writer in tunnels:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            writer.write(word)
            heard += await reader.readexactly(len(word)) == word
    return heard
