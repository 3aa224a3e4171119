"""A router of any engine in front of three processes, under load; all of it dies with the test."""

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deployer.errors import SetupError
from deployer.routing.engines.binary import ENVOY, HAPROXY, find_binary

SCRIPT = Path(__file__).with_name("backend.py")
GUARDIAN = Path(__file__).with_name("guardian.py")
CLI = [sys.executable, "-c", "from deployer.cli.app import main; main()", "router", "serve"]
OWN_HOSTS = ["unshare", "-rm", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"']
PROGRAMS = {"haproxy": HAPROXY, "envoy": ENVOY}
RATE = 60.0
BACKLOG = 110  # asyncio listens with 100
PATIENCE_SECONDS, LOOK_SECONDS = 5.0, 0.3
POST = (
    "POST /infer HTTP/1.1\r\nHost: iris\r\nX-Request-Id: {}\r\n"
    "Content-Length: 2\r\nConnection: close\r\n\r\n{{}}"
)


class Cast:
    """Three backends and, once started, a router."""

    def __init__(self, stack: contextlib.ExitStack, folder: Path, engine: str) -> None:
        self._stack = stack
        self.folder = folder
        self.engine = engine
        self.backends: list[subprocess.Popen[str]] = []
        self.urls: list[str] = []
        self.url = ""
        self.hosts: Path | None = None
        self.log = folder / "router.log"
        self.last_failure = 0.0
        """When the last request that failed was sent, in seconds after the fault."""
        self._asked = 0

    def add_backend(self, *, authority: Path | None = None) -> str:
        """Start one; with ``authority`` it speaks TLS and writes there whom to trust for it."""
        tls = {} if authority is None else {"AUTHORITY": str(authority)}
        process, port = self._start_backend(f"t{len(self.backends)}", more=tls)
        self.backends.append(process)
        start = "https://localhost" if tls else "http://127.0.0.1"
        self.urls.append(f"{start}:{port}")
        return self.urls[-1]

    def restart_backend(self, index: int, *, host: str = "127.0.0.1", after: float = 0.0) -> None:
        """Start one anew where it was, or at another address with the same port.

        It listens so many seconds from now, however long a process takes to start.
        """
        port = self.urls[index].rpartition(":")[2]
        at = {"LISTEN_AT": str(time.monotonic() + after)}
        self.backends[index].kill()
        self.backends[index].wait()
        self.backends[index], _ = self._start_backend(f"t{index}", port, host, more=at)

    def _start_backend(
        self, *words: str, more: dict[str, str] | None = None
    ) -> "tuple[subprocess.Popen[str], str]":
        process = self._start(
            [sys.executable, str(SCRIPT), *words],
            stdout=subprocess.PIPE,
            env=os.environ | {"EXECUTED": str(self.folder / "executed")} | (more or {}),
        )
        assert process.stdout is not None
        return process, process.stdout.readline().strip()

    def name_backends(self) -> None:
        """Give them names, which only the router knows, in an ``/etc/hosts`` of its own."""
        self.hosts = self.folder / "hosts"
        self.hosts.write_text("".join(f"127.0.0.1 t{i}.test\n" for i in range(len(self.urls))))

    def move_backend(self, index: int, host: str, *, after: float) -> None:
        """Start one anew at another address, and let its name lead there once it listens."""
        self.restart_backend(index, host=host, after=after)
        self.urls[index] = self.urls[index].replace("127.0.0.1", host)
        if self.hosts is not None:  # in place: another file would not be the one that is mounted
            text = self.hosts.read_text().replace(f"127.0.0.1 t{index}.", f"{host} t{index}.")
            self.hosts.write_text(text)

    def count_executed(self, index: int) -> int:
        """Return how many predictions a backend's process has executed."""
        with urllib.request.urlopen(f"{self.urls[index]}/v2/health/ready", timeout=5) as answer:  # noqa: S310 - http only
            return int(answer.headers["X-Executed"])

    def fill_backlog(self, index: int) -> None:
        """Stop one, and leave no room for connections: what is sent there is lost on the way."""
        self.backends[index].send_signal(signal.SIGSTOP)
        port = int(self.urls[index].rpartition(":")[2])
        for _ in range(BACKLOG):
            waiting = self._stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", port))

    @property
    def given_backends(self) -> list[str]:
        given = enumerate(self.named_urls)
        return [part for i, url in given for part in ("--backend", f"t{i}={url}")]

    @property
    def named_urls(self) -> list[str]:
        """The backends' URLs by their names, where they have any."""
        if self.hosts is None:
            return self.urls
        ports = [url.rpartition(":")[2] for url in self.urls]
        return [f"http://t{i}.test:{port}" for i, port in enumerate(ports)]

    def start_router(
        self, *options: str, listen: str = "127.0.0.1:0", healthy: int | None = None
    ) -> "subprocess.Popen[str]":
        """Start one and wait until it has seen all backends, or so many, be healthy."""
        said_before = len(self.said)
        with self.log.open("a") as log:
            router = self._start([*self.command, "--listen", listen, *options], stderr=log)
        pause = threading.Event()
        for _ in range(600):
            said = self.said[said_before:]
            found = re.search(r"listening on (\S+)", said)
            if found and said.count("-> healthy") >= (healthy or len(self.urls)):
                self.url = found[1]
                return router
            pause.wait(0.05)
        raise AssertionError(self.said)

    def start_program(self, command: list[str], port: int) -> None:
        """Start a proxy that we have no part in, and wait until it passes requests on."""
        self._start([*self.own_names, *command], stderr=subprocess.DEVNULL)
        self.url = f"http://127.0.0.1:{port}"
        pause = threading.Event()
        for _ in range(200):
            with contextlib.suppress(OSError):
                self.get("/")
                pause.wait(1.0)  # for its first round of checks
                return
            pause.wait(0.05)
        raise AssertionError(command)

    @property
    def command(self) -> list[str]:
        if self.engine == "embedded":
            return [*self.own_names, *CLI]
        folder = str(self.folder / "e")
        return [
            *self.own_names,
            *CLI,
            "--engine",
            self.engine,
            "--run-dir",
            folder,
            "--threads",
            "1",
        ]

    @property
    def own_names(self) -> list[str]:
        """What comes before a command that is to know the backends' names."""
        own = [*OWN_HOSTS, str(self.hosts)]
        return own if self.hosts is not None else []

    @property
    def binary(self) -> Path:
        return find_binary(PROGRAMS[self.engine])

    @property
    def said(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    @property
    def executed(self) -> "Counter[str]":
        """How often each prediction was executed, by its id."""
        return Counter((self.folder / "executed").read_text().split())

    def _start(self, command: list[str], **options: object) -> "subprocess.Popen[str]":
        process: subprocess.Popen[str] = subprocess.Popen(command, text=True, **options)  # type: ignore[call-overload]
        self._stack.enter_context(process)
        self._stack.callback(process.kill)
        self._stack.callback(lambda: process.send_signal(signal.SIGCONT))
        return process

    def set_mode(self, index: int, mode: str) -> None:
        with urllib.request.urlopen(f"{self.urls[index]}/mode/{mode}", timeout=5) as answer:  # noqa: S310 - http only
            answer.read()

    def page(self, path: str) -> Any:
        """Return one of the router's own pages."""
        return json.loads(self.get(path))

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"{self.url}{path}", timeout=5) as answer:  # noqa: S310 - http only
            text: str = answer.read().decode()
        return text

    def ask(self, request: str) -> str:
        """Return the whole answer to a request as it is written."""
        host, port = self.url.removeprefix("http://").split(":")
        return asyncio.run(_exchange(host, int(port), request.encode())).decode()

    def ask_and_leave(self, request: str) -> None:
        """Send a request and close the connection when a backend has it."""
        host, port = self.url.removeprefix("http://").split(":")
        before = self.executed.total()
        pause = threading.Event()
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(request.encode())
            while self.executed.total() == before:
                pause.wait(0.02)

    def ask_for_target(self) -> str:
        """Return which backend answered a prediction; empty when none did."""
        self._asked += 1
        found = re.search(r"(?i)\r\nx-deployer-target: *(\S+)", self.ask(POST.format(self._asked)))
        return found[1] if found else ""

    def load(
        self, *, seconds: float, fault: Callable[[], object], after: float = 0.7
    ) -> "Counter[str]":
        """Send requests at a steady rate; count what came back, with the fault in between.

        The fault is made beside the requests, and they go on until it is made.
        """
        return asyncio.run(self._load(seconds, fault, after))

    async def _load(
        self, seconds: float, fault: Callable[[], object], after: float
    ) -> "Counter[str]":
        tasks = [asyncio.create_task(self._ask())]
        faults = list[asyncio.Task[object]]()
        while len(tasks) <= seconds * RATE or not all(each.done() for each in faults):
            if len(tasks) == int(after * RATE) + 1:
                faults.append(asyncio.create_task(asyncio.to_thread(fault)))
            tasks.append(asyncio.create_task(self._ask()))
            await asyncio.sleep(1 / RATE)
        await asyncio.gather(*faults)
        answers = await asyncio.gather(*tasks)
        failed = [number for number, answer in enumerate(answers) if answer != "200"]
        self.last_failure = max(failed, default=0) / RATE - after
        return Counter(answers)

    async def _ask(self) -> str:
        self._asked += 1
        request = POST.format(self._asked).encode()
        host, port = self.url.removeprefix("http://").split(":")
        asking = asyncio.create_task(_send(host, int(port), request))
        # what came in time counts, though a busy machine may let nobody look for it until later
        for seconds in (PATIENCE_SECONDS, LOOK_SECONDS):
            await asyncio.wait([asking], timeout=seconds)
        asking.cancel()
        try:
            return await asking
        except asyncio.CancelledError:
            return "TimeoutError"
        except OSError as error:
            return type(error).__name__


async def _exchange(host: str, port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(request)
        return await reader.read(-1)
    finally:
        writer.transport.abort()


async def _send(host: str, port: int, request: bytes) -> str:
    answer = await _exchange(host, port, request)
    return answer[9:12].decode() if answer.endswith(b"ok") or answer[9:10] != b"2" else "cut"


@pytest.fixture(name="engine")
def _engine() -> str:
    """Return the engine of the cast; tests of all of them parametrize it."""
    return "embedded"


@pytest.fixture(name="cast")
def _cast(engine: str) -> Iterator[Cast]:
    _skip_without(engine)
    # sockets' paths are short, pytest's folders are not
    with tempfile.TemporaryDirectory(prefix="cast") as folder, contextlib.ExitStack() as stack:
        stack.enter_context(guarded(Path(folder)))
        cast = Cast(stack, Path(folder), engine)
        for _ in range(3):
            cast.add_backend()
        yield cast


def _skip_without(engine: str) -> None:
    program = PROGRAMS.get(engine)
    if program is not None:
        try:
            find_binary(program)
        except SetupError:
            pytest.skip(f"needs {program.title}: pip install 'deployer[{program.extra}]'")


@contextlib.contextmanager
def guarded(folder: Path) -> Iterator[None]:
    """End the engines that run in a folder, even if this process can't."""
    command = [sys.executable, str(GUARDIAN), str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as guardian:
        yield
        guardian.communicate()


@pytest.fixture(name="unused_port")
def _unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])
