"""The same ambiguous requests through every engine: what each answers, and what its backend saw.

A backend that saw more than one request for one was smuggled to. Engines are configured as
`deployer router serve --engine` does.

    python -m tests.bench smuggling
"""

import asyncio
import contextlib
import threading
from collections.abc import Iterator

import httptools

from deployer.errors import SetupError
from deployer.routing.capabilities import RUN, Engine
from tests.bench.bench_router import started
from tests.smuggling import CASES

__all__ = ["ask_all", "main"]

_SECONDS = 1.0
"""For an answer; who has none by then is waiting for more."""


class _Backend:
    """Answers everything at once, and keeps what it was asked beside probes."""

    def __init__(self) -> None:
        self.port = 0
        self.seen = 0
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        thread = threading.Thread(target=self._run, daemon=True)
        thread.start()
        self._ready.wait()
        yield
        self._loop.call_soon_threadsafe(self._loop.stop)
        thread.join()

    def _run(self) -> None:
        server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 20)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        parser = httptools.HttpRequestParser(_Count(self, writer))
        with contextlib.suppress(ConnectionError, httptools.HttpParserError):
            while data := await reader.read(65536):
                parser.feed_data(data)
        writer.close()


class _Count:
    """What the backend's parser tells; probes do not count."""

    def __init__(self, backend: _Backend, writer: asyncio.StreamWriter) -> None:
        self._backend = backend
        self._writer = writer
        self._url = b""

    def on_message_begin(self) -> None:
        self._url = b""

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_message_complete(self) -> None:
        self._backend.seen += b"health" not in self._url
        self._writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


def ask_all(engine: Engine) -> dict[str, str]:
    """Return a verdict for each case."""
    backend = _Backend()
    with backend.running(), started(engine, backend.port) as (port, _):
        verdicts = {}
        for name, (request, _status) in CASES.items():
            before = backend.seen
            status = asyncio.run(_ask(port, request))
            passed = backend.seen - before
            verdicts[name] = (
                f"{status}, passed on" + f" {passed} x" * (passed > 1) if passed else status
            )
        return verdicts


async def _ask(port: int, request: bytes) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = b""
    with contextlib.suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(_SECONDS):
            writer.write(request)
            answer = await reader.read(1024)
            if not answer:
                return "closed"
    writer.transport.abort()
    return answer.split(b" ")[1].decode() if answer else "waits"


def main() -> None:
    """Print a row per case."""
    verdicts = {}
    for engine in RUN:
        with contextlib.suppress(SetupError):
            verdicts[engine] = ask_all(engine)
    print(f"{'':<26}" + "".join(f"{engine:<20}" for engine in verdicts))
    for name in CASES:
        print(f"{name:<26}" + "".join(f"{rows[name]:<20}" for rows in verdicts.values()))


if __name__ == "__main__":
    main()
