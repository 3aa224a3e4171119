"""Predictions at a rate, answered or not: ``pace.py URL NAME RATE``.

Open loop, as users are: each is sent at its time, however long those before it take, on a
connection of those that are free. Waits for the router to have routes and runs until its stdin is
closed. Prints one JSON object: how many were ``sent``, what became of them by ``answers`` (the
version that answered, or what failed) and when the failed ones were sent, and milliseconds.
"""

import asyncio
import json
import sys
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

from deployer.routing.parting import has_unread

DATA = [1, 2, 3, 4]
RIGHT = [0, 0, 1, 1]
PATIENCE_SECONDS = 10.0

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Sender:
    def __init__(self, url: str, name: str) -> None:
        parts = urlsplit(url)
        self._place = str(parts.hostname), int(parts.port or 80)
        tensor = {"name": "x", "shape": [len(DATA)], "datatype": "FP64", "data": DATA}
        body = json.dumps({"inputs": [tensor]})
        self._request = (
            f"POST /v2/models/{name}/infer HTTP/1.1\r\nHost: {name}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        ).encode()
        self._free: list[Connection] = []
        self.answers: Counter[str] = Counter()
        self.failed_at: list[float] = []
        self.seconds: list[float] = []

    async def await_routes(self) -> None:
        for _ in range(600):
            reader, writer = await asyncio.open_connection(*self._place)
            writer.write(b"GET /-/ready HTTP/1.1\r\nHost: router\r\nConnection: close\r\n\r\n")
            answer = await reader.read(-1)
            writer.close()
            if answer.startswith(b"HTTP/1.1 200"):
                return
            await asyncio.sleep(0.1)
        raise SystemExit("the router had no routes in a minute")

    async def send(self, at: float) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                answer = await self._exchange()
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            answer = f"failed: {error!r}"
        self.answers[answer] += 1
        self.seconds.append(loop.time() - began)
        if answer.startswith("failed"):
            self.failed_at.append(round(at, 3))

    async def _exchange(self) -> str:
        reader, writer = await self._connect()
        try:
            writer.write(self._request)
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(_length(head))
        except BaseException:
            writer.close()
            raise
        if b"connection: close" in head.lower():
            writer.close()
        else:
            self._free.append((reader, writer))
        return judge(head, body)

    async def _connect(self) -> Connection:
        while self._free:
            reader, writer = self._free.pop()
            # an end that this loop was not told of yet is one, too, as urllib3 and others know
            if not (reader.at_eof() or writer.is_closing() or has_unread(writer.transport)):
                return reader, writer
            writer.close()
        return await asyncio.open_connection(*self._place)

    def close(self) -> None:
        for _, writer in self._free:
            writer.close()


def judge(head: bytes, body: bytes) -> str:
    status = head[9:12].decode()
    if status != "200":
        return f"failed: {status}"
    document: dict[str, Any] = json.loads(body)
    right = document["outputs"][0]["data"] == RIGHT
    return str(document["model_version"]) if right else "failed: wrong"


def _length(head: bytes) -> int:
    lines = head.lower().split(b"\r\n")
    return int(next(line for line in lines if line.startswith(b"content-length:"))[15:])


def milliseconds(seconds: list[float], share: float) -> float:
    return round(sorted(seconds)[int(share * (len(seconds) - 1))] * 1000, 1)


async def run(url: str, name: str, rate: float) -> dict[str, Any]:
    sender, loop, stop = Sender(url, name), asyncio.get_running_loop(), asyncio.Event()
    await sender.await_routes()
    loop.add_reader(sys.stdin.fileno(), stop.set)
    began, sent = loop.time(), 0
    async with asyncio.TaskGroup() as group:
        while not stop.is_set():
            group.create_task(sender.send(loop.time() - began))
            sent += 1
            await asyncio.sleep(max(0.0, began + sent / rate - loop.time()))
    sender.close()
    return {
        "sent": sent,
        "seconds": round(loop.time() - began, 1),
        "answers": sender.answers,
        "failed_at": sender.failed_at,
        "p50": milliseconds(sender.seconds, 0.5),
        "p99": milliseconds(sender.seconds, 0.99),
        "most": milliseconds(sender.seconds, 1.0),
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(sys.argv[1], sys.argv[2], float(sys.argv[3])))))  # noqa: T201 - what it is for
