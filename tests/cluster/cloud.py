"""One API server with its controllers, its scheduler and its nodes: a cloud's cluster."""

import json
import secrets
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from deployer.ports import Clock
from tests.cluster.api import Api, ApiError
from tests.cluster.assets import Assets
from tests.cluster.certificates import Authority, write_key
from tests.cluster.commands import (
    ADMIN,
    EGRESS_SOCKET,
    Ports,
    api_server_command,
    controller_command,
    egress_settings,
    etcd_command,
    kubeconfig,
    scheduler_command,
    token_file,
)
from tests.cluster.processes import Child, find_ports

__all__ = ["API_SERVER", "Cloud", "StartError", "start_etcd"]

API_SERVER = "kube-apiserver"

_REPOSITORY = Path(__file__).parents[2]
_START_SECONDS = 120.0  # it takes 4 s on an idle machine; CI's are not
_POLL_SECONDS = 0.1
_USERS = (ADMIN, "restricted")
_HOSTS = ("127.0.0.1", "localhost", "kubernetes", "kubernetes.default.svc")
_NODE_PATH = "/api/v1/nodes/{}"


class StartError(Exception):
    """A program did not come up; the message has the end of its log."""


def start_etcd(assets: Assets, folder: Path) -> tuple[Child, int]:
    """Start an etcd and return it with its port; it need not be ready yet."""
    folder.mkdir(parents=True, exist_ok=True)
    client, peer = find_ports(2)
    arguments = etcd_command(folder / "etcd", client, peer)
    return Child("etcd", [str(assets.program("etcd")), *arguments], folder), client


class Cloud:
    """Starts in steps, so that several can come up side by side."""

    def __init__(
        self, name: str, folder: Path, assets: Assets, *, etcd: int | None, clock: Clock
    ) -> None:
        self.name, self.folder = name, folder
        self.children: dict[str, Child] = {}
        self._assets, self._clock = assets, clock
        self._ports = Ports(*find_ports(3))
        self._tokens = {user: secrets.token_urlsafe(16) for user in _USERS}
        folder.mkdir(parents=True)
        self._write_settings()
        self._api = Api(self._url, self._tokens[ADMIN], folder / "ca.crt")
        if etcd is None:
            self.children["etcd"], etcd = start_etcd(assets, folder)
        self._run(API_SERVER, api_server_command(folder, name, self._ports, etcd))

    def describe(self) -> dict[str, Any]:
        """Return what a client needs to know, as JSON-like data."""
        return {
            "name": self.name,
            "url": self._url,
            "token": self._tokens[ADMIN],
            "restricted_token": self._tokens["restricted"],
            "authority": str(self.folder / "ca.crt"),
            "kubeconfig": str(self.folder / "kubeconfig"),
            "context": self.name,
            "runs_pods": self._assets.controllers,
        }

    def start_rest(self) -> None:
        """Wait for the API server, then start what acts on its objects."""
        self.wait_for_api()
        if self._assets.controllers:
            self._run("kube-controller-manager", controller_command(self.folder, self._ports))
            self._run("kube-scheduler", scheduler_command(self.folder, self._ports))
            self._start_node(f"{self.name}-node", ["--egress", EGRESS_SOCKET])

    def wait_until_ready(self) -> None:
        """Return when pods can run.

        Raises:
            StartError: They cannot, after two minutes or because a program ended.
        """
        if self._assets.controllers:
            node = _NODE_PATH.format(f"{self.name}-node")
            self._wait(lambda: _is_schedulable(self._api.find(node)), "its node is not ready")
            account = "/api/v1/namespaces/default/serviceaccounts/default"
            self._wait(lambda: self._api.find(account) is not None, "no controller acts")

    def wait_for_api(self) -> None:
        """Return when the API server is ready."""
        self._wait(lambda: self._api.read("/readyz") == "ok", "its API server is not ready")

    def add_node(self, name: str, labels: str) -> None:
        """Start one more node, tainted with ``node=<name>`` so that only pods that want it come."""
        self._start_node(name, ["--labels", labels, "--taint", f"node={name}"])
        path = _NODE_PATH.format(name)
        self._wait(lambda: _is_schedulable(self._api.find(path)), f"node {name} is not ready")

    def stop(self, *, now: bool) -> None:
        """End everything; the newest first, as nodes tell the API server about their pods' end."""
        for child in reversed(self.children.values()):
            if now:
                child.kill()
            else:
                child.stop()
        self._api.close()

    @property
    def _url(self) -> str:
        return f"https://127.0.0.1:{self._ports.api}"

    def _write_settings(self) -> None:
        authority = Authority(self.folder, self.name, self._clock)
        authority.issue("server", _HOSTS)
        authority.issue("node", _HOSTS)
        write_key(self.folder / "accounts.key")
        access = kubeconfig(self.name, self._url, authority.certificate, self._tokens[ADMIN])
        (self.folder / "kubeconfig").write_text(json.dumps(access, indent=1))
        (self.folder / "tokens.csv").write_text(token_file(self._tokens))
        (self.folder / "egress.yaml").write_text(egress_settings())

    def _run(self, program: str, arguments: list[str]) -> None:
        command = [str(self._assets.program(program)), *arguments]
        self.children[program] = Child(program, command, self.folder)

    def _start_node(self, name: str, arguments: list[str]) -> None:
        command = [sys.executable, "-m", "tests.cluster.node", str(self.folder), name, *arguments]
        environment = {"PYTHONPATH": str(_REPOSITORY)}
        self.children[name] = Child(name, command, self.folder, environment)

    def _wait(self, done: Callable[[], bool], complaint: str) -> None:
        deadline = self._clock.monotonic() + _START_SECONDS
        while not _quietly(done):
            dead = [child for child in self.children.values() if not child.running]
            if dead or self._clock.monotonic() > deadline:
                said = "\n".join(
                    f"{child.name}: {child.last_words()}" for child in dead or self._all()
                )
                raise StartError(f"cluster {self.name}: {complaint}\n{said}")
            self._clock.sleep(_POLL_SECONDS)

    def _all(self) -> list[Child]:
        return list(self.children.values())


def _quietly(done: Callable[[], bool]) -> bool:
    """Ask; a server that does not answer yet says no."""
    try:
        return done()
    except ApiError:
        return False


def _is_schedulable(node: Any) -> bool:
    if node is None:
        return False
    conditions = {c["type"]: c["status"] for c in node["status"].get("conditions") or ()}
    taints = {taint["key"] for taint in node["spec"].get("taints") or ()}
    held = any(key.startswith("node.kubernetes.io/") for key in taints)
    return conditions.get("Ready") == "True" and not held
