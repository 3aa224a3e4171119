"""A user at a shell: `deployer` as a process, on folders as stores and processes as clusters."""

import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from deployer.errors import TransientError
from deployer.ports import Manifest, ObjectRef
from deployer.providers.local.clock import SystemClock
from deployer.providers.local.cluster import LocalCluster
from deployer.providers.local.lifecycle import stop_cluster
from deployer.wiring import open_probe
from tests.scenario.forks.forked import Forker, Process, start_forker
from tests.scenario.prometheus import promtool, watch

__all__ = ["promtool", "watch"]

DEPLOYER = Path(sys.executable).with_name("deployer")
SERVER = Path(__file__).parent / "cli" / "server.py"
CLOUDS = ("aws-virginia", "gcp-iowa", "azure-virginia")
REQUESTS = [
    {
        "inputs": [{"name": "x", "shape": [4], "datatype": "FP64", "data": [1, 2, 3, 4]}],
        "expect": [{"name": "predict", "data": [0, 0, 1, 1]}],
    }
]
CLOCK = SystemClock()


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Running:
    """A command under way; its stderr is read line by line."""

    def __init__(self, process: "subprocess.Popen[str] | Process") -> None:
        self.process = process
        self.lines: list[str] = []

    def wait_for(self, *words: str) -> str:
        """Return the first line from now on that has all the words."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line)
            if all(word in line for word in words):
                return line
        raise AssertionError(f"no line with {words} in:\n{''.join(self.lines)}")

    def kill(self) -> None:
        """SIGKILL: nothing of it gets a word in."""
        self.process.kill()
        self.process.communicate()
        assert self.process.returncode == -signal.SIGKILL

    def finish(self, *, within: float = 60.0) -> Done:
        out, err = self.process.communicate(timeout=within)
        return Done(self.process.wait(), out, "".join(self.lines) + err)


@dataclass
class Shell:
    """A folder to work in and an environment; commands are killed when the test is over.

    With a ``forker``, `deployer` is a process forked there; with settings of Python's own in the
    environment, which count when it starts, it is the program itself.
    """

    folder: Path
    environment: dict[str, str]
    forker: Forker | None = None
    running: list["subprocess.Popen[str] | Process"] = field(default_factory=list)

    def start(self, *words: object, program: tuple[str, ...] = ()) -> Running:
        command = [*(program or (str(DEPLOYER),)), *map(str, words)]
        if self.forker is None or program or any(k.startswith("PYTHON") for k in self.environment):
            self.running.append(self._start_program(command))
        else:
            forked = self.forker.start(command, folder=self.folder, environment=self.environment)
            self.running.append(forked)
        return Running(self.running[-1])

    def _start_program(self, command: list[str]) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: object, expect: int | None = 0, within: float = 60.0) -> Done:
        """Run a command to its end; no command ever shows a stack or a warning."""
        done = self.start(*words).finish(within=within)
        said = f"deployer {' '.join(map(str, words))}: {done.code}\n{done.out}\n{done.err}"
        assert expect in {None, done.code}, said
        assert "Traceback" not in done.out + done.err, said
        assert "Warning" not in done.err, said
        return done

    def close(self) -> None:
        for process in self.running:
            if process.poll() is None:
                process.kill()
            process.communicate()


@dataclass
class Deployment(Shell):
    """A spec of targets on this machine and a model to go with it."""

    name: str = "iris"
    clusters: Mapping[str, Path] = field(default_factory=dict)

    @property
    def spec(self) -> Path:
        return self.folder / "deployer.yaml"

    def write_model(self, version: str, *, sign: float = 1.0) -> None:
        model = {"version": version, "threshold": 2.5, "sign": sign}
        (self.folder / "model").mkdir(exist_ok=True)
        (self.folder / "model" / "model.json").write_text(json.dumps(model))

    def write_spec(self, **changes: Any) -> None:
        """Write the spec as JSON, which is YAML."""
        spec: dict[str, Any] = {
            "name": self.name,
            "model": {"path": "model"},
            "runtime": {
                "image": "stand-in",
                "command": [sys.executable, str(SERVER), "/mnt/models"],
                "port": 8080,
            },
            "targets": [self.target(name) for name in self.clusters],
            "strategy": {"soak": "0.5s"},
            "gates": {"smoke": {"requests": "requests.json"}},
            "routing": {"idempotent": True},
            "state": {"lease": "2s"},
        }
        self.spec.write_text(json.dumps(spec | changes, indent=1))

    def target(self, name: str, **changes: Any) -> dict[str, Any]:
        return {
            "name": name,
            "provider": "local",
            "store": (self.folder / "stores" / name).as_uri(),
            "cluster": {"local": str(self.clusters[name])},
            "namespace": self.name,
        } | changes

    def objects(self) -> dict[str, list[str]]:
        """Return what is on every cluster, by kind and name."""
        return {name: sorted(map(_identify, self._live(name))) for name in self.clusters}

    def serving(self) -> dict[str, int]:
        """Return which release every target's stable Service points to; 0 for none."""
        found = dict.fromkeys(self.clusters, 0)
        for name in self.clusters:
            for manifest in self._live(name):
                if _identify(manifest) == f"Service/{self.name}":
                    found[name] = int(manifest["spec"]["selector"]["deployer/release"])
        return found

    def workloads(self, *, at_rest: bool = False) -> set[tuple[str, ...]]:
        """Return which Deployments there are on each target: those with pods, or those without."""
        return {
            tuple(
                _identify(manifest)
                for manifest in self._live(name)
                if manifest["kind"] == "Deployment" and at_rest is not bool(_replicas(manifest))
            )
            for name in self.clusters
        }

    def forget(self) -> None:
        """Take everything off the shared clusters: it would share the machine with the next."""
        for path in self.clusters.values():
            cluster = LocalCluster(path, self.name, probe=open_probe())
            try:
                for manifest in cluster.list({}):
                    cluster.delete(ObjectRef.of(manifest))
            except TransientError:
                continue  # it was lost on purpose

    def lose_cluster(self, name: str) -> None:
        stop_cluster(self.clusters[name], now=True)

    def _live(self, name: str) -> tuple[Manifest, ...]:
        cluster = LocalCluster(self.clusters[name], self.name, probe=open_probe())
        return cluster.list({"deployer/name": self.name})


