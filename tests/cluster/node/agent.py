"""The node agent: keeps a Node alive and runs the pods that are bound to it."""

import asyncio
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Coroutine, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

from deployer.ports import Clock, Manifest
from deployer.providers.local.lifecycle import MARKER
from tests.cluster.api import Api, ApiError
from tests.cluster.node.kubelet import serve_logs
from tests.cluster.node.machine import describe_lease, describe_node, describe_node_status
from tests.cluster.node.pod import NodePod
from tests.cluster.node.runner import NodeSettings
from tests.cluster.node.watcher import Watcher

__all__ = ["Agent"]

_BEAT_SECONDS = 3.0
_RETRY_SECONDS = 0.3
_DONE = frozenset({"Succeeded", "Failed"})


class Agent:
    """One node of the cluster whose settings are in ``folder``."""

    def __init__(self, folder: Path, name: str, api: Api, clock: Clock) -> None:
        self._folder, self._name, self._api, self._clock = folder, name, api, clock
        self._pods: dict[str, NodePod] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        place = folder / f"{name}-pods"
        self._instance = uuid.uuid4().hex
        self._settings = NodeSettings(
            folder=place,
            mark=f"{place}:{self._instance}:",
            environment=_service_environment(folder),
            images=self._read_images,
            clock=clock,
        )

    async def run(self, labels: Mapping[str, str], taint: str | None) -> None:
        """Register the node and work until cancelled."""
        self._start_guardian()
        certificate, key = self._folder / "node.crt", self._folder / "node.key"
        logs = await serve_logs(self._find_log, certificate, key)
        port = int(logs.sockets[0].getsockname()[1])
        node = describe_node(self._name, self._folder.name, labels, taint)
        await self._patiently(self._register, node, port)
        selector = f"spec.nodeName={self._name}"
        Watcher(self._api, "/api/v1/pods", self._note, clock=self._clock, fieldSelector=selector)
        while True:
            await self._patiently(self._beat)
            await asyncio.sleep(_BEAT_SECONDS)

    def _note(self, pod: Manifest, gone: bool) -> None:
        uid, metadata = pod["metadata"]["uid"], pod["metadata"]
        known = self._pods.get(uid)
        if gone:
            if known is not None and not known.terminating:
                self._do(known.kill())
            self._pods.pop(uid, None)
        elif metadata.get("deletionTimestamp"):
            if known is None:
                known = self._pods[uid] = NodePod(pod, self._api, self._settings)
            if not known.terminating:
                self._do(known.terminate(float(metadata.get("deletionGracePeriodSeconds") or 0)))
        elif known is not None:
            known.observe(pod)
        elif (pod.get("status") or {}).get("phase") not in _DONE:
            self._pods[uid] = NodePod(pod, self._api, self._settings)

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _find_log(
        self,
        namespace: str,
        pod: str,
        container: str,
        previous: bool,
    ) -> Path | None:
        for found in self._pods.values():
            metadata = found.runner.pod["metadata"]
            if (metadata["namespace"], metadata["name"]) == (namespace, pod):
                return found.runner.find_log(container, previous=previous)
        return None

    def _register(self, node: Manifest, port: int) -> None:
        _create(self._api, "/api/v1/nodes", node)
        now = self._clock.now()
        status = describe_node_status(port=port, now=now, since=now)
        self._api.patch(f"/api/v1/nodes/{self._name}/status", {"status": status})

    def _beat(self) -> None:
        lease = describe_lease(self._name, self._clock.now())
        leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
        try:
            self._api.patch(f"{leases}/{self._name}", lease)
        except ApiError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            _create(self._api, leases, lease)

    async def _patiently(self, act: Any, *arguments: Any) -> None:
        """Do it in a thread, again and again until the API server lets it."""
        while True:
            try:
                return await asyncio.to_thread(act, *arguments)
            except ApiError as error:
                sys.stderr.write(f"{self._name}: {act.__name__}: {error}\n")
                await asyncio.sleep(_RETRY_SECONDS)

    def _read_images(self) -> Mapping[str, Sequence[str]]:
        """Return which command stands for an image, from ``images.json`` if somebody wrote one."""
        try:
            found: dict[str, list[str]] = json.loads((self._folder / "images.json").read_text())
        except FileNotFoundError:
            return {}
        return found

    def _start_guardian(self) -> None:
        """Start what ends the pods' processes, and all that they started, when this one ends."""
        command = [sys.executable, "-m", "deployer.providers.local.supervisor.guardian"]
        self._guardian = subprocess.Popen(
            [*command, MARKER, str(self._settings.folder), self._instance],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )


def _create(api: Api, path: str, body: Manifest) -> None:
    try:
        api.post(path, body)
    except ApiError as error:
        if error.status != HTTPStatus.CONFLICT:
            raise


def _service_environment(folder: Path) -> dict[str, str]:
    """Return what every pod finds in its environment on any cluster: where its API server is."""
    server = json.loads((folder / "kubeconfig").read_text())["clusters"][0]["cluster"]["server"]
    host, _, port = server.removeprefix("https://").partition(":")
    os.environ.pop("PYTHONPATH", None)  # it was for this program, not for pods
    return {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}
