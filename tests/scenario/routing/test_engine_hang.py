"""An engine that hangs holds up nobody but itself."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.scenario.routing.conftest import Cast

Ask = Callable[[], tuple[dict[str, Any], float]]


def processes_of(cast: "Cast") -> list[int]:
    """HAProxy's master and its worker, or Envoy."""
    pid = int((cast.folder / "e" / f"{cast.engine}.pid").read_text())
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


@pytest.fixture(name="ask")
def _ask(cast: "Cast") -> Iterator[Ask]:
    """Ask the controlling process itself for the status: past the engine that leads there."""
    assert cast.backends
    with asyncio.Runner() as runner:

        def ask() -> tuple[dict[str, Any], float]:
            began = time.monotonic()
            answer = runner.run(fetch(cast.folder / "e" / "control.sock"))
            return json.loads(answer.partition(b"\r\n\r\n")[2]), time.monotonic() - began

        yield ask


async def fetch(path: Path) -> bytes:
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(b"GET /-/status HTTP/1.1\r\nHost: x\r\n\r\n")
    async with asyncio.timeout(10):
        answer = await reader.read(-1)
    writer.close()
    return answer


@pytest.mark.parametrize("engine", ["haproxy", "envoy"])
def test_its_pages_answer_at_once_with_what_was_seen_and_when(cast: "Cast", ask: Ask) -> None:
    cast.start_router("--fast", *cast.given_backends)
    seen, _ = ask()
    assert seen["read"]["error"] is None
    assert {b["state"] for b in seen["backends"]} == {"healthy"}
    pids = processes_of(cast)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        answers = [ask() for _ in range(3)]
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    assert max(took for _, took in answers) < 2.0  # it waits 0.25 s for an engine, and 5 s before
    last = answers[-1][0]
    assert last["read"]["error"]
    assert last["read"]["age"] > 0.4
    assert {b["state"] for b in last["backends"]} == {"unknown"}
    assert "it was healthy then" in last["backends"][0]["reason"]
    for _ in range(60):
        seen, _ = ask()
        if seen["read"]["error"] is None:
            break
    assert {b["state"] for b in seen["backends"]} == {"healthy"}
    assert processes_of(cast) == pids
