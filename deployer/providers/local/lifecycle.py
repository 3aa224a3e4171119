"""Starting, stopping and recognising the supervisor of a local cluster."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from deployer.errors import TransientError
from deployer.ports import Clock
from deployer.providers.local.clock import SystemClock
from deployer.providers.local.cluster_folder import ClusterFolder, read_json, write_json
from deployer.providers.local.processes import kill_marked, process_runs

__all__ = [
    "MARKER",
    "Supervisor",
    "ensure_started",
    "find_supervisor",
    "refuse_stopped",
    "start_cluster",
    "stop_cluster",
]

MARKER = "DEPLOYER_LOCAL_POD"
"""The environment variable every process of a pod inherits: ``<folder>:<instance>:<pod>``."""

_START_SECONDS = 20.0
_RESPAWN_SECONDS = 3.0
_STOP_SECONDS = 15.0  # the supervisor's own cap on grace is 10 s
_STALE_SECONDS = 10.0  # it beats every second


@dataclass(frozen=True, slots=True)
class Supervisor:
    """A supervisor as seen from outside; ``up`` is false when it is gone or has frozen."""

    pid: int | None
    up: bool
    last_seen: datetime | None

    def __str__(self) -> str:
        seen = "never seen" if self.last_seen is None else f"last seen {self.last_seen:%FT%TZ}"
        return f"the cluster's supervisor is not running ({seen})"


def find_supervisor(folder: ClusterFolder, clock: Clock) -> Supervisor:
    """Return the state of the folder's supervisor; asks the kernel, not a file."""
    pid = folder.supervisor_pid()
    record = read_json(folder.supervisor_file) or {}
    try:
        beat = datetime.fromtimestamp(folder.supervisor_lock.stat().st_mtime, UTC)
    except FileNotFoundError:
        return Supervisor(None, up=False, last_seen=None)
    fresh = (clock.now() - beat).total_seconds() < _STALE_SECONDS
    return Supervisor(
        pid, up=pid is not None and record.get("pid") == pid and fresh, last_seen=beat
    )


def start_cluster(folder: Path, *, clock: Clock | None = None) -> None:
    """Start the cluster of ``folder`` (made when missing) and wait until it works.

    Does nothing when it runs. What its objects ask for is brought up again.

    Raises:
        TransientError: It did not come up; the message has the end of its log.
    """
    place = ClusterFolder(folder)
    place.path.mkdir(parents=True, exist_ok=True)
    place.stopped_mark.unlink(missing_ok=True)
    _start(place, clock or SystemClock())


def stop_cluster(folder: Path, *, now: bool, clock: Clock | None = None) -> None:
    """Stop the cluster of ``folder`` and all its processes; it stays stopped until started.

    Args:
        now: Kill at once, as losing a machine would. Otherwise pods get SIGTERM and their grace,
            10 seconds at most, before SIGKILL.
    """
    place, clock = ClusterFolder(folder), clock or SystemClock()
    place.path.mkdir(parents=True, exist_ok=True)
    write_json(place.stopped_mark, {"since": f"{clock.now():%FT%TZ}"})
    pid = place.supervisor_pid()
    if pid and not now:
        _signal(pid, signal.SIGTERM)
        _wait(lambda: place.supervisor_pid() != pid, _STOP_SECONDS, clock)
    if place.supervisor_pid() == pid and pid:
        _signal(pid, signal.SIGKILL)
        _wait(lambda: place.supervisor_pid() != pid, _STOP_SECONDS, clock)
    _clear(place, clock)


def ensure_started(folder: ClusterFolder, clock: Clock) -> None:
    """Start the supervisor unless it runs or the cluster was stopped.

    Raises:
        TransientError: The cluster was stopped, or its supervisor has frozen.
    """
    refuse_stopped(folder)
    if not find_supervisor(folder, clock).up:
        _start(folder, clock)


def refuse_stopped(folder: ClusterFolder) -> None:
    """Raise `TransientError` when the cluster was stopped: it is as good as unreachable."""
    if mark := read_json(folder.stopped_mark):
        raise TransientError(
            f"the local cluster {folder.name} has been stopped since {mark['since'][:19]}Z",
            operation="connect",
            resource=str(folder.path),
            hint="Start it again with `deployer sandbox up`.",
        )


def _start(folder: ClusterFolder, clock: Clock) -> None:
    """Start a supervisor, again when the one that seemed to run was on its way out."""
    folder.path.mkdir(parents=True, exist_ok=True)
    deadline = clock.monotonic() + _START_SECONDS
    spawned = -_RESPAWN_SECONDS
    while not find_supervisor(folder, clock).up:
        now = clock.monotonic()
        if now > deadline:
            _refuse_start(folder)
        if folder.supervisor_pid() is None and now - spawned >= _RESPAWN_SECONDS:
            _spawn(folder)
            spawned = now
        clock.sleep(0.02)


def _refuse_start(folder: ClusterFolder) -> NoReturn:
    raise TransientError(
        f"the local cluster {folder.name} did not start: {_log_end(folder)}",
        operation="start",
        resource=str(folder.path),
        hint=f"See {folder.supervisor_log}.",
    )


def _spawn(folder: ClusterFolder) -> None:
    """Run a launcher that forks the supervisor into a session of its own and exits."""
    command = [sys.executable, "-m", "deployer.providers.local.supervisor", str(folder.path)]
    environment = {key: value for key, value in os.environ.items() if key != MARKER}
    with folder.supervisor_log.open("ab") as log:
        subprocess.run(  # noqa: S603 - our own module
            [*command, "--detach"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            check=False,
        )


def _clear(folder: ClusterFolder, clock: Clock) -> None:
    """Leave no process of the cluster behind, the guardian included."""
    kill_marked(MARKER, f"{folder.path}:")
    guardian = (read_json(folder.supervisor_file) or {}).get("guardian")
    if guardian is None:
        return
    pid, argument = int(guardian), str(folder.path)
    if not _wait(lambda: not process_runs(pid, argument), _STOP_SECONDS, clock):
        _signal(pid, signal.SIGKILL)


def _wait(done: Callable[[], bool], seconds: float, clock: Clock) -> bool:
    deadline = clock.monotonic() + seconds
    while not done():
        if clock.monotonic() > deadline:
            return False
        clock.sleep(0.02)
    return True


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _log_end(folder: ClusterFolder) -> str:
    try:
        lines = folder.supervisor_log.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return "it left no log"
    return " | ".join(lines[-3:]) or "it left no log"
