"""What a node says about its pods for people to read: Kubernetes Events."""

import asyncio
import uuid
from typing import Any

from deployer.ports import Manifest
from deployer.providers.local.clock import SystemClock
from tests.cluster.api import Api, ApiError

__all__ = ["Recorder"]

_REASONS = {
    "ErrImagePull": "Failed",
    "ImagePullBackOff": "BackOff",
    "CrashLoopBackOff": "BackOff",
    "CreateContainerConfigError": "Failed",
    "RunContainerError": "Failed",
}
"""A waiting container's reason, and the reason of the Event a kubelet tells it by."""


class Recorder:
    """Tells each thing once, in threads of its own; one that cannot be told is lost."""

    def __init__(self, api: Api, pod: Manifest) -> None:
        self._api, self._pod = api, pod
        self._told: set[tuple[str, str]] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def observe(self, status: Manifest) -> None:
        """Tell what a new status says that was not told yet."""
        for condition in status["conditions"]:
            if condition["type"] == "Ready" and condition["message"]:
                self.tell("Warning", "Unhealthy", condition["message"])
        for container in (*status["initContainerStatuses"], *status["containerStatuses"]):
            state = container["state"]
            if waiting := state.get("waiting"):
                reason = _REASONS.get(waiting["reason"])
                message = f"{waiting['reason']}: {waiting.get('message', '')}"
                if reason:
                    self.tell("Warning", reason, f"container {container['name']}: {message}")
            elif "running" in state:
                self.tell("Normal", "Started", f"Started container {container['name']}")

    def tell(self, kind: str, reason: str, message: str) -> None:
        """Write an Event unless the same was said already."""
        if (reason, message) not in self._told:
            self._told.add((reason, message))
            task = asyncio.create_task(self._write(self._event(kind, reason, message)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        """Say no more."""
        for task in self._tasks:
            task.cancel()

    def _event(self, kind: str, reason: str, message: str) -> dict[str, Any]:
        metadata = self._pod["metadata"]
        now = f"{SystemClock().now():%Y-%m-%dT%H:%M:%SZ}"
        return {
            "metadata": {
                "name": f"{metadata['name']}.{uuid.uuid4().hex[:16]}",
                "namespace": metadata["namespace"],
            },
            "involvedObject": {
                "apiVersion": "v1",
                "kind": "Pod",
                "name": metadata["name"],
                "namespace": metadata["namespace"],
                "uid": metadata["uid"],
            },
            "type": kind,
            "reason": reason,
            "message": message[:1000],
            "source": {"component": "kubelet", "host": self._pod["spec"]["nodeName"]},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }

    async def _write(self, event: dict[str, Any]) -> None:
        path = f"/api/v1/namespaces/{event['metadata']['namespace']}/events"
        try:
            await asyncio.to_thread(self._api.post, path, event)
        except ApiError:
            return