def _replicas(manifest: Manifest) -> int:
    return int(manifest["spec"].get("replicas", 1))


def _identify(manifest: Manifest) -> str:
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


@contextmanager
def _clusters(folder: Path) -> Iterator[dict[str, Path]]:
    found = {name: folder / name for name in CLOUDS}
    try:
        yield found
    finally:
        stops = [
            threading.Thread(target=stop_cluster, args=[path], kwargs={"now": True})
            for path in found.values()
            if path.exists()
        ]
        for stop in stops:
            stop.start()
        for stop in stops:
            stop.join()


@pytest.fixture(scope="session")
def shared_clusters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """Three clusters for all tests of this worker; every test has namespaces of its own."""
    with _clusters(tmp_path_factory.mktemp("clusters")) as clusters:
        yield clusters


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """What commands get: nothing of any cloud, and tables of 100 columns."""
    clouds = ("AWS_", "GOOGLE_", "AZURE_", "STORAGE_", "DEPLOYER_", "KUBE", "PYTHON", "COV_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(clouds)}
    path = f"{DEPLOYER.parent}{os.pathsep}{kept.get('PATH', '')}"
    return kept | {"COLUMNS": "100", "AWS_EC2_METADATA_DISABLED": "true", "PATH": path}


@pytest.fixture(scope="session")
def forker(environment: dict[str, str]) -> Iterator[Forker]:
    """What starts commands for all tests of this worker."""
    with start_forker(environment) as found:
        yield found


@pytest.fixture
def shell(tmp_path: Path, environment: dict[str, str], forker: Forker) -> Iterator[Shell]:
    found = Shell(tmp_path, dict(environment), forker)
    yield found
    found.close()


@pytest.fixture
def make_deployment(
    tmp_path: Path,
    environment: dict[str, str],
    forker: Forker,
    shared_clusters: dict[str, Path],
) -> Iterator[Callable[..., Deployment]]:
    """Return a maker of deployments on some of the shared clusters, or on clusters of its own."""
    made: list[Deployment] = []

    def make(
        *targets: str, clusters: Mapping[str, Path] = shared_clusters, **changes: Any
    ) -> Deployment:
        chosen = {name: clusters[name] for name in targets or clusters}
        name = f"m{uuid.uuid4().hex[:8]}"
        found = Deployment(tmp_path, dict(environment), forker, name=name, clusters=chosen)
        made.append(found)
        (tmp_path / "requests.json").write_text(json.dumps(REQUESTS))
        found.write_model("v1")
        found.write_spec(**changes)
        return found

    yield make
    for one in made:
        one.close()
        one.forget()


@pytest.fixture
def own_clusters(tmp_path: Path) -> Iterator[dict[str, Path]]:
    """Three clusters that a test may lose."""
    with _clusters(tmp_path / "clusters") as clusters:
        yield clusters


@dataclass(frozen=True)
class Sandbox:
    """Stand-in clouds that run: what logs in to them, and where everything is."""

    folder: Path
    environment: dict[str, str]
    clouds: Mapping[str, Any]

    def store(self, cloud: str) -> str:
        url: str = self.clouds[cloud]["store"]["url"]
        return url

    @contextmanager
    def black_hole(self, cloud: str) -> Iterator[None]:
        """Meanwhile the cloud's store accepts connections and never says anything."""
        state = json.loads((self.folder / "state.json").read_text())
        pid = state["clouds"][cloud]["server"]["pid"]
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)


@pytest.fixture(scope="session")
def sandbox(
    tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]
) -> Iterator[Sandbox]:
    """Three stand-in clouds for all tests of this worker, in a folder with a space."""
    place = tmp_path_factory.mktemp("clouds") / "sand box"
    shell = Shell(place.parent, dict(environment))
    try:
        document = shell.run("sandbox", "up", "--dir", place, "-o", "json").json
        lines = [line.removeprefix("export ") for line in (place / "env").read_text().splitlines()]
        pairs = [line.split("=", 1) for line in lines if not line.startswith("#")]
        login = {name: shlex.split(value)[0] for name, value in pairs}
        clouds = {one["cloud"]: one for one in document["clouds"]}
        yield Sandbox(place, environment | login, clouds)
    finally:
        shell.run("sandbox", "down", "--dir", place)
        shell.close()
