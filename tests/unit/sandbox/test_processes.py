import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployer.providers.local.clock import SystemClock
from deployer.sandbox.launch import launch
from deployer.sandbox.processes import ProcessRecord, is_running, record_process, stop_process

IGNORES_SIGTERM = (
    "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('ready', flush=True); signal.pause()"
)


@pytest.fixture
def stubborn() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [sys.executable, "-c", IGNORES_SIGTERM], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def test_a_process_with_a_reused_pid_is_left_alone(stubborn: subprocess.Popen[bytes]) -> None:
    record = record_process(stubborn.pid)
    assert record is not None
    stale = ProcessRecord(pid=record.pid, started=record.started - 1)
    assert not is_running(stale)
    stop_process(stale, SystemClock(), now=True)
    assert is_running(record)


def test_now_kills_what_ignores_sigterm(stubborn: subprocess.Popen[bytes]) -> None:
    record = record_process(stubborn.pid)
    stop_process(record, SystemClock(), now=True)
    assert not is_running(record)
    assert stubborn.wait() == -9


def test_a_launched_program_is_nobodys_child_and_writes_to_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = "import os, signal; print(os.getsid(0) == os.getpid(), flush=True); signal.pause()"
    pid = launch([sys.executable, "-c", script], log=log, environment=os.environ)
    record = record_process(pid)
    clock = SystemClock()
    try:
        while not log.read_text():
            clock.sleep(0.01)
        assert log.read_text() == "True\n"
        parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        assert parent != os.getpid()
    finally:
        stop_process(record, clock, now=False)
    assert not is_running(record)


def test_what_never_ran_is_not_running() -> None:
    assert record_process(2**22 + 1) is None
    assert not is_running(None)
    stop_process(None, SystemClock(), now=True)
