"""Forks a process for every command line from this one, which has all of `deployer` imported.

``forker.py SOCKET`` listens there until its stdin is closed. A connection is one command: its
words, folder and environment as JSON, with its stdout and stderr. The answers are its process id,
and how it ended.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import sys
import threading
import warnings
from typing import Any

import deployer
from deployer.cli.start import main as run_command

_ENDED = [1]
"""The status to end with: that of a stack, until a command has said another."""

SDKS = ("azure.storage.blob", "boto3.session", "google.cloud.storage", "kubernetes.client")


def main() -> None:
    """Serve; in the process of a command, return once it is what a shell would have started."""
    _load()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(sys.argv[1])
        listener.listen()
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while listener in select.select([listener, sys.stdin], [], [])[0]:
            connection, _ = listener.accept()
            if not os.fork():
                _become(*_keep(connection))
                return
            connection.close()
    os._exit(0)


def _load() -> None:
    """Import what any command may: they are forked from one thread, and share what is there."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module in pkgutil.walk_packages(deployer.__path__, "deployer."):
            if not module.name.startswith("deployer.sandbox."):
                importlib.import_module(module.name)
        for name in SDKS:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
    assert threading.active_count() == 1
    gc.freeze()


def _keep(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Start the command's process and wait for its end; only in that process, return."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    message, streams, _, _ = socket.recv_fds(connection, 1 << 18, 2)
    child = os.fork()
    if not child:
        connection.close()
        return json.loads(message), streams
    for stream in streams:
        os.close(stream)
    connection.send(str(child).encode())
    _, status = os.waitpid(child, 0)
    with contextlib.suppress(OSError):  # nobody asks any more
        connection.send(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _become(order: dict[str, Any], streams: list[int]) -> None:
    for number, stream in enumerate([os.open(os.devnull, os.O_RDONLY), *streams]):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    sys.argv = order["words"]
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _run() -> None:
    """Run the command and end with its status."""
    try:
        run_command()
    except SystemExit as ended:
        _ENDED.append(int(ended.code or 0))
        raise


def _leave() -> None:
    """End here, after all else that is done at exit: taking apart what is imported takes long."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(_ENDED[-1])


if __name__ == "__main__":
    atexit.register(_leave)
    main()
    _run()
