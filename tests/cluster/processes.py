"""Child processes that never outlive their parent, and free ports for them."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from deployer.providers.local.supervisor import pod_exec

__all__ = ["Child", "find_ports"]

_GRACE_SECONDS = 5.0


class Child:
    """A running program; its output is appended to ``<name>.log`` in ``folder``.

    The kernel kills it when the thread that started it ends, however that comes: children are
    started from main threads only.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        folder: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name, self.command, self.folder = name, list(command), folder
        self.log = folder / f"{name}.log"
        self._environment = {**os.environ, **(environment or {})}
        self._process = self._start()

    @property
    def pid(self) -> int:
        """The process as it runs now; another after `restart`."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def restart(self) -> None:
        """Kill it and start it again with the same command."""
        self.kill()
        self._process = self._start()

    def stop(self) -> None:
        """End it: SIGTERM, SIGKILL after five seconds."""
        self.send(signal.SIGTERM)
        try:
            self._process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it at once."""
        self.send(signal.SIGKILL)
        self._process.wait()

    def send(self, number: signal.Signals) -> None:
        """Send a signal, if it runs."""
        if self.running:
            self._process.send_signal(number)

    def last_words(self, lines: int = 5) -> str:
        """Return the end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _start(self) -> "subprocess.Popen[bytes]":
        tied = [sys.executable, "-I", "-S", pod_exec.__file__, str(os.getpid())]
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [*tied, *self.command],
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )


def find_ports(count: int) -> tuple[int, ...]:
    """Return ports of 127.0.0.1 that are free right now, all different."""
    with ExitStack() as stack:
        servers = [
            stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)
        ]
        return tuple(int(server.getsockname()[1]) for server in servers)
