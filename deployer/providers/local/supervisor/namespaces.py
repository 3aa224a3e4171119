"""One namespace's pods and Services, brought to what its objects say."""

import asyncio
import random
import shutil
import string
import uuid
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from datetime import datetime
from typing import Any

from deployer.ports import Clock, Manifest
from deployer.providers.local.addresses import pick_address
from deployer.providers.local.cluster_folder import ClusterFolder, read_json, write_json
from deployer.providers.local.objects import ObjectFiles, used_addresses
from deployer.providers.local.supervisor.deployments import (
    PodView,
    Progress,
    describe_status,
    hash_template,
    plan_pods,
)
from deployer.providers.local.supervisor.forwarders import Forwarder, select_pods
from deployer.providers.local.supervisor.pods import PodRunner

__all__ = ["NamespaceRunner"]

_HASH = "pod-template-hash"
_SUFFIX = string.ascii_lowercase + string.digits


class NamespaceRunner:
    """Holds the running pods and forwarders of one namespace."""

    def __init__(
        self,
        folder: ClusterFolder,
        name: str,
        *,
        mark: str,
        images: Callable[[], Mapping[str, Sequence[str]]],
        clock: Clock,
        on_change: Callable[[], None],
    ) -> None:
        self._folder, self._name = folder, name
        self._objects = ObjectFiles(folder, name, clock)
        self._mark, self._images = mark, images
        self._clock, self._on_change = clock, on_change
        self._pods: dict[str, PodRunner] = {}
        self._forwarders: dict[tuple[str, str, int, str], Forwarder] = {}
        self._progress: dict[str, Progress] = {}
        self._written: dict[tuple[str, str], Any] = {}
        self._stopping: set[asyncio.Task[None]] = set()

    def resume(self) -> None:
        """Start the pods that the last supervisor left, under their names and addresses.

        What it wrote of them is forgotten first: nothing is ready before it is seen to be.
        """
        shutil.rmtree(self._folder.namespaces / self._name / "status", ignore_errors=True)
        for path in sorted(self._folder.pods(self._name).glob("*/pod.json")):
            pod = read_json(path)
            if pod and not pod["metadata"].get("deletionTimestamp"):
                taken = used_addresses(self._folder) - {pod["status"]["podIP"]}
                pod["status"] = {"podIP": self._keep_address(pod, taken)}
                self._run_pod(pod)

    async def reconcile(self) -> None:
        """Read the objects once, start and stop what they ask for, write statuses."""
        deployments = list(self._objects.list("Deployment"))
        for deployment in deployments:
            self._roll(deployment)
        self._drop_orphans({deployment["metadata"]["uid"] for deployment in deployments})
        await self._forward(list(self._objects.list("Service")))
        for deployment in deployments:
            self._report(deployment)

    async def stop(self, cap_seconds: float) -> None:
        """Close the Services, then stop all pods at once; their records are kept for `resume`."""
        for forwarder in self._forwarders.values():
            await forwarder.close()
        await asyncio.gather(*(p.stop(cap_seconds=cap_seconds) for p in self._pods.values()))
        if self._stopping:
            await asyncio.wait(self._stopping)
        for pod in self._pods.values():
            pod.pod["metadata"].pop("deletionTimestamp", None)
            pod.changed()

    def rotate_logs(self) -> None:
        """Keep the pods' logs from growing without bound."""
        for pod in self._pods.values():
            pod.rotate_logs()

    def _roll(self, deployment: Manifest) -> None:
        plan = plan_pods(deployment, self._views(deployment))
        for _ in range(plan.start):
            self._run_pod(self._make_pod(deployment))
        for name in plan.stop:
            self._stop_pod(self._pods[name])

    def _drop_orphans(self, owners: set[str]) -> None:
        for pod in list(self._pods.values()):
            if _owner(pod.pod) not in owners and not pod.terminating:
                self._stop_pod(pod)
        for owner in set(self._progress) - owners:
            del self._progress[owner]

    async def _forward(self, services: Sequence[Manifest]) -> None:
        pods = list(self._pods.values())
        wanted: dict[tuple[str, str, int, str], tuple[Manifest, Manifest]] = {}
        for service in services:
            for port in service["spec"].get("ports") or ():
                wanted[_forwarder_key(service, port)] = (service, port)
        for key in set(self._forwarders) - set(wanted):
            await self._forwarders.pop(key).close()
        faults: dict[str, list[str]] = {}
        for key, (service, port) in wanted.items():
            if key not in self._forwarders:
                self._forwarders[key] = Forwarder(service["spec"]["clusterIP"], port)
            fault = await self._forwarders[key].update(select_pods(service, pods))
            faults.setdefault(service["metadata"]["name"], []).extend([fault] if fault else [])
        for service in services:
            self._report_service(service, faults.get(service["metadata"]["name"], []))

    def _report_service(self, service: Manifest, faults: Sequence[str]) -> None:
        ready = select_pods(service, list(self._pods.values()))
        endpoints = [
            {
                "pod": pod.name,
                "address": pod.address,
                "ports": {
                    str(port["port"]): target
                    for port in service["spec"].get("ports") or ()
                    if (target := _target(pod, port)) is not None
                },
            }
            for pod in ready
        ]
        status = {"loadBalancer": {}, "endpoints": endpoints, "faults": list(faults)}
        self._write_status(service, status)

    def _report(self, deployment: Manifest) -> None:
        owner = deployment["metadata"]["uid"]
        status, self._progress[owner] = describe_status(
            deployment, self._views(deployment), self._progress.get(owner), now=self._clock.now()
        )
        self._write_status(deployment, status)

    def _write_status(self, manifest: Manifest, status: Mapping[str, Any]) -> None:
        kind, metadata = manifest["kind"], manifest["metadata"]
        document = {"uid": metadata["uid"], "status": status}
        key = (kind, metadata["name"])
        if self._written.get(key) != document:
            write_json(self._folder.status_file(self._name, *key), document)
            self._written[key] = deepcopy(document)

    def _views(self, deployment: Manifest) -> list[PodView]:
        owner = deployment["metadata"]["uid"]
        return [_view(pod) for pod in self._pods.values() if _owner(pod.pod) == owner]

    def _make_pod(self, deployment: Manifest) -> dict[str, Any]:
        template = deepcopy(deployment["spec"]["template"])
        metadata, mark = template.get("metadata") or {}, hash_template(deployment)
        suffix = "".join(random.choices(_SUFFIX, k=5))  # noqa: S311 - a name
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": f"{deployment['metadata']['name']}-{mark}-{suffix}",
                "namespace": self._name,
                "uid": str(uuid.uuid4()),
                "labels": {**(metadata.get("labels") or {}), _HASH: mark},
                "annotations": metadata.get("annotations") or {},
                "creationTimestamp": self._clock.now().isoformat(),
                "ownerReferences": [_reference(deployment)],
            },
            "spec": template["spec"],
        }
        address = pick_address(_pod_ports(pod), used_addresses(self._folder))
        return {**pod, "status": {"podIP": address}}

    def _keep_address(self, pod: Manifest, taken: set[str]) -> str:
        return pick_address(_pod_ports(pod), taken, first=pod["status"]["podIP"])

    def _run_pod(self, pod: dict[str, Any]) -> None:
        runner = PodRunner(
            pod,
            self._folder.pods(self._name) / pod["metadata"]["name"],
            mark=self._mark,
            find=self._objects.find_named,
            images=self._images,
            clock=self._clock,
            on_change=self._on_change,
        )
        self._pods[runner.name] = runner
        runner.start()

    def _stop_pod(self, pod: PodRunner) -> None:
        task = asyncio.get_running_loop().create_task(self._end_pod(pod))
        pod.terminating = True
        self._stopping.add(task)
        task.add_done_callback(self._stopping.discard)

    async def _end_pod(self, pod: PodRunner) -> None:
        # The forwarders must have let go of it before it hears of its end: no new connection
        # may reach a process that is shutting down.
        await self._forward(list(self._objects.list("Service")))
        await pod.stop()
        self._pods.pop(pod.name, None)
        pod.remove()
        self._on_change()


def _forwarder_key(service: Manifest, port: Manifest) -> tuple[str, str, int, str]:
    target = str(port.get("targetPort", port["port"]))
    return (service["metadata"]["uid"], service["spec"]["clusterIP"], int(port["port"]), target)


def _target(pod: PodRunner, port: Manifest) -> int | None:
    try:
        return Forwarder(pod.address, port).target(pod)
    except LookupError:
        return None


def _view(pod: PodRunner) -> PodView:
    metadata = pod.pod["metadata"]
    created = datetime.fromisoformat(metadata["creationTimestamp"])
    return PodView(pod.name, metadata["labels"][_HASH], pod.ready, pod.terminating, created)


def _owner(pod: Manifest) -> str:
    return str(pod["metadata"]["ownerReferences"][0]["uid"])


def _reference(deployment: Manifest) -> dict[str, str]:
    metadata = deployment["metadata"]
    return {"kind": "Deployment", "name": metadata["name"], "uid": metadata["uid"]}


def _pod_ports(pod: Manifest) -> list[int]:
    containers = pod["spec"]["containers"]
    return [int(port["containerPort"]) for c in containers for port in c.get("ports") or ()]
