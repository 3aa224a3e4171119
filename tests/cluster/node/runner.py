"""A pod's processes: the local cluster's own runner, with what a node adds to it."""

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deployer.ports import Clock, Manifest
from deployer.providers.local.supervisor.containers import ContainerRunner, Launch
from deployer.providers.local.supervisor.pods import PodRunner
from deployer.providers.local.supervisor.problems import ContainerError
from tests.cluster.node.references import References
from tests.cluster.node.trouble import read_trouble

__all__ = ["NodeSettings", "Runner"]

_ANY_ADDRESS = re.compile(r"(?<![\d.])0\.0\.0\.0(?![\d.])")


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """What all pods of a node share.

    Attributes:
        mark: What the marker variable of all their processes begins with.
        environment: What every process finds in its environment.
    """

    folder: Path
    mark: str
    environment: Mapping[str, str]
    images: Callable[[], Mapping[str, Sequence[str]]]
    clock: Clock


class Runner(PodRunner):
    """Adds logs by run, the node's environment, addresses of its own, and trouble on demand."""

    def __init__(
        self,
        pod: dict[str, Any],
        references: References,
        settings: NodeSettings,
        on_change: Callable[[], None],
    ) -> None:
        self._settings, self._references = settings, references
        self._trouble = read_trouble(pod)
        self._seen: set[int] = set()
        metadata = pod["metadata"]
        super().__init__(
            pod,
            settings.folder / metadata["namespace"] / f"{metadata['name']}_{metadata['uid'][:8]}",
            mark=f"{settings.mark}{metadata['uid']}:",
            find=references.find,
            images=settings.images,
            clock=settings.clock,
            on_change=on_change,
        )

    @property
    def containers(self) -> Sequence[ContainerRunner]:
        """All of them, init containers first."""
        return (*self._init, *self._containers)

    def log_file(self, container: Manifest) -> Path:
        """Return where the container's output goes in this run of it."""
        return self.log_of(container["name"], self._restarts(container["name"]))

    def log_of(self, container: str, run: int) -> Path:
        """Return where the output of a container's run went; runs count from 0."""
        return self.folder / f"{container}.{run}.log"

    def find_log(self, container: str, *, previous: bool) -> Path:
        """Return the log of the latest run, or of the one before it."""
        run = self._restarts(container)
        waits = not self.log_of(container, run).exists()
        return self.log_of(container, run - 1 if waits or previous else run)

    def prepare(self, container: Manifest) -> Launch:
        """Return what to execute, as the namespace's machines would have it.

        ``0.0.0.0`` is every address of the pod, and it has one: its processes share the machine
        with those of others.
        """
        if reason := self._trouble.why_not_pulled(str(container.get("image", ""))):
            message = f"failed to pull image {container.get('image')!r}: {reason}"
            raise ContainerError("ErrImagePull", message)
        launch = super().prepare(container)
        given = {**self._settings.environment, **self._references.environment()}
        environment = {k: v for k, v in given.items() if k not in launch.environment}
        environment |= {k: self._own_address(v) for k, v in launch.environment.items()}
        command = [self._own_address(word) for word in launch.command]
        return replace(launch, command=command, environment=environment)

    def changed(self) -> None:
        """Take note of a change; a container that has begun may be in for trouble."""
        super().changed()
        for container in self._containers:
            if container.pid is not None and container.pid not in self._seen:
                self._seen.add(container.pid)
                self._plan_trouble(container.pid)

    def _own_address(self, text: str) -> str:
        return _ANY_ADDRESS.sub(self.address, text)

    def _restarts(self, name: str) -> int:
        found = next(one for one in self.containers if one.spec["name"] == name)
        return int(found.status()["restartCount"])

    def _plan_trouble(self, pid: int) -> None:
        loop = asyncio.get_running_loop()
        if self._trouble.crash_seconds is not None:
            loop.call_later(self._trouble.crash_seconds, _end, pid, signal.SIGABRT)
        if self._trouble.memory_seconds is not None:
            loop.call_later(self._trouble.memory_seconds, _end, pid, signal.SIGKILL)


def _end(pid: int, number: signal.Signals) -> None:
    """End the session a container's process leads, if it still runs."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, number)
