"""Knowing a process again: its pid alone may by now be another's."""

import os
import signal
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from deployer.ports.clock import Clock

__all__ = ["ProcessRecord", "is_running", "record_process", "stop_process"]

_GRACE_SECONDS = 5.0
_START_TIME = 19  # the field's place behind the program's name in /proc/PID/stat: proc(5), field 22


class ProcessRecord(BaseModel):
    """A process, by its pid and the kernel's ticks from boot to its start."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pid: int
    started: int


def record_process(pid: int) -> ProcessRecord | None:
    """Return the record of a running process; None when it has ended."""
    started = _start_time(pid)
    return None if started is None else ProcessRecord(pid=pid, started=started)


def is_running(record: ProcessRecord | None) -> bool:
    """Say whether this very process runs; another one with its pid does not count."""
    return record is not None and _start_time(record.pid) == record.started


def stop_process(record: ProcessRecord | None, clock: Clock, *, now: bool) -> None:
    """End the process: SIGTERM, SIGKILL after five seconds; ``now`` is SIGKILL at once.

    Returns when it is gone. A process that merely has its pid is left alone.
    """
    if record is None:
        return
    if not now:
        _signal(record, signal.SIGTERM)
        _wait_gone(record, clock, _GRACE_SECONDS)
    _signal(record, signal.SIGKILL)
    _wait_gone(record, clock, _GRACE_SECONDS)


def _signal(record: ProcessRecord, number: signal.Signals) -> None:
    if is_running(record):
        try:
            os.kill(record.pid, number)
        except ProcessLookupError:
            return  # it ended in between


def _wait_gone(record: ProcessRecord, clock: Clock, seconds: float) -> None:
    deadline = clock.monotonic() + seconds
    while is_running(record) and clock.monotonic() < deadline:
        clock.sleep(0.02)


def _start_time(pid: int) -> int | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in ("Z", "X") else int(fields[_START_TIME])
