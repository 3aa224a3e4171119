"""The sandbox: three stand-in clouds on loopback, each an object store and a cluster.

A sandbox is a folder. What runs belongs to nobody's session and survives the command that started
it; `stop_sandbox` leaves no process behind. A cloud that comes back has the address it had and an
empty store, as its bytes were in memory; when all of them were gone, the clusters begin anew too.
"""

import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from deployer.ports.clock import Clock
from deployer.providers.local.cluster_folder import ClusterFolder
from deployer.providers.local.lifecycle import find_supervisor
from deployer.sandbox.files import collect_environment, render_environment, render_spec
from deployer.sandbox.processes import ProcessRecord, is_running
from deployer.sandbox.servers import (
    launch_store,
    start_its_cluster,
    stop_cloud,
    wait_for_store,
)
from deployer.sandbox.stand_ins import StandIn, check_extra, stand_in
from deployer.sandbox.state import CLOUDS, CloudState, SandboxFolder, SandboxState, with_ports
from deployer.values import Cloud

__all__ = ["CloudStatus", "read_sandbox", "start_sandbox", "stop_sandbox"]

_IMAGE = "seldonio/mlserver"
_MODEL_SERVER = Path(".venv-mlserver/bin/mlserver")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CloudStatus:
    """One stand-in cloud, as it is now."""

    cloud: Cloud
    store: str
    endpoint: str
    store_up: bool
    cluster: Path
    cluster_up: bool

    @property
    def state(self) -> str:
        """``healthy``, ``degraded`` when one half is gone, ``down``."""
        ups = (self.store_up, self.cluster_up)
        return "healthy" if all(ups) else "degraded" if any(ups) else "down"


def start_sandbox(
    path: Path,
    clouds: Sequence[Cloud] = CLOUDS,
    *,
    clock: Clock,
    example: Path,
    model_server: Path | None = None,
) -> tuple[CloudStatus, ...]:
    """Bring the clouds up, each with its bucket; what runs already is left as it is.

    Writes ``env`` and, unless there is one, ``deployer.yaml`` into the folder.

    Args:
        path: The sandbox's folder; made when missing.
        clouds: Which to start; the others stay as they are.
        clock: For waiting.
        example: Where the example's models are, for the spec.
        model_server: MLServer's program, for pods; the one in ``.venv-mlserver`` when left out,
            else the one on PATH.

    Raises:
        SetupError: The servers' packages are not installed.
        TransientError: A server did not come up; the message has the end of its log.
    """
    check_extra()
    folder = SandboxFolder(path)
    with folder.locked():
        state = with_ports(folder.read())
        folder.write(state)
        servers = {cloud: stand_in(cloud, state.clouds[cloud].port) for cloud in CLOUDS}
        environment = collect_environment(servers.values())
        if not any(is_running(cloud.server) for cloud in state.clouds.values()):
            _begin_anew(folder, state, clock)
        _write_files(folder, servers.values(), environment, example)
        _write_images(folder, clouds, model_server)
        for cloud in clouds:
            if not is_running(state.clouds[cloud].server):
                process = launch_store(folder, servers[cloud], environment)
                state = _with_server(state, cloud, process)
                folder.write(state)
        _start_rest(folder, state, [servers[cloud] for cloud in clouds], environment, clock)
    return read_sandbox(path, clock=clock)


def stop_sandbox(
    path: Path, clouds: Sequence[Cloud] = CLOUDS, *, clock: Clock, now: bool = False
) -> tuple[CloudStatus, ...]:
    """Stop the clouds; no process of theirs is left. Their addresses are kept.

    Args:
        path: The sandbox's folder.
        clouds: Which to stop.
        clock: For waiting.
        now: SIGKILL at once, as losing the cloud looks from outside.
    """
    folder = SandboxFolder(path)
    if not folder.path.exists():
        return read_sandbox(path, clock=clock)
    with folder.locked():
        state = folder.read()
        _each(
            clouds, lambda cloud: stop_cloud(folder, cloud, state.clouds.get(cloud), clock, now=now)
        )
        for cloud in clouds:
            state = _with_server(state, cloud, None)
        folder.write(state)
    return read_sandbox(path, clock=clock)


def read_sandbox(path: Path, *, clock: Clock) -> tuple[CloudStatus, ...]:
    """Return how every cloud that was ever started is doing; asks the kernel, changes nothing."""
    folder = SandboxFolder(path)
    state = folder.read()
    return tuple(
        _describe(folder, cloud, state.clouds[cloud], clock)
        for cloud in CLOUDS
        if cloud in state.clouds
    )


def _start_rest(
    folder: SandboxFolder,
    state: SandboxState,
    servers: Sequence[StandIn],
    environment: Mapping[str, str],
    clock: Clock,
) -> None:
    """Wait for all stores and clusters at once."""
    _each(
        servers,
        lambda one: wait_for_store(folder, one, state.clouds[one.cloud].server, clock),
        lambda one: start_its_cluster(folder, one.cloud, environment),
    )


def _begin_anew(folder: SandboxFolder, state: SandboxState, clock: Clock) -> None:
    """Empty the clusters: with all stores gone, what they run belongs to a state that is lost."""
    for cloud in CLOUDS:
        stop_cloud(folder, cloud, state.clouds.get(cloud), clock, now=True)
        shutil.rmtree(folder.cluster(cloud), ignore_errors=True)


def _each(items: Sequence[T], *acts: Callable[[T], None]) -> None:
    """Do every act to every item, all at once; the first failure is raised when all are through."""
    with ThreadPoolExecutor(max(1, len(items) * len(acts))) as pool:
        futures = [pool.submit(act, item) for act in acts for item in items]
    for future in futures:
        future.result()


def _with_server(state: SandboxState, cloud: Cloud, process: ProcessRecord | None) -> SandboxState:
    known = state.clouds.get(cloud)
    if known is None:
        return state
    changed = CloudState(port=known.port, server=process)
    return state.model_copy(update={"clouds": {**state.clouds, cloud: changed}})


def _describe(folder: SandboxFolder, cloud: Cloud, state: CloudState, clock: Clock) -> CloudStatus:
    server, cluster = stand_in(cloud, state.port), folder.cluster(cloud)
    return CloudStatus(
        cloud=cloud,
        store=server.store,
        endpoint=server.endpoint,
        store_up=is_running(state.server),
        cluster=cluster,
        cluster_up=cluster.exists() and find_supervisor(ClusterFolder(cluster), clock).up,
    )


def _write_files(
    folder: SandboxFolder,
    servers: Iterable[StandIn],
    environment: Mapping[str, str],
    example: Path,
) -> None:
    folder.env.write_text(render_environment(environment))
    if not folder.spec.exists():
        folder.spec.write_text(render_spec(folder, servers, example))


def _write_images(
    folder: SandboxFolder, clouds: Iterable[Cloud], model_server: Path | None
) -> None:
    """Tell the clusters which program stands for MLServer's image, where there is one."""
    program = model_server or _find_model_server()
    if program is None:
        return
    for cloud in clouds:
        images = folder.cluster(cloud) / "images.json"
        images.parent.mkdir(parents=True, exist_ok=True)
        words = [str(program.absolute()), "start", "/mnt/models"]
        images.write_text(json.dumps({_IMAGE: words}, indent=2) + "\n")


def _find_model_server() -> Path | None:
    if _MODEL_SERVER.exists():
        return _MODEL_SERVER
    found = shutil.which("mlserver")
    return Path(found) if found else None
