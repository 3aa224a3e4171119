"""A backend in a process of its own: `python backend.py NAME`; prints its port.

It answers probes, counts the predictions it was asked for in ``X-Executed``, and obeys
``GET /mode/<ok|500|die>``: ``die`` reads one whole prediction, counts it in the file that
``COUNT`` names, and exits without an answer.
"""

import asyncio
import os
import sys
from pathlib import Path


class Backend:
    def __init__(self, name: str) -> None:
        self.name = name.encode()
        self.mode = b"ok"
        self.executed = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = [line for line in head.split(b"\r\n") if b"content-length" in line.lower()]
                if length:
                    await reader.readexactly(int(length[0].split(b":")[1]))
                writer.write(self.answer(head.split(b" ")[1]))
        except (ConnectionError, asyncio.IncompleteReadError):
            writer.close()

    def answer(self, path: bytes) -> bytes:
        if path.startswith(b"/mode/"):
            self.mode = path.removeprefix(b"/mode/")
            return self.say(b"200 OK")
        if path.startswith(b"/v2/health"):
            return self.say(b"200 OK")
        self.executed += 1
        if self.mode == b"die":
            with Path(os.environ["COUNT"]).open("a") as file:
                file.write("x")
            os._exit(1)
        return self.say(b"200 OK" if self.mode == b"ok" else b"500 Broken")

    def say(self, status: bytes) -> bytes:
        return b"HTTP/1.1 %b\r\nX-Name: %b\r\nContent-Length: 2\r\n\r\nok" % (status, self.name)


async def main() -> None:
    backend = Backend(sys.argv[1])
    server = await asyncio.start_server(backend.serve, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


asyncio.run(main())
