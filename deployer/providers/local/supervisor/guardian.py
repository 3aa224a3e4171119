"""Wait for the supervisor's end, then end what its pods left: ``python -m … MARKER PREFIX``.

The kernel ends each container's own process with the supervisor; what those started in turn it does
not. The guardian reads from a pipe that the supervisor holds open: its end is the supervisor's end,
however that came.
"""

import signal
import sys

from deployer.providers.local.processes import kill_marked

__all__ = ["main"]


def main(arguments: list[str]) -> None:
    """Block until standard input ends, then kill every process with the mark."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    variable, folder, instance = arguments
    sys.stdin.buffer.read()
    kill_marked(variable, f"{folder}:{instance}:")


if __name__ == "__main__":
    main(sys.argv[1:])
