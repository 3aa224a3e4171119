"""Ten minutes of mixed load while backends fail by chance, from a seed: what is left afterwards?

Predictions on kept and on new connections, bodies that fit one read and bodies that don't, bodies
in chunks, streams of events, WebSockets, clients that read slowly and clients that leave, in the
middle of what they send or of what they get; half of it by one router and half by another that
speaks TLS. Meanwhile at most two of three backends at a time are killed, stopped, or answer
wrongly. Nobody may be left without an answer (or, once it began, without seeing that it was broken
off), and when all is over each router holds what it held before: memory, file descriptors, requests
in flight. It exits with 1 if one does not.

    python -m tests.bench soak
    SOAK_MINUTES=2 SOAK_SEED=7 python -m tests.bench soak
"""

import asyncio
import contextlib
import json
import os
import random
import re
import signal
import ssl
import tempfile
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import trustme

from tests.scenario.routing.conftest import Cast, guarded

__all__ = ["Soak", "main"]

MODES = ("500", "503", "close", "part", "wait", "slow")
PATIENCE_SECONDS = 90.0
"""Longer than the router's own patience: whoever waits so long was forgotten."""

_LARGE = b"x" * (300 << 10)
_LOOKS = 10
_CALM_LOOKS, _CALM_SECONDS = 10, 0.13
_SLACK_MIB = 24.0
_QUIET_SECONDS = 70.0
"""After the load: longer than a request may wait, or an idle connection lasts."""


