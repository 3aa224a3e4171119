"""One container: its process, its restarts, its probes."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from deployer.ports import Clock, Manifest
from deployer.providers.local.supervisor import pod_exec
from deployer.providers.local.supervisor.logs import read_end
from deployer.providers.local.supervisor.probes import ProbeCounter, check_probe, run_probe
from deployer.providers.local.supervisor.problems import ContainerError

__all__ = ["ContainerRunner", "Launch", "PodHost", "backoff_seconds"]

_HEALTHY_SECONDS = 10.0  # a run this long was no crash at the start: the backoff begins anew
_RETRY_SECONDS = 1.0
_LAST_WORDS = 5


@dataclass(frozen=True, slots=True)
class Launch:
    """What to execute."""

    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path


class PodHost(Protocol):
    """What a container needs of its pod."""

    address: str
    clock: Clock

    def prepare(self, container: Manifest) -> Launch:
        """Return what to execute, or raise `ContainerError`."""
        ...

    def log_file(self, container: Manifest) -> Path:
        """Return where the container's output goes."""
        ...

    def changed(self) -> None:
        """Take note that the container's status changed."""
        ...


@dataclass(slots=True)
class _Status:
    state: dict[str, Any] = field(
        default_factory=lambda: {"waiting": {"reason": "PodInitializing"}}
    )
    last: dict[str, Any] = field(default_factory=dict)
    restarts: int = 0
    ready: bool = False
    started: bool = False
    faults: dict[str, str] = field(default_factory=dict)


def backoff_seconds(failures: int) -> float:
    """Return the wait before the next start: none after the first failure, then 1, 2, 4 … 30 s."""
    return 0.0 if failures <= 1 else min(30.0, 2.0 ** (failures - 2))


