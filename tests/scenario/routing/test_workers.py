"""A router of two processes that pass requests on, by the judgement of a third."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.scenario.routing.conftest import Cast

OPTIONS = ("--workers", "2", "--fast", "--idempotent")


def workers_of(pid: int) -> set[int]:
    """The processes that a router started to pass requests on."""
    found = set[int]()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            words = stat.read_text().rpartition(")")[2].split()
            program = stat.with_name("cmdline").read_bytes()
            if words[0] != "Z" and int(words[1]) == pid and b"spawn_main" in program:
                found.add(int(stat.parent.name))
    return found


def wait_for(check: Callable[[], object]) -> None:
    pause = threading.Event()
    for _ in range(300):
        if check():
            return
        pause.wait(0.05)
    raise AssertionError(check)


@pytest.fixture(name="ended")
def _ended(cast: "Cast") -> Iterator[set[int]]:
    """Processes that are ended with the test, and their workers, before the cast's end."""
    assert cast.backends
    pids = set[int]()
    yield pids
    for pid in pids.union(*map(workers_of, pids)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def test_workers_fail_over_together_and_a_killed_one_is_replaced(
    cast: "Cast", ended: set[int]
) -> None:
    router = cast.start_router(*OPTIONS, *cast.given_backends)
    before = workers_of(router.pid)
    ended |= before | {router.pid}
    assert len(before) == 2
    seen = cast.load(seconds=2, fault=cast.backends[0].kill)
    assert seen.total() == seen["200"], (seen, cast.said)
    wait_for(lambda: cast.page("/-/status")["counters"]["requests"] == seen.total())
    page = cast.page("/-/status")
    assert [backend["state"] for backend in page["backends"]] == ["down", "healthy", "healthy"]
    assert page["backends"][1]["first_byte_ms"]["p50"] > 0

    seen = cast.load(seconds=3, fault=lambda: os.kill(max(before), signal.SIGKILL))
    assert seen.total() - seen["200"] <= 2, (seen, cast.said)  # what it had under way
    wait_for(lambda: len(workers_of(router.pid)) == 2)
    ended |= workers_of(router.pid)
    assert "started again (killed by signal 9)" in cast.said
    assert "Traceback" not in cast.said
    assert cast.page("/-/status")["backends"][0]["state"] == "down"

    router.terminate()
    assert router.wait(15) == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in ended)


def test_workers_serve_on_when_the_one_that_judges_is_killed(cast: "Cast", ended: set[int]) -> None:
    router = cast.start_router(*OPTIONS, *cast.given_backends)
    ended |= workers_of(router.pid) | {router.pid}
    seen = cast.load(seconds=2, fault=router.kill)
    assert seen.total() == seen["200"], (seen, cast.said)
    wait_for(lambda: cast.said.count("serves on by itself") == 2)
    seen = cast.load(seconds=2, fault=cast.backends[0].kill)  # each finds out by itself
    assert seen.total() == seen["200"], (seen, cast.said)
    assert cast.page("/-/health")["status"] in ("ready", "degraded")
    for pid in ended:
        os.kill(pid, signal.SIGTERM)
    wait_for(lambda: not any(is_running(pid) for pid in ended))


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