class Soak:
    """The load, the faults, and what was seen of both."""

    def __init__(self, cast: Cast, fronts: "list[Front]", seed: int) -> None:
        self._cast = cast
        self._rng = random.Random(seed)
        self._faulty: set[int] = set()
        self._ended = asyncio.Event()
        self.answers: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self._fronts = fronts

    async def run(self, seconds: float, look: Callable[[], object]) -> None:
        """Send and break for so long; ``look`` is called ten times on the way."""
        kinds = (
            self._keep,
            self._keep,
            self._once,
            self._send_much,
            self._send_chunks,
            self._listen,
            self._talk,
            self._read_slowly,
            self._leave,
            self._leave_stream,
        )
        tasks = [asyncio.create_task(self._repeat(kind)) for kind in kinds for _ in range(3)]
        tasks += [asyncio.create_task(self._break(index)) for index in range(3)]
        for _ in range(_LOOKS):
            await asyncio.sleep(seconds / _LOOKS)
            look()
        self._ended.set()
        await asyncio.gather(*tasks)

    # ---- clients

    async def _repeat(self, kind: Callable[[], Awaitable[None]]) -> None:
        while not self._ended.is_set():
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await kind()
            except TimeoutError:
                self.answers["none"] += 1
            except asyncio.IncompleteReadError:
                self.answers["broken off, and seen to be"] += 1
            except OSError as error:
                self.answers[type(error).__name__] += 1
            await asyncio.sleep(self._rng.uniform(0.02, 0.1))

    async def _keep(self) -> None:
        async with self._connect() as (reader, writer):
            for _ in range(20):
                writer.write(_request(b"{}"))
                status = await self._note(reader)
                if status is None or self._ended.is_set():
                    return

    async def _once(self) -> None:
        async with self._connect() as (reader, writer):
            writer.write(_request(b"{}", close=True))
            await self._note(reader)

    async def _send_much(self) -> None:
        async with self._connect() as (reader, writer):
            writer.write(_request(_LARGE))
            await self._note(reader)

    async def _send_chunks(self) -> None:
        async with self._connect() as (reader, writer):
            writer.write(_POST + b"Transfer-Encoding: chunked\r\n\r\n")
            for _ in range(self._rng.randrange(1, 20)):
                part = b"x" * self._rng.randrange(1, 20_000)
                writer.write(b"%x\r\n%b\r\n" % (len(part), part))
                await asyncio.sleep(0)
            writer.write(b"0\r\n\r\n")
            await self._note(reader)

    async def _listen(self) -> None:
        async with self._connect() as (reader, writer):
            writer.write(_LISTEN)
            await self._note(reader, "stream ")

    async def _talk(self) -> None:
        async with self._connect() as (reader, writer):
            writer.write(_SHAKE)
            head = await reader.readuntil(b"\r\n\r\n")
            if head[9:12] != b"101":
                await _read_body(head, reader)
                self.answers[f"tunnel {head[9:12].decode()}"] += 1
                return
            for _ in range(self._rng.randrange(1, 10)):
                said = self._rng.randbytes(self._rng.randrange(1, 50_000))
                writer.write(said)
                if await reader.readexactly(len(said)) != said:
                    self.answers["tunnel garbled"] += 1
            self.answers["tunnel 101"] += 1

    async def _leave_stream(self) -> None:
        async with self._connect() as (reader, writer):
            writer.write(_LISTEN)
            await reader.read(self._rng.randrange(1, 1000))
        self.answers["left"] += 1

    async def _read_slowly(self) -> None:
        async with self._connect() as (reader, writer):
            writer.write(_request(b"{}"))
            await asyncio.sleep(self._rng.uniform(0.2, 1.0))
            await self._note(reader)

    async def _leave(self) -> None:
        async with self._connect() as (_, writer):
            writer.write(_request(_LARGE)[: self._rng.randrange(20, len(_LARGE))])
            await asyncio.sleep(self._rng.uniform(0.0, 0.2))
        self.answers["left"] += 1

    @contextlib.asynccontextmanager
    async def _connect(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        front = self._rng.choice(self._fronts)
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", front.port, ssl=front.trust, server_hostname=front.trust and "localhost"
        )
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    async def _note(self, reader: asyncio.StreamReader, kind: str = "") -> str | None:
        """Read an answer and count it; None when no other can follow on this connection."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            self.answers["closed without an answer"] += 1
            return None
        status = head[9:12].decode()
        try:
            await _read_body(head, reader)
        except asyncio.IncompleteReadError:
            self.answers["broken off, and seen to be"] += 1
            return None
        self.answers[kind + status] += 1
        return None if b"connection: close" in head.lower() else status

    # ---- faults

    async def _break(self, index: int) -> None:
        while not self._ended.is_set():
            await self._pause(self._rng.uniform(0.5, 6.0))
            if len(self._faulty) > 1 or self._ended.is_set():
                continue
            self._faulty.add(index)
            await self._act(index, self._rng.choice(("kill", "stop", *MODES)))
            self._faulty.discard(index)

    async def _act(self, index: int, fault: str) -> None:
        self.faults[fault] += 1
        backend, seconds = self._cast.backends[index], self._rng.uniform(0.5, 4.0)
        if fault == "kill":
            backend.kill()
            await self._pause(seconds)
            await asyncio.to_thread(self._cast.restart_backend, index)
        elif fault == "stop":
            backend.send_signal(signal.SIGSTOP)
            await self._pause(seconds)
            backend.send_signal(signal.SIGCONT)
        else:
            await asyncio.to_thread(self._cast.set_mode, index, fault)
            await self._pause(seconds)
            await asyncio.to_thread(self._cast.set_mode, index, "ok")

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ended.wait()


async def _read_body(head: bytes, reader: asyncio.StreamReader) -> None:
    found = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    if found:
        await reader.readexactly(int(found[1]))
        return
    while int(await reader.readuntil(b"\r\n"), 16):
        await reader.readuntil(b"\r\n")
    await reader.readuntil(b"\r\n")


_POST = b"POST /infer HTTP/1.1\r\nHost: iris\r\n"
_LISTEN = b"GET /stream HTTP/1.1\r\nHost: iris\r\n\r\n"
_SHAKE = (
    b"GET /talk HTTP/1.1\r\nHost: iris\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def _request(body: bytes, *, close: bool = False) -> bytes:
    more = b"Connection: close\r\n" if close else b""
    return _POST + b"Content-Length: %d\r\n%b\r\n" % (len(body), more) + body


@dataclass(frozen=True)
class Front:
    """A router, and how clients trust it; they need not where it speaks no TLS."""

    name: str
    pid: int
    port: int
    trust: ssl.SSLContext | None = None

    def list_holdings(self) -> "Holdings":
        """Return what it holds now."""
        found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.pid}/status").read_text())
        scheme = "http" if self.trust is None else "https"
        with urllib.request.urlopen(  # noqa: S310 - http or https only
            f"{scheme}://localhost:{self.port}/-/status", timeout=10, context=self.trust
        ) as answer:
            page = json.load(answer)
        flying = sum(backend["in_flight"] for backend in page["backends"]) + page["queued"]
        files = len(list(Path(f"/proc/{self.pid}/fd").iterdir()))
        return Holdings(int(found[1]) / 1024 if found else 0.0, files, flying)


class Holdings(NamedTuple):
    """MiB, file descriptors, requests at backends or waiting for one."""

    memory: float
    files: int
    flying: int

    def __str__(self) -> str:
        return f"{self.memory:>8.0f}{self.files:>8}{self.flying:>12}"

    def leaks(self, before: "Holdings") -> bool:
        """Tell whether more is held than before; an allocator does not give all memory back."""
        grown = self.memory - before.memory > _SLACK_MIB
        return bool(grown or self.files > before.files or self.flying)


def _start_fronts(cast: Cast) -> list[Front]:
    authority, trust = trustme.CA(), ssl.create_default_context()
    made = authority.issue_cert("localhost")
    made.private_key_and_cert_chain_pem.write_to_path(str(cast.folder / "cert.pem"))
    authority.configure_trust(trust)
    secure = ["--tls-cert", f"{cast.folder}/cert.pem", "--tls-key", f"{cast.folder}/cert.pem"]
    fronts = []
    for name, options, context in (("plain", [], None), ("TLS", secure, trust)):
        router = cast.start_router("--fast", *options, *cast.given_backends)
        fronts.append(Front(name, router.pid, int(cast.url.rpartition(":")[2]), context))
    return fronts


def main() -> None:
    """Print what the routers hold on the way, and every answer at the end."""
    minutes = float(os.environ.get("SOAK_MINUTES", "10"))
    seed = int(os.environ.get("SOAK_SEED", "1"))
    with tempfile.TemporaryDirectory(prefix="cast") as name, contextlib.ExitStack() as stack:
        stack.enter_context(guarded(Path(name)))
        cast = Cast(stack, Path(name), "embedded")
        for _ in range(3):
            cast.add_backend()
        soak = Soak(cast, fronts := _start_fronts(cast), seed)
        print(f"{minutes:g} minutes, seed {seed}")
        print(f"{'':<28}     MiB   files   in flight   answers so far")
        if not asyncio.run(_hold_up(soak, fronts, minutes * 60)):
            raise SystemExit(1)


async def _hold_up(soak: Soak, fronts: list[Front], seconds: float) -> bool:
    """Tell whether nothing leaked, and everybody was answered."""

    def look(when: str) -> list[Holdings]:
        held = [front.list_holdings() for front in fronts]
        for front, each in zip(fronts, held, strict=True):
            sent = soak.answers.total()
            print(f"{when:<20}{front.name:<8}{each}{sent:>17,}", flush=True)
        return held

    async def look_at_rest(when: str) -> list[Holdings]:
        """Return the least of some looks: a probe's connection comes and goes."""
        looks = [look(when)]
        for _ in range(_CALM_LOOKS):
            await asyncio.sleep(_CALM_SECONDS)
            looks.append([front.list_holdings() for front in fronts])
        return [min(held, key=lambda each: each[1:]) for held in zip(*looks, strict=True)]

    before = await look_at_rest("before")
    await soak.run(seconds, lambda: look(""))
    await asyncio.sleep(_QUIET_SECONDS)
    after = await look_at_rest("after, and a minute")
    print("faults:", ", ".join(f"{name} {count}" for name, count in sorted(soak.faults.items())))
    print("answers:", ", ".join(f"{name} {count}" for name, count in soak.answers.most_common()))
    leaks = sum(late.leaks(early) for late, early in zip(after, before, strict=True))
    silent = soak.answers["none"] + soak.answers["tunnel garbled"]
    print(f"leaks: {leaks}, without an answer: {silent}")
    return not (leaks or silent)


if __name__ == "__main__":
    main()
