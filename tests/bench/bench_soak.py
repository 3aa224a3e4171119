"""Ten minutes of mixed load while backends fail by chance, from a seed: what is left afterwards?

Predictions on kept and on new connections, bodies that fit one read and bodies that don't, clients
that read slowly and clients that leave; meanwhile at most two of three backends at a time are
killed, stopped, or answer wrongly. Nobody may be left without an answer (or, once it began, without
seeing that it was broken off), and when all is over the router holds what it held before: memory,
file descriptors, requests in flight.

    python -m tests.bench soak
    SOAK_MINUTES=2 SOAK_SEED=7 python -m tests.bench soak
"""

import asyncio
import contextlib
import os
import random
import re
import signal
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from tests.scenario.routing.conftest import Cast, guarded

__all__ = ["Soak", "main"]

MODES = ("500", "503", "close", "part", "wait", "slow")
PATIENCE_SECONDS = 90.0
"""Longer than the router's own patience: whoever waits so long was forgotten."""

_LARGE = b"x" * (300 << 10)
_LOOKS = 10
_QUIET_SECONDS = 70.0
"""After the load: longer than a request may wait, or an idle connection lasts."""


class Soak:
    """The load, the faults, and what was seen of both."""

    def __init__(self, cast: Cast, seed: int) -> None:
        self._cast = cast
        self._rng = random.Random(seed)
        self._faulty: set[int] = set()
        self._ended = asyncio.Event()
        self.answers: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        host, _, port = cast.url.removeprefix("http://").rpartition(":")
        self._address = host, int(port)

    async def run(self, seconds: float, look: Callable[[], None]) -> None:
        """Send and break for so long; ``look`` is called ten times on the way."""
        kinds = (
            self._keep,
            self._keep,
            self._once,
            self._send_much,
            self._read_slowly,
            self._leave,
        )
        tasks = [asyncio.create_task(self._repeat(kind)) for kind in kinds for _ in range(4)]
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
        reader, writer = await asyncio.open_connection(*self._address)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    async def _note(self, reader: asyncio.StreamReader) -> str | None:
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
        self.answers[status] += 1
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


def _request(body: bytes, *, close: bool = False) -> bytes:
    more = b"Connection: close\r\n" if close else b""
    head = b"POST /infer HTTP/1.1\r\nHost: iris\r\nContent-Length: %d\r\n%b\r\n"
    return head % (len(body), more) + body


def _list_holdings(pid: int, cast: Cast) -> str:
    """Return what the router holds: MiB, file descriptors, requests in flight."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    files = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    page = cast.page("/-/status")
    flying = sum(backend["in_flight"] for backend in page["backends"])
    memory = int(found[1]) / 1024 if found else 0.0
    return f"{memory:>8.0f}{files:>8}{flying:>12}"


def main() -> None:
    """Print what the router holds on the way, and every answer at the end."""
    minutes = float(os.environ.get("SOAK_MINUTES", "10"))
    seed = int(os.environ.get("SOAK_SEED", "1"))
    with tempfile.TemporaryDirectory(prefix="cast") as name, contextlib.ExitStack() as stack:
        stack.enter_context(guarded(Path(name)))
        cast = Cast(stack, Path(name), "embedded")
        for _ in range(3):
            cast.add_backend()
        router = cast.start_router("--fast", *cast.given_backends)
        print(f"{minutes:g} minutes, seed {seed}\n{'':<22}     MiB   files   in flight   sent")
        print(f"{'before':<22}{_list_holdings(router.pid, cast)}")
        asyncio.run(_soak(cast, router.pid, minutes * 60, seed))


async def _soak(cast: Cast, pid: int, seconds: float, seed: int) -> None:
    soak = Soak(cast, seed)

    def look() -> None:
        sent = soak.answers.total()
        print(f"{'':<22}{_list_holdings(pid, cast)}{sent:>7}", flush=True)

    await soak.run(seconds, look)
    await asyncio.sleep(_QUIET_SECONDS)
    print(f"{'after, and a minute':<22}{_list_holdings(pid, cast)}")
    print("faults:", ", ".join(f"{name} {count}" for name, count in sorted(soak.faults.items())))
    print("answers:", ", ".join(f"{name} {count}" for name, count in soak.answers.most_common()))


if __name__ == "__main__":
    main()
