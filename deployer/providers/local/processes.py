"""Finding and ending the machine's processes through /proc (Linux)."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

__all__ = ["find_marked", "kill_marked", "process_runs"]

_PROC = Path("/proc")
_ROUNDS = 50


def find_marked(variable: str, prefix: str) -> Iterator[int]:
    """Yield the pids whose environment has ``variable`` with a value that starts so.

    The environment a process was started with is inherited by all it starts, so this finds what
    double forks and new sessions hide. Zombies are not found: they run no more.
    """
    needle = b"\0" + f"{variable}={prefix}".encode()
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                environment = (entry / "environ").read_bytes()
            except (OSError, ValueError):  # it ended, or belongs to somebody else
                continue
            if needle in b"\0" + environment:
                yield int(entry.name)


def kill_marked(variable: str, prefix: str) -> int:
    """Send SIGKILL to all that `find_marked` finds until it finds none; return how many."""
    killed: set[int] = set()
    for _ in range(_ROUNDS):
        found = list(find_marked(variable, prefix))
        if not found:
            break
        killed.update(found)
        for pid in found:
            _kill(pid)
    return len(killed)


def process_runs(pid: int, argument: str) -> bool:
    """Return whether ``pid`` runs with ``argument`` on its command line; a zombie does not."""
    try:
        words = (_PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return argument.encode() in words


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
