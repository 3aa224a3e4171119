"""Starting a program that outlives us: ``python -m deployer.sandbox.launch LOG PROGRAM [ARG...]``.

This short-lived process starts the program in a session of its own, prints its pid and exits, so
that the program is nobody's child: it survives the command line and leaves no zombie in a caller
that lives on.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["launch", "main"]


def launch(command: Sequence[str], *, log: Path, environment: Mapping[str, str]) -> int:
    """Start ``command`` detached, its output appended to ``log``, and return its pid."""
    words = [sys.executable, "-m", "deployer.sandbox.launch", str(log), *command]
    done = subprocess.run(  # noqa: S603 - our own module
        words, env=dict(environment), stdin=subprocess.DEVNULL, capture_output=True, check=True
    )
    return int(done.stdout)


def main() -> None:
    """Be the short-lived process."""
    log, command = sys.argv[1], sys.argv[2:]
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    pid = os.posix_spawn(
        command[0],
        command,
        os.environ,
        setsid=True,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, output, 1),
            (os.POSIX_SPAWN_DUP2, output, 2),
        ],
    )
    print(pid)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
