"""``python -m deployer.providers.local.supervisor FOLDER [--detach]``: run the folder's cluster."""

import asyncio
import fcntl
import os
import signal
import sys
from pathlib import Path
from typing import IO

from deployer.providers.local.clock import SystemClock
from deployer.providers.local.cluster_folder import ClusterFolder
from deployer.providers.local.lifecycle import MARKER
from deployer.providers.local.processes import kill_marked
from deployer.providers.local.supervisor.supervisor import Supervisor

__all__ = ["main"]

_REFUSED = 3


def main(arguments: list[str]) -> int:
    """Run until SIGTERM; the exit code is 3 when another supervisor has the folder."""
    folder = ClusterFolder(Path(arguments[0]))
    if "--detach" in arguments[1:]:
        _detach()
    lock = _take_lock(folder)
    if lock is None:
        sys.stderr.write(f"{folder.path}: another supervisor runs this cluster\n")
        return _REFUSED
    with lock:
        kill_marked(MARKER, f"{folder.path}:")  # what a predecessor may have left
        asyncio.run(_serve(folder, lock))
    return 0


async def _serve(folder: ClusterFolder, lock: IO[bytes]) -> None:
    supervisor = Supervisor(folder, lock, SystemClock())
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, supervisor.stop.set)
    await supervisor.run()


def _detach() -> None:
    """Leave the starter's session and family: it may end, and nothing waits for us."""
    if os.fork():
        os._exit(0)
    os.setsid()


def _take_lock(folder: ClusterFolder) -> IO[bytes] | None:
    folder.path.mkdir(parents=True, exist_ok=True)
    lock = folder.supervisor_lock.open("ab")
    try:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        return None
    return lock


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
