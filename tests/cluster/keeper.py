"""The process that owns a test run's control plane: ``python -m tests.cluster.keeper FOLDER``.

It starts etcd and, as it is asked to, API servers with all that belongs to them. It ends when the
last user has: users hold a shared lock on a file, which the kernel takes from them however they
end; the keeper waits for the exclusive one. With ``--stay`` it waits for SIGTERM instead. Its
children end with it.
"""

import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from deployer.ports import Clock
from deployer.providers.local.clock import SystemClock
from deployer.sandbox.processes import record_process
from tests.cluster.assets import Assets
from tests.cluster.cloud import API_SERVER, Cloud, StartError, start_etcd

__all__ = ["Keeper", "main"]

_REQUEST_BYTES = 1 << 16


class Keeper:
    """Owns the processes; its requests are JSON objects whose ``do`` names one of its methods."""

    def __init__(self, folder: Path, assets: Assets, clock: Clock) -> None:
        self._folder, self._assets, self._clock = folder, assets, clock
        self._etcd, self._etcd_port = start_etcd(assets, folder)
        self._clouds: dict[str, Cloud] = {}

    def answer(self, request: Mapping[str, Any]) -> Any:
        """Do what a request asks for and return JSON-like data.

        Raises:
            StartError: Something did not come up.
        """
        deeds: dict[str, Callable[..., Any]] = {
            "start": self._start,
            "stop": self._stop,
            "restart": self._restart,
            "signal": self._signal,
            "add_node": self._add_node,
            "describe": self._describe,
        }
        return deeds[request["do"]](**{k: v for k, v in request.items() if k != "do"})

    def close(self) -> None:
        """End everything at once and forget what etcd holds."""
        for cloud in self._clouds.values():
            cloud.stop(now=True)
        self._etcd.kill()
        for data in self._folder.glob("**/etcd/member"):
            shutil.rmtree(data)

    def _start(self, names: list[str], *, own_etcd: bool) -> list[dict[str, Any]]:
        etcd = None if own_etcd else self._etcd_port
        new = [
            Cloud(name, self._folder / name, self._assets, etcd=etcd, clock=self._clock)
            for name in names
            if name not in self._clouds
        ]
        self._clouds |= {cloud.name: cloud for cloud in new}
        for cloud in new:
            cloud.start_rest()
        for cloud in new:
            cloud.wait_until_ready()
        return [self._clouds[name].describe() for name in names]

    def _stop(self, names: list[str]) -> None:
        for name in names:
            cloud = self._clouds.pop(name, None)
            if cloud is not None:
                cloud.stop(now=True)
                shutil.rmtree(cloud.folder / "etcd", ignore_errors=True)

    def _restart(self, name: str, process: str) -> None:
        self._clouds[name].children[process].restart()
        if process == API_SERVER:
            self._clouds[name].wait_for_api()

    def _signal(self, name: str, process: str, number: int) -> None:
        self._clouds[name].children[process].send(signal.Signals(number))

    def _add_node(self, name: str, node: str, labels: str) -> None:
        self._clouds[name].add_node(node, labels)

    def _describe(self) -> list[dict[str, Any]]:
        return [cloud.describe() for cloud in self._clouds.values()]


def main(arguments: list[str]) -> None:
    """Serve requests until nobody uses the folder's control plane any more."""
    folder, assets = Path(arguments[0]), Assets(Path(arguments[1]))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    waker, wake = socket.socketpair()
    with socket.create_server(("127.0.0.1", 0)) as listener, waker, wake:
        if "--stay" not in arguments:
            _watch_users(folder / "users.lock", wake)
        keeper = Keeper(folder, assets, SystemClock())
        state = folder / "keeper.json"
        with contextlib.ExitStack() as stack:
            stack.callback(state.unlink)
            stack.callback(keeper.close)
            _write_state(state, listener.getsockname()[1])
            while waker not in (ready := select.select([waker, listener], [], [])[0]):
                if listener in ready:
                    _serve(listener, keeper)


def _watch_users(lock: Path, wake: socket.socket) -> None:
    """Send a byte when the lock has no other holder; it is kept until this process has ended."""

    def wait() -> None:
        fcntl.flock(handle, fcntl.LOCK_EX)
        wake.send(b".")

    handle = os.open(lock, os.O_RDWR | os.O_CREAT)
    threading.Thread(target=wait, daemon=True).start()


def _write_state(state: Path, port: int) -> None:
    scratch = state.with_suffix(".new")
    record = record_process(os.getpid())
    assert record is not None
    scratch.write_text(json.dumps({"process": record.model_dump(), "port": port}))
    scratch.rename(state)


def _serve(listener: socket.socket, keeper: Keeper) -> None:
    connection, _ = listener.accept()
    with connection:
        request = json.loads(connection.makefile("rb").readline(_REQUEST_BYTES))
        try:
            reply = {"answer": keeper.answer(request)}
        except (StartError, LookupError) as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
        with contextlib.suppress(OSError):  # whoever asked may have gone
            connection.sendall(json.dumps(reply).encode())


if __name__ == "__main__":
    main(sys.argv[1:])