class ContainerRunner:
    """Keeps one container running until it is stopped or its restart policy says enough.

    Args:
        restart: ``Always``, ``OnFailure`` or ``Never``, as in a pod's ``restartPolicy``.
    """

    def __init__(self, spec: Manifest, host: PodHost, *, restart: str = "Always") -> None:
        self.spec = spec
        self.exit_code: int | None = None
        self._restart = restart
        self._host = host
        self._status = _Status()
        self._process: asyncio.subprocess.Process | None = None
        self._launch: Launch | None = None
        self._stopping = asyncio.Event()
        self._failures = 0

    @property
    def ready(self) -> bool:
        """Whether it runs and its readiness probe, if it has one, says yes."""
        return self._status.ready

    @property
    def fault(self) -> str:
        """What its probes complain of; empty while they do not."""
        faults = self._status.faults.items()
        return "; ".join(f"{_title(probe)} failed: {fault}" for probe, fault in faults if fault)

    @property
    def pid(self) -> int | None:
        """The running process, if there is one."""
        process = self._process
        return process.pid if process and process.returncode is None else None

    @property
    def ports(self) -> dict[str, int]:
        """Named container ports."""
        ports = self.spec.get("ports") or ()
        return {port["name"]: int(port["containerPort"]) for port in ports if "name" in port}

    def status(self) -> dict[str, Any]:
        """Return it in the form of Kubernetes' ContainerStatus."""
        status = self._status
        return {
            "name": self.spec["name"],
            "image": self.spec.get("image", ""),
            "ready": status.ready,
            "started": status.started,
            "restartCount": status.restarts,
            "state": status.state,
            "lastState": status.last,
            "containerID": f"process://{self.pid}" if self.pid else "",
        }

    async def run(self) -> None:
        """Start the process again whenever it ends; returns when stopped or done for good.

        When it is done, ``exit_code`` is the process's last one.
        """
        while not self._stopping.is_set():
            try:
                code = await self._run_once()
            except ContainerError as problem:
                self._failures += 1
                reason = problem.reason
                if reason == "ErrImagePull" and self._failures > 1:
                    reason = "ImagePullBackOff"
                self._wait_because(reason, problem.message)
                await self._pause(_RETRY_SECONDS)
                continue
            if self._stopping.is_set():
                return
            if self._restart == "Never" or (self._restart == "OnFailure" and code == 0):
                self.exit_code = code
                self._host.changed()
                return
            await self._back_off(code)

    async def stop(self, grace_seconds: float) -> None:
        """End it: SIGTERM, the grace, SIGKILL, for its whole process group at last."""
        self._stopping.set()
        self._status.ready = False
        await self._end_process(grace_seconds)

    async def _run_once(self) -> int:
        launch = self._launch = self._host.prepare(self.spec)
        begun, since = self._host.clock.monotonic(), self._host.clock.now()
        process = self._process = await _spawn(launch, self._host.log_file(self.spec))
        if self._stopping.is_set():
            _kill_group(process.pid, signal.SIGKILL)
        self._set_running(since)
        probes = asyncio.create_task(self._probe())
        try:
            code = await process.wait()
        finally:
            probes.cancel()
            _kill_group(process.pid, signal.SIGKILL)
        if self._host.clock.monotonic() - begun >= _HEALTHY_SECONDS:
            self._failures = 0
        self._set_ended(code, since)
        return code

    async def _back_off(self, code: int) -> None:
        self._failures += 1
        self._status.restarts += 1
        wait = backoff_seconds(self._failures)
        if wait:
            message = f"back-off {wait:g} s, restarting after exit code {code}"
            self._wait_because("CrashLoopBackOff", message)
        await self._pause(wait)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _end_process(self, grace_seconds: float) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), grace_seconds)
        except TimeoutError:
            pass
        finally:
            _kill_group(process.pid, signal.SIGKILL)
        await process.wait()

    async def _probe(self) -> None:
        """Startup first, then readiness and liveness side by side."""
        if "startupProbe" in self.spec and not await self._wait_started():
            return
        self._status.started = True
        if "readinessProbe" not in self.spec:
            self._set_ready(True, "")
        async with asyncio.TaskGroup() as group:
            if "readinessProbe" in self.spec:
                group.create_task(self._watch("readinessProbe", self._set_ready, verdict=False))
            if "livenessProbe" in self.spec:
                group.create_task(self._watch("livenessProbe", self._set_alive, verdict=True))

    async def _wait_started(self) -> bool:
        # The kubelet begins with "not failed yet": the verdict may turn to either side.
        probe = self.spec["startupProbe"]
        await asyncio.sleep(float(probe.get("initialDelaySeconds", 0)))
        for _ in range(int(probe.get("failureThreshold", 3))):
            if not await self._check("startupProbe"):
                return True
            await asyncio.sleep(max(0.05, float(probe.get("periodSeconds", 10))))
        self._set_alive(False, "the startup probe did not succeed in time")
        return False

    async def _watch(self, kind: str, tell: Callable[[bool, str], None], *, verdict: bool) -> None:
        probe = self.spec[kind]
        counter = ProbeCounter(probe, verdict=verdict)
        await run_probe(probe, counter, lambda: self._check(kind), tell)

    async def _check(self, kind: str) -> str:
        probe = self.spec[kind]
        fault = await check_probe(probe, self._host.address, self.ports, self._execute)
        if fault != self._status.faults.get(kind, ""):
            self._status.faults[kind] = fault
            self._host.changed()
        return fault

    async def _execute(self, command: Sequence[str]) -> int:
        if self._launch is None:
            return 1
        launch = Launch(command, self._launch.environment, self._launch.folder)
        process = await _spawn(launch, None)
        try:
            return await process.wait()
        finally:
            _kill_group(process.pid, signal.SIGKILL)

    def _set_running(self, since: datetime) -> None:
        self._status.state = {"running": {"startedAt": since.isoformat()}}
        self._status.ready = self._status.started = False
        self._host.changed()

    def _set_ended(self, code: int, since: datetime) -> None:
        ended = {
            "exitCode": code if code >= 0 else 128 - code,
            "reason": "Completed" if code == 0 else "Error",
            "message": read_end(self._host.log_file(self.spec), _LAST_WORDS),
            "startedAt": since.isoformat(),
            "finishedAt": self._host.clock.now().isoformat(),
        }
        self._status.faults.clear()
        self._status.state = {"terminated": ended}
        self._status.last = {"terminated": ended}
        self._status.ready = self._status.started = False
        self._host.changed()

    def _wait_because(self, reason: str, message: str) -> None:
        self._status.state = {"waiting": {"reason": reason, "message": message}}
        self._status.ready = False
        self._host.changed()

    def _set_ready(self, ready: bool, _fault: str) -> None:  # noqa: FBT001 - a probe's verdict
        self._status.ready = ready and not self._stopping.is_set()
        self._host.changed()

    def _set_alive(self, alive: bool, _fault: str) -> None:  # noqa: FBT001 - a probe's verdict
        if not alive and self._process and self._process.returncode is None:
            grace = float(self.spec.get("terminationGracePeriodSeconds", 5))
            asyncio.get_running_loop().create_task(self._end_process(grace))


async def _spawn(launch: Launch, log: Path | None) -> asyncio.subprocess.Process:
    """Start the command in a session of its own, tied to our life by `pod_exec`."""
    wrapper = [sys.executable, "-I", "-S", pod_exec.__file__, str(os.getpid())]
    output: Any = asyncio.subprocess.DEVNULL if log is None else log.open("ab")
    try:
        return await asyncio.create_subprocess_exec(
            *wrapper,
            *launch.command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=dict(launch.environment),
            cwd=launch.folder,
            start_new_session=True,
        )
    except OSError as error:
        raise ContainerError("RunContainerError", str(error)) from error
    finally:
        if log is not None:
            output.close()


def _kill_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _title(probe: str) -> str:
    """Return ``Readiness probe`` for ``readinessProbe``."""
    return f"{probe.removesuffix('Probe').capitalize()} probe"
