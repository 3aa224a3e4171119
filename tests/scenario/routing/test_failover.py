"""`deployer router serve` in front of three processes, under load, while one of them fails."""

import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deployer.release.records import Backend, Routes, RouteSettings
from deployer.routing.last_known import save_routes

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


def given_backends(cast: Cast) -> list[str]:
    return [part for i, url in enumerate(cast.urls) for part in ("--backend", f"t{i}={url}")]


@pytest.mark.parametrize("idempotent", [True, False])
def test_a_killed_backend_is_not_noticed(cast: Cast, idempotent: bool) -> None:
    cast.start_router("--fast", *(["--idempotent"] if idempotent else []), *given_backends(cast))
    seen = cast.load(seconds=3, fault=cast.backends[0].kill)
    assert seen.total() - seen["200"] <= (0 if idempotent else 3), (seen, cast.said)


def test_a_backend_that_hangs_is_left_within_the_patience_of_a_client(cast: Cast) -> None:
    cast.start_router("--fast", "--idempotent", *given_backends(cast))
    seen = cast.load(seconds=5, fault=lambda: cast.backends[0].send_signal(signal.SIGSTOP))
    assert seen.total() == seen["200"], (seen, cast.said)


def test_a_backend_that_answers_500_is_taken_out_though_its_probes_pass(cast: Cast) -> None:
    cast.start_router("--fast", *given_backends(cast))
    seen = cast.load(seconds=3, fault=lambda: cast.set_mode(0, "500"))
    assert seen.total() - seen["200"] <= 5, (seen, cast.said)


def test_the_second_tier_serves_only_once_the_first_is_gone(cast: Cast) -> None:
    words = [f"--backend=t{i}={url},tier={min(i, 1)}" for i, url in enumerate(cast.urls)]
    cast.start_router("--fast", "--idempotent", "--policy", "priority", *words)

    def check_and_kill() -> None:
        assert requests_of(cast, 1) == requests_of(cast, 2) == 0 < requests_of(cast, 0)
        cast.backends[0].kill()

    seen = cast.load(seconds=2, fault=check_and_kill)
    assert seen.total() == seen["200"], (seen, cast.said)
    assert min(requests_of(cast, 1), requests_of(cast, 2)) > 0


def requests_of(cast: Cast, index: int) -> int:
    with urllib.request.urlopen(f"{cast.url}/-/status", timeout=5) as answer:  # noqa: S310 - http only
        return int(json.load(answer)["backends"][index]["requests"])


def test_new_routes_under_load_lose_no_request(cast: Cast) -> None:
    file = cast.folder / "routes.json"

    def write(epoch: int, release: int, urls: list[str]) -> None:
        backends = [
            Backend(target=f"t{i}", release=release, url=url, weight=1)
            for i, url in enumerate(urls)
        ]
        written = datetime(2026, 1, 1, tzinfo=UTC)
        settings = RouteSettings()
        save_routes(
            file,
            Routes(
                name="iris",
                epoch=epoch,
                written=written,
                settings=settings,
                backends=tuple(backends),
            ),
        )

    write(1, 1, cast.urls)
    router = cast.start_router("--routes", str(file))
    seen = cast.load(seconds=3, fault=lambda: write(2, 2, cast.urls[1:]))
    assert seen.total() == seen["200"], (seen, cast.said)
    assert "epoch 2, 2 backends" in cast.said
    router.terminate()
    assert router.wait(10) == 0


def test_a_backend_that_dies_over_a_prediction_is_the_only_one_to_execute_it(cast: Cast) -> None:
    cast.start_router(*given_backends(cast))
    for index in range(3):
        cast.set_mode(index, "die")
    seen = cast.load(seconds=0, fault=lambda: None)
    assert seen == Counter({"502": 1})
    assert (cast.folder / "executed").read_text() == "x"
