"""`deployer router serve` in front of three backends, each in a process of its own."""

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("backend.py")
CLI = [sys.executable, "-c", "from deployer.cli.app import main; main()", "router", "serve"]
RATE = 60.0
POST = b"POST /infer HTTP/1.1\r\nHost: iris\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


class Cast:
    """Three backends and, once started, a router; all die with the test."""

    def __init__(self, stack: contextlib.ExitStack, folder: Path) -> None:
        self._stack = stack
        self.folder = folder
        self.backends: list[subprocess.Popen[str]] = []
        self.urls: list[str] = []
        self.url = ""
        self.log = folder / "router.log"

    def add_backend(self) -> str:
        process = self._start(
            [sys.executable, str(SCRIPT), f"t{len(self.backends)}"],
            stdout=subprocess.PIPE,
            env=os.environ | {"COUNT": str(self.folder / "executed")},
        )
        assert process.stdout is not None
        self.backends.append(process)
        self.urls.append(f"http://127.0.0.1:{process.stdout.readline().strip()}")
        return self.urls[-1]

    def start_router(self, *options: str) -> "subprocess.Popen[str]":
        with self.log.open("w") as log:
            router = self._start([*CLI, "--listen", "127.0.0.1:0", *options], stderr=log)
        pause = threading.Event()
        for _ in range(600):
            found = re.search(r"listening on (\S+)", self.said)
            if found and self.said.count("-> healthy") >= len(self.urls):
                self.url = found[1]
                return router
            pause.wait(0.05)
        raise AssertionError(self.said)

    @property
    def said(self) -> str:
        return self.log.read_text()

    def _start(self, command: list[str], **options: object) -> "subprocess.Popen[str]":
        process: subprocess.Popen[str] = subprocess.Popen(command, text=True, **options)  # type: ignore[call-overload]
        self._stack.enter_context(process)
        self._stack.callback(process.kill)
        self._stack.callback(lambda: process.send_signal(signal.SIGCONT))
        return process

    def ask(self, page: str) -> Any:
        """Return one of the router's own pages."""
        with urllib.request.urlopen(self.url + page, timeout=5) as answer:  # noqa: S310 - http only
            return json.load(answer)

    def given_backends(self) -> list[str]:
        return [part for i, url in enumerate(self.urls) for part in ("--backend", f"t{i}={url}")]

    def set_mode(self, index: int, mode: str) -> None:
        with urllib.request.urlopen(f"{self.urls[index]}/mode/{mode}", timeout=5) as answer:  # noqa: S310 - http only
            answer.read()

    def load(
        self, *, seconds: float, fault: Callable[[], object], after: float = 1.0
    ) -> "Counter[str]":
        """Send requests at a steady rate; count what came back, with the fault in between."""
        return asyncio.run(self._load(seconds, fault, after))

    async def _load(
        self, seconds: float, fault: Callable[[], object], after: float
    ) -> "Counter[str]":
        tasks = [asyncio.create_task(self._ask())]
        for number in range(int(seconds * RATE)):
            if number == int(after * RATE):
                fault()
            tasks.append(asyncio.create_task(self._ask()))
            await asyncio.sleep(1 / RATE)
        return Counter(await asyncio.gather(*tasks))

    async def _ask(self) -> str:
        host, port = self.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            async with asyncio.timeout(5):
                writer.write(POST)
                answer = await reader.read(-1)
        except (TimeoutError, OSError) as error:
            return type(error).__name__
        finally:
            writer.transport.abort()
        return answer[9:12].decode() if answer.endswith(b"ok") or answer[9:10] != b"2" else "cut"


@pytest.fixture(name="cast")
def _cast(tmp_path: Path) -> Iterator[Cast]:
    with contextlib.ExitStack() as stack:
        cast = Cast(stack, tmp_path)
        for _ in range(3):
            cast.add_backend()
        yield cast


@pytest.fixture(name="unused_port")
def _unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])
