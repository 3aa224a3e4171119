"""One pod: its folder, its address, its containers in order."""

import asyncio
import contextlib
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from deployer.ports import Clock, Manifest
from deployer.providers.local.cluster_folder import write_json
from deployer.providers.local.lifecycle import MARKER
from deployer.providers.local.processes import kill_marked
from deployer.providers.local.supervisor.containers import ContainerRunner, Launch
from deployer.providers.local.supervisor.environment import (
    FindObject,
    expand,
    resolve_environment,
    translate_paths,
)
from deployer.providers.local.supervisor.images import find_command
from deployer.providers.local.supervisor.logs import rotate
from deployer.providers.local.supervisor.problems import ContainerError
from deployer.providers.local.supervisor.volumes import find_mounts, make_volumes

__all__ = ["PodRunner"]

_GRACE_SECONDS = 30.0
_VOLUME_RETRY_SECONDS = 1.0


class PodRunner:
    """Runs one pod until it is stopped, and keeps its record ``pod.json`` up to date.

    Args:
        pod: The pod with its ``status.podIP``; the containers' processes bind to that address.
        mark: What the marker variable of all its processes begins with.
        images: The cluster's own table, image prefix → command.
    """

    def __init__(
        self,
        pod: dict[str, Any],
        folder: Path,
        *,
        mark: str,
        find: FindObject,
        images: Callable[[], Mapping[str, Sequence[str]]],
        clock: Clock,
        on_change: Callable[[], None],
    ) -> None:
        self.pod = pod
        self.folder = folder
        self.address: str = pod["status"]["podIP"]
        self.clock = clock
        self.terminating = False
        self._mark = f"{mark}{self.name};"
        self._find, self._images, self._on_change = find, images, on_change
        self._initialized = False
        spec = pod["spec"]
        again = spec.get("restartPolicy", "Always")
        once = "Never" if again == "Never" else "OnFailure"
        self._init = [
            ContainerRunner(c, self, restart=once) for c in spec.get("initContainers") or ()
        ]
        self._containers = [ContainerRunner(c, self, restart=again) for c in spec["containers"]]
        self._transitions: dict[str, tuple[bool, str]] = {}
        self._problem: ContainerError | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """The pod's name, unique in its namespace."""
        return str(self.pod["metadata"]["name"])

    @property
    def labels(self) -> Mapping[str, str]:
        """The pod's labels."""
        return self.pod["metadata"].get("labels") or {}

    @property
    def ready(self) -> bool:
        """Whether it may take traffic."""
        return not self.terminating and self._initialized and all(c.ready for c in self._containers)

    @property
    def ports(self) -> dict[str, int]:
        """The named ports of all its containers."""
        return {name: port for c in self._containers for name, port in c.ports.items()}

    def start(self) -> None:
        """Begin to run."""
        self.folder.joinpath("work").mkdir(parents=True, exist_ok=True)
        self.changed()
        self._task = asyncio.get_running_loop().create_task(self._run(), name=self.name)

    async def stop(self, *, cap_seconds: float | None = None) -> None:
        """Take it out of traffic, then end all its processes; its folder is left.

        Args:
            cap_seconds: Grant no more grace than this.
        """
        self.terminating = True
        self.pod["metadata"]["deletionTimestamp"] = self.clock.now().isoformat()
        self.changed()
        grace = float(self.pod["spec"].get("terminationGracePeriodSeconds", _GRACE_SECONDS))
        if cap_seconds is not None:
            grace = min(grace, cap_seconds)
        await asyncio.gather(*(c.stop(grace) for c in (*self._init, *self._containers)))
        if self._task:
            self._task.cancel()
            await asyncio.wait([self._task])
        kill_marked(MARKER, self._mark)

    def remove(self) -> None:
        """Delete the folder of a stopped pod: record, volumes and logs."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def rotate_logs(self) -> None:
        """Keep the logs from growing without bound."""
        for container in (*self._init, *self._containers):
            rotate(self.log_file(container.spec))

    def log_file(self, container: Manifest) -> Path:
        """See `PodHost.log_file`."""
        return self.folder / f"{container['name']}.log"

    def prepare(self, container: Manifest) -> Launch:
        """See `PodHost.prepare`."""
        volumes = self.folder / "volumes"
        mounts = find_mounts(container, volumes)
        declared = resolve_environment(container, self.pod, self._find)
        words = [expand(w, declared) for w in find_command(container, self._images())]
        environment = self._surroundings(container)
        environment |= {k: translate_paths(v, mounts) for k, v in declared.items()}
        environment[MARKER] = self._mark
        command = [translate_paths(word, mounts) for word in words]
        folder = translate_paths(container.get("workingDir", ""), mounts)
        launch = Launch(command, environment, Path(folder) if folder else self.folder / "work")
        _check_program(launch)
        return launch

    def changed(self) -> None:
        """See `PodHost.changed`."""
        self.pod["status"] = self._status()
        if self.folder.is_dir():
            write_json(self.folder / "pod.json", self.pod)
        self._on_change()

    async def _run(self) -> None:
        while not self._make_volumes():  # noqa: ASYNC110 - a file appears, no event does
            await asyncio.sleep(_VOLUME_RETRY_SECONDS)
        for container in self._init:
            await container.run()
            if self.terminating or container.exit_code:
                return
        self._initialized = True
        await asyncio.gather(*(container.run() for container in self._containers))

    def _make_volumes(self) -> bool:
        try:
            make_volumes(self.pod, self.folder / "volumes", self._find)
        except ContainerError as problem:
            self._problem = problem
            self.changed()
            return False
        self._problem = None
        return True

    def _surroundings(self, container: Manifest) -> dict[str, str]:
        """Return the supervisor's own environment, with this interpreter's programs first.

        It is the workload's identity: on one machine there is no other.
        """
        environment = dict(os.environ)
        programs = str(Path(sys.executable).parent)
        environment["PATH"] = f"{programs}:{environment.get('PATH', os.defpath)}"
        environment["HOSTNAME"] = self.name
        for mount in container.get("volumeMounts") or ():
            if mount["mountPath"].rstrip("/") == "/tmp":  # noqa: S108 - a name in a manifest
                environment["TMPDIR"] = str(self.folder / "volumes" / mount["name"])
        return environment

    def _status(self) -> dict[str, Any]:
        return {
            "phase": self._phase(),
            "podIP": self.address,
            "startTime": self.pod["metadata"]["creationTimestamp"],
            "initContainerStatuses": [c.status() for c in self._init],
            "containerStatuses": [self._explained(c.status()) for c in self._containers],
            "conditions": [
                self._condition("Initialized", on=self._initialized),
                self._condition("Ready", on=self.ready, message=self._fault()),
            ],
        }

    def _phase(self) -> str:
        codes = [c.exit_code for c in (*self._init, *self._containers)]
        if any(code for code in codes[: len(self._init)]):
            return "Failed"
        if all(code is not None for code in codes):
            return "Failed" if any(codes) else "Succeeded"
        running = self._initialized and any(c.pid for c in self._containers)
        return "Running" if running else "Pending"

    def _explained(self, status: dict[str, Any]) -> dict[str, Any]:
        if self._problem is not None:
            waiting = {"reason": self._problem.reason, "message": self._problem.message}
            status["state"] = {"waiting": waiting}
        return status

    def _fault(self) -> str:
        """Say which container's probe complains of what."""
        found = [f"container {c.spec['name']}: {c.fault}" for c in self._containers if c.fault]
        return "; ".join(found)

    def _condition(self, kind: str, *, on: bool, message: str = "") -> dict[str, str]:
        before = self._transitions.get(kind)
        if before is None or before[0] is not on:
            self._transitions[kind] = (on, self.clock.now().isoformat())
        return {
            "type": kind,
            "status": "True" if on else "False",
            "lastTransitionTime": self._transitions[kind][1],
            "message": message,
        }


def _check_program(launch: Launch) -> None:
    program = launch.command[0]
    with contextlib.suppress(OSError):
        launch.folder.mkdir(parents=True, exist_ok=True)
    if shutil.which(program, path=launch.environment["PATH"]) is None:
        raise ContainerError(
            "RunContainerError", f"there is no program {program!r} on this machine's PATH"
        )
