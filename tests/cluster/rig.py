"""A control plane as its users see it: three clouds' API servers, or as many as a test wants."""

import fcntl
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployer.ports import Clock
from deployer.providers.local.clock import SystemClock
from deployer.sandbox.launch import launch
from deployer.sandbox.processes import ProcessRecord, is_running, record_process, stop_process
from tests.cluster.api import Api
from tests.cluster.assets import Assets

__all__ = [
    "CLOUDS",
    "ApiServer",
    "ControlPlane",
    "RigError",
    "find_control_plane",
    "start_keeper",
    "stop_keeper",
    "use_control_plane",
]

CLOUDS = ("aws", "gcp", "azure")

_REPOSITORY = Path(__file__).parents[2]
_KEEPER_SECONDS = 30.0
_ANSWER_SECONDS = 150.0
_POLL_SECONDS = 0.02


class RigError(Exception):
    """The control plane did not come up, or did not do what it was asked to."""


@dataclass(frozen=True, slots=True)
class ApiServer:
    """One cluster, and how to get in as its administrator.

    Attributes:
        token: The administrator's.
        restricted_token: Of the user ``restricted`` in group ``testers``: RBAC knows neither.
        authority: The file of the certificate it is to be trusted by.
        kubeconfig: A file with one context, which is current.
        runs_pods: Whether controllers act on objects and pods become processes.
    """

    name: str
    kubeconfig: str
    context: str
    url: str = ""
    token: str = ""
    restricted_token: str = ""
    authority: str = ""
    runs_pods: bool = True

    def api(self) -> Api:
        """Return a client of its own; for what a test does that the product does not."""
        return Api(self.url, self.token, self.authority)


class ControlPlane:
    """Asks the keeper of ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def start(self, *names: str, own_etcd: bool = False) -> tuple[ApiServer, ...]:
        """Return these clusters, started if they do not run yet."""
        found = self._ask(do="start", names=names, own_etcd=own_etcd)
        return tuple(ApiServer(**one) for one in found)

    def describe(self) -> tuple[ApiServer, ...]:
        """Return the clusters that run."""
        return tuple(ApiServer(**one) for one in self._ask(do="describe"))

    def stop(self, *names: str) -> None:
        """Kill clusters, with all that they hold."""
        self._ask(do="stop", names=names)

    def restart(self, name: str, process: str = "kube-apiserver") -> None:
        """Kill one of a cluster's processes and start it again; returns when the API answers."""
        self._ask(do="restart", name=name, process=process)

    def send(self, name: str, process: str, number: signal.Signals) -> None:
        """Send a signal: SIGSTOP makes a process hang, SIGCONT goes on, SIGKILL ends it.

        Args:
            process: ``kube-apiserver``, ``kube-controller-manager``, ``kube-scheduler``, the name
                of a node, or ``etcd`` of a cluster that has its own.
        """
        self._ask(do="signal", name=name, process=process, number=int(number))

    def add_node(self, name: str, node: str, **labels: str) -> None:
        """Start one more node in a cluster, tainted with ``node=<its name>:NoSchedule``."""
        text = ",".join(f"{key}={value}" for key, value in labels.items())
        self._ask(do="add_node", name=name, node=node, labels=text)

    def _ask(self, **request: Any) -> Any:
        state = json.loads((self.folder / "keeper.json").read_text())
        with socket.create_connection(("127.0.0.1", state["port"]), _ANSWER_SECONDS) as connection:
            connection.sendall(json.dumps(request).encode() + b"\n")
            text = connection.makefile("rb").read()
        reply = json.loads(text or '{"error": "the control plane\'s keeper has ended"}')
        if "error" in reply:
            raise RigError(reply["error"])
        return reply["answer"]


@contextmanager
def use_control_plane(folder: Path, assets: Assets) -> Iterator[ControlPlane]:
    """Yield the folder's control plane, started if nobody has yet; it ends with its last user."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "users.lock").open("ab") as users:
        with _locked(folder / "start.lock"):
            fcntl.flock(users, fcntl.LOCK_SH)  # a keeper on its way out keeps it until it is gone
            plane = find_control_plane(folder) or start_keeper(folder, assets)
        yield plane


def find_control_plane(folder: Path) -> ControlPlane | None:
    """Return the folder's control plane if its keeper runs."""
    return ControlPlane(folder) if is_running(_keeper(folder)) else None


def start_keeper(folder: Path, assets: Assets, *, stay: bool = False) -> ControlPlane:
    """Start the folder's keeper, a process of its own session.

    Raises:
        RigError: It did not come up; the message has the end of its log.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "keeper.json").unlink(missing_ok=True)
    log, clock = folder / "keeper.log", SystemClock()
    words = ["-m", "tests.cluster.keeper", str(folder), str(assets.folder)]
    command = [sys.executable, *words, *(["--stay"] if stay else [])]
    pid = launch(command, log=log, environment=os.environ | {"PYTHONPATH": str(_REPOSITORY)})
    record = record_process(pid)
    deadline = clock.monotonic() + _KEEPER_SECONDS
    while not (folder / "keeper.json").exists():
        if not is_running(record) or clock.monotonic() > deadline:
            raise RigError(f"the control plane's keeper did not start: {log.read_text()[-2000:]}")
        clock.sleep(_POLL_SECONDS)
    return ControlPlane(folder)


def stop_keeper(folder: Path, clock: Clock) -> None:
    """End the folder's control plane, whoever uses it."""
    stop_process(_keeper(folder), clock, now=False)


def _keeper(folder: Path) -> ProcessRecord | None:
    try:
        state = json.loads((folder / "keeper.json").read_text())
    except FileNotFoundError:
        return None
    return ProcessRecord(**state["process"])


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
