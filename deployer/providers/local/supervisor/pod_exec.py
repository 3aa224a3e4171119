"""Become a pod's process: tie its life to the supervisor's, then run the command.

Run as a script (``python -I -S pod_exec.py PARENT_PID COMMAND…``), so it imports nothing of ours:
it is on the way of every start. `preexec_fn` could do the same only in a program without threads.
"""

import ctypes
import os
import signal
import sys

__all__ = ["main"]

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main(arguments: list[str]) -> None:
    """Replace this process by the command; the kernel kills it when the supervisor dies."""
    parent, command = int(arguments[0]), arguments[1:]
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the line above
        os.kill(os.getpid(), signal.SIGKILL)
    os.execvp(command[0], command)  # noqa: S606 - no shell is the point


if __name__ == "__main__":
    main(sys.argv[1:])
