"""One pod, from the moment it is bound to the node until the API server has forgotten it."""

import asyncio
from copy import deepcopy
from http import HTTPStatus
from typing import Any

from deployer.ports import Manifest
from deployer.providers.local.addresses import pick_address
from tests.cluster.api import Api, ApiError
from tests.cluster.node.events import Recorder
from tests.cluster.node.hooks import run_pre_stop
from tests.cluster.node.references import References, rewrite_volumes
from tests.cluster.node.report import NODE_ADDRESS, describe_pod
from tests.cluster.node.runner import NodeSettings, Runner
from tests.cluster.node.trouble import read_trouble

__all__ = ["NodePod"]

_REFRESH_SECONDS = 1.0
_RETRY_SECONDS = 0.5


class NodePod:
    """Runs a pod and reports on it; the API server's word on it comes by `terminate` and `drop`."""

    def __init__(self, pod: Manifest, api: Api, settings: NodeSettings) -> None:
        self._pod, self._api, self._settings = pod, api, settings
        self._trouble = read_trouble(pod)
        self._references = References(api, pod)
        self._changed = asyncio.Event()
        self._recorder = Recorder(api, pod)
        self._told: dict[str, Any] = {}
        self.terminating = False
        self.runner = Runner(
            _for_processes(pod), self._references, settings, on_change=self._changed.set
        )
        self._work = asyncio.create_task(self._run())
        self._reports = asyncio.create_task(self._report())

    def observe(self, pod: Manifest) -> None:
        """Say it again when the API server believes otherwise.

        Controllers mark the pods of a node that says nothing as not ready; the node is to put that
        right when it is back.
        """
        if self._told and _ready(pod["status"]) != _ready(self._told):
            self._told = {}
            self._changed.set()

    async def terminate(self, grace_seconds: float) -> None:
        """Run the hooks, then SIGTERM, the grace, SIGKILL; then let the API server forget it."""
        self.terminating = True
        self._work.cancel()
        clock = self._settings.clock
        deadline = clock.monotonic() + grace_seconds
        self._recorder.tell("Normal", "Killing", "Stopping the pod's containers")
        await asyncio.gather(*(self._run_hook(spec, grace_seconds) for spec in self._running()))
        rest = max(0.0, deadline - clock.monotonic())
        self.runner.pod["spec"]["terminationGracePeriodSeconds"] = rest
        await self.runner.stop()
        await self._forget()
        self.drop()

    async def kill(self) -> None:
        """End a pod that the API server has forgotten already."""
        self.terminating = True
        self._work.cancel()
        await self.runner.stop(cap_seconds=0)
        self.drop()

    def drop(self) -> None:
        """Stop reporting and delete what it left on disk."""
        self._reports.cancel()
        self._recorder.close()
        self.runner.remove()

    async def _run(self) -> None:
        """Start, and look again for what it refers to as long as it is not up."""
        await self._refresh()
        await asyncio.sleep(self._trouble.pull_seconds)
        self.runner.start()
        while True:
            await asyncio.sleep(_REFRESH_SECONDS)
            if any(one.pid is None and one.exit_code is None for one in self.runner.containers):
                await self._refresh()

    async def _refresh(self) -> None:
        while True:
            try:
                return await asyncio.to_thread(self._references.refresh)
            except ApiError:
                await asyncio.sleep(_RETRY_SECONDS)

    async def _report(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            status = self._describe()
            self._recorder.observe(status)
            if status != self._told and not await self._tell(status):
                return

    def _describe(self) -> dict[str, Any]:
        out_of_memory = self._trouble.memory_seconds is not None
        return describe_pod(self.runner.pod["status"], out_of_memory=out_of_memory)

    async def _tell(self, status: dict[str, Any]) -> bool:
        """Report, again later when the API server does not answer; False when the pod is gone."""
        body = {"metadata": {"uid": self._pod["metadata"]["uid"]}, "status": status}
        try:
            await asyncio.to_thread(self._api.patch, f"{_path(self._pod)}/status", body)
        except ApiError as error:
            if error.status in {HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT}:
                return False
            await asyncio.sleep(_RETRY_SECONDS)
            self._changed.set()
        else:
            self._told = status
        return True

    async def _forget(self) -> None:
        options = {"gracePeriodSeconds": 0, "preconditions": {"uid": self._pod["metadata"]["uid"]}}
        while True:
            try:
                return await asyncio.to_thread(self._api.delete, _path(self._pod), options)
            except ApiError as error:
                if error.status == HTTPStatus.CONFLICT:
                    return None
                await asyncio.sleep(_RETRY_SECONDS)

    def _running(self) -> list[Manifest]:
        return [one.spec for one in self.runner.containers if one.pid is not None]

    async def _run_hook(self, container: Manifest, seconds: float) -> None:
        async def execute(command: Any) -> int:
            launch = self.runner.prepare(container)
            process = await asyncio.create_subprocess_exec(
                *command, env=dict(launch.environment), cwd=launch.folder
            )
            return await process.wait()

        await run_pre_stop(
            container, self.runner.address, self.runner.ports, execute, seconds=seconds
        )


def _for_processes(pod: Manifest) -> dict[str, Any]:
    """Return the pod as its processes see it: with a loopback address of its own."""
    made = deepcopy(dict(pod))
    rewrite_volumes(made["spec"])
    ports = [
        int(port["containerPort"])
        for container in made["spec"]["containers"]
        for port in container.get("ports") or ()
    ]
    address = pick_address(ports, ())
    made["status"] = {"podIP": address, "podIPs": [{"ip": address}], "hostIP": NODE_ADDRESS}
    return made


def _ready(status: Manifest) -> bool:
    conditions = status.get("conditions") or ()
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _path(pod: Manifest) -> str:
    metadata = pod["metadata"]
    return f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"
