"""The command line as a process that takes milliseconds to start; see ``forker.py``."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from deployer.providers.local.clock import SystemClock

__all__ = ["Forker", "Process", "start_forker"]

FORKER = Path(__file__).with_name("forker.py")
START_SECONDS = 120.0


class Process:
    """What `subprocess.Popen` is of a program, of a command that was forked."""

    def __init__(self, connection: socket.socket, stdout: IO[str], stderr: IO[str]) -> None:
        self._connection = connection
        self._stdout = stdout
        self.stderr = stderr
        self.pid = int(connection.recv(64))
        self.returncode: int | None = None
        self._rest: list[str] = []
        self._reader: threading.Thread | None = None

    def poll(self) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            self._connection.settimeout(timeout)
            try:
                self.returncode = int(self._connection.recv(64))
            except (BlockingIOError, TimeoutError):
                raise subprocess.TimeoutExpired("deployer", timeout or 0.0) from None
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Return its stdout, and what is left of its stderr."""
        if self._reader is None:
            self._reader = threading.Thread(target=self._read, daemon=True)
            self._reader.start()
        self.wait(timeout)
        self._reader.join()
        if not self._stdout.closed:
            self._stdout.seek(0)
            self._rest.append(self._stdout.read())
            for one in (self._stdout, self.stderr, self._connection):
                one.close()
        return self._rest[1], self._rest[0]

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _read(self) -> None:
        self._rest.append(self.stderr.read())


class Forker:
    """Where commands are forked."""

    def __init__(self, address: str) -> None:
        self._address = address

    def start(self, words: list[str], *, folder: Path, environment: Mapping[str, str]) -> Process:
        order = {"words": words, "folder": str(folder), "environment": dict(environment)}
        stdout = tempfile.TemporaryFile("w+")  # noqa: SIM115 - `Process` closes it
        ours, theirs = os.pipe()
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        connection.connect(self._address)
        message = json.dumps(order).encode()
        socket.send_fds(connection, [message], [stdout.fileno(), theirs])
        os.close(theirs)
        return Process(connection, stdout, os.fdopen(ours))


@contextlib.contextmanager
def start_forker(environment: Mapping[str, str]) -> Iterator[Forker]:
    """Start one; it ends with the block, or with this process."""
    with tempfile.TemporaryDirectory(prefix="forker") as folder:
        address = f"{folder}/socket"
        command = [sys.executable, str(FORKER), address]
        with subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
        ) as program:
            _await_socket(Path(address), program)
            yield Forker(address)
            assert program.stdin is not None
            program.stdin.close()


def _await_socket(address: Path, program: "subprocess.Popen[bytes]") -> None:
    clock = SystemClock()
    deadline = clock.monotonic() + START_SECONDS
    while not address.exists():
        assert program.poll() is None, "the forker has ended"
        assert clock.monotonic() < deadline, "the forker does not start"
        clock.sleep(0.05)
