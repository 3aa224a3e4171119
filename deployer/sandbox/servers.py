"""One cloud's processes: the server of its store and its cluster."""

import os
import subprocess
import sys
from collections.abc import Mapping

from deployer.errors import TransientError
from deployer.ports.clock import Clock
from deployer.providers.local.lifecycle import stop_cluster
from deployer.providers.local.processes import kill_marked
from deployer.sandbox.launch import launch
from deployer.sandbox.processes import ProcessRecord, is_running, record_process, stop_process
from deployer.sandbox.stand_ins import StandIn, make_bucket
from deployer.sandbox.state import CloudState, SandboxFolder
from deployer.values import Cloud

__all__ = ["MARKER", "launch_store", "start_its_cluster", "stop_cloud", "wait_for_store"]

MARKER = "DEPLOYER_SANDBOX"
"""The environment variable of every process of a sandbox: ``<folder>:<cloud>:<part>``."""

_START_SECONDS = 30.0
_CLUSTER_SECONDS = 60.0


def launch_store(
    folder: SandboxFolder, server: StandIn, environment: Mapping[str, str]
) -> ProcessRecord | None:
    """Start the store's server, without waiting for it; None when it ended at once.

    A server that an interrupted command left unrecorded would hold the port: it goes first.
    """
    kill_marked(MARKER, _mark(folder, server.cloud, "store"))
    marked = _marked_environment(folder, server.cloud, "store", environment)
    return record_process(launch(server.command, log=folder.log(server.cloud), environment=marked))


def wait_for_store(
    folder: SandboxFolder, server: StandIn, process: ProcessRecord | None, clock: Clock
) -> None:
    """Return when the server answers and has its bucket.

    Raises:
        TransientError: It ended or did not answer in time; the message has the end of its log.
    """
    deadline = clock.monotonic() + _START_SECONDS
    while not make_bucket(server, clock):
        if not is_running(process) or clock.monotonic() > deadline:
            raise TransientError(
                f"the stand-in store of {server.cloud} did not come up on port {server.port}: "
                f"{_log_end(folder, server.cloud)}",
                operation="start",
                resource=server.endpoint,
                hint=f"See {folder.log(server.cloud)}; another program may have taken the port.",
            )
        clock.sleep(0.05)


def start_its_cluster(folder: SandboxFolder, cloud: Cloud, environment: Mapping[str, str]) -> None:
    """Start the cloud's cluster with the sandbox's environment and wait until it works.

    Raises:
        TransientError: It did not come up.
    """
    place = folder.cluster(cloud)
    done = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "deployer.sandbox.start_cluster", str(place)],
        env=_marked_environment(folder, cloud, "cluster", environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_CLUSTER_SECONDS,
        check=False,
    )
    if done.returncode:
        raise TransientError(
            f"the stand-in cluster of {cloud} did not start: {done.stderr.strip()[-300:]}",
            operation="start",
            resource=str(place),
        )


def stop_cloud(
    folder: SandboxFolder, cloud: Cloud, state: CloudState | None, clock: Clock, *, now: bool
) -> None:
    """End the cloud's processes, then whatever else bears its mark."""
    stop_process(state.server if state else None, clock, now=now)
    stop_cluster(folder.cluster(cloud), now=now, clock=clock)
    kill_marked(MARKER, _mark(folder, cloud, ""))


def _marked_environment(
    folder: SandboxFolder, cloud: Cloud, part: str, environment: Mapping[str, str]
) -> dict[str, str]:
    return {**os.environ, **environment, MARKER: _mark(folder, cloud, part)}


def _mark(folder: SandboxFolder, cloud: Cloud, part: str) -> str:
    return f"{folder.path}:{cloud}:{part}"


def _log_end(folder: SandboxFolder, cloud: Cloud) -> str:
    lines = folder.log(cloud).read_text(errors="replace").splitlines()
    return " | ".join(lines[-3:]) or "it left no log"
