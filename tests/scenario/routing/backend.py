"""A backend in a process of its own: `python backend.py NAME [PORT [HOST]]`; prints its port.

It answers probes, sends 20 events to ``GET /stream``, echoes what comes after a WebSocket's
handshake, writes the id of every
prediction it executes to the file that ``EXECUTED`` names, and obeys
``GET /mode/<ok|500|503|close|die|part|wait|slow|wrong>``: ``close`` reads a whole prediction and
closes without an answer, ``die`` exits over it, ``part`` breaks off in the middle of its answer,
``wait`` never answers and notes ``left`` when the connection is closed, ``slow`` answers after
0.3 s, ``wrong`` answers 200 with an error in it. With ``LISTEN_AT`` it listens from then on, in
seconds of the monotonic clock. With ``AUTHORITY`` it speaks TLS, and writes there whom to trust for
it; on SIGUSR1 it closes every connection and shows a certificate from then on that nobody trusts.
"""

import asyncio
import os
import re
import signal
import ssl
import sys
from pathlib import Path

import trustme

from deployer.sandbox.certificate import make_certificate

SLOW_SECONDS = 0.3
EVENTS, EVENT_SECONDS = 20, 0.05
PLACE = ["0", "127.0.0.1"]
STATUSES = {b"ok": b"200 OK", b"500": b"500 Broken", b"503": b"503 Busy"}
ID = re.compile(rb"(?i)\r\nx-request-id: *([^\r]*)")


class Backend:
    def __init__(self, name: str) -> None:
        self.name = name.encode()
        self.mode = b"ok"
        self.executed = 0
        self.tls = make_context()
        self.writers: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.add(writer)
        try:
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                length = [line for line in head.split(b"\r\n") if b"content-length" in line.lower()]
                if b"transfer-encoding: chunked" in head.lower():
                    await read_chunks(reader)
                elif length:
                    await reader.readexactly(int(length[0].split(b":")[1]))
                if self.mode == b"slow" and b" /infer" in head:
                    await asyncio.sleep(SLOW_SECONDS)
                if b"upgrade: websocket" in head.lower():
                    await echo(reader, writer)
                    return
                if b" /stream" in head and self.mode == b"ok":
                    await pour(writer)
                    continue
                self.answer(head, writer)
                if self.mode == b"wait" and b" /infer" in head and await is_left(reader):
                    self.note("left")
        except (ConnectionError, asyncio.IncompleteReadError):
            writer.close()
        finally:
            self.writers.discard(writer)

    def answer(self, head: bytes, writer: asyncio.StreamWriter) -> None:
        path = head.split(b" ")[1]
        if path.startswith(b"/mode/"):
            self.mode = path.removeprefix(b"/mode/")
        if path.startswith((b"/mode/", b"/v2/health")):
            writer.write(self.say(b"200 OK"))
            return
        self.execute(head)
        if self.mode == b"die":
            os._exit(1)
        if self.mode == b"part":
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n")
        if self.mode in (b"close", b"part"):
            writer.close()
        elif self.mode != b"wait":
            body = b"no" if self.mode == b"wrong" else b"ok"
            writer.write(self.say(STATUSES.get(self.mode, b"200 OK"), body))

    def become_strange(self) -> None:
        """Show a certificate that nobody trusts, and let nobody go on without having seen it."""
        if self.tls is not None:
            trustme.CA().issue_cert("127.0.0.1", "localhost").configure_cert(self.tls)
        for writer in self.writers:
            writer.transport.abort()

    def execute(self, head: bytes) -> None:
        self.executed += 1
        found = ID.search(head)
        self.note(found[1].decode() if found else "")

    def note(self, word: str) -> None:
        with Path(os.environ["EXECUTED"]).open("a") as file:
            file.write(f"{word}\n")

    def say(self, status: bytes, body: bytes = b"ok") -> bytes:
        head = b"HTTP/1.1 %b\r\nX-Name: %b\r\nX-Executed: %d\r\nContent-Length: 2\r\n\r\n"
        return head % (status, self.name, self.executed) + body


def make_context() -> ssl.SSLContext | None:
    if "AUTHORITY" not in os.environ:
        return None
    certificate = make_certificate()
    Path(os.environ["AUTHORITY"]).write_bytes(certificate.authority)
    return certificate.context


async def read_chunks(reader: asyncio.StreamReader) -> None:
    while size := int(await reader.readuntil(b"\r\n"), 16):
        await reader.readexactly(size + 2)
    await reader.readuntil(b"\r\n")


async def pour(writer: asyncio.StreamWriter) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    writer.write(head + b"Transfer-Encoding: chunked\r\n\r\n")
    for number in range(EVENTS):
        event = b"data: %06d\n\n" % number
        writer.write(b"%x\r\n%b\r\n" % (len(event), event))
        await writer.drain()
        await asyncio.sleep(EVENT_SECONDS)
    writer.write(b"0\r\n\r\n")


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
    while data := await reader.read(1 << 16):
        writer.write(data)
    writer.close()


async def is_left(reader: asyncio.StreamReader) -> bool:
    try:
        return await reader.read(1) == b""
    except ConnectionError:
        return True


async def main() -> None:
    backend = Backend(sys.argv[1])
    port, host = [*sys.argv[2:], *PLACE[len(sys.argv) - 2 :]]
    at = float(os.environ.get("LISTEN_AT", "0"))
    await asyncio.sleep(max(0.0, at - asyncio.get_running_loop().time()))
    server = await asyncio.start_server(backend.serve, host, int(port), ssl=backend.tls)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, backend.become_strange)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


asyncio.run(main())
