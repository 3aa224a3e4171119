import json
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from deployer.artifact import Artifact, scan_artifact
from deployer.artifact.keys import marker_key
from deployer.errors import TransientError
from deployer.execution import Event, RunResult, Session, deploy, make_plan, roll_back
from deployer.plan import Plan
from deployer.ports import (
    Applied,
    Cluster,
    ClusterInfo,
    HttpRequest,
    HttpResponse,
    Manifest,
    ObjectRef,
    Provider,
    Readiness,
    Verdict,
)
from deployer.providers.book import load_book
from deployer.providers.local.clock import ManualClock, SystemClock
from deployer.providers.local.cluster_faults import FlakyCluster
from deployer.providers.local.faults import FlakyStore
from deployer.providers.local.memory import MemoryStore
from deployer.providers.local.memory_cluster import MemoryCluster
from deployer.release.records import (
    ArtifactRecord,
    Bundle,
    RouteSettings,
    TargetBundle,
)
from deployer.release.state import StateStore
from deployer.snapshot.observe import Observation
from deployer.spec import Spec, load_spec
from deployer.values import Cloud, Digest, Json

READY = Readiness(Verdict.READY, 2, 2)
HELLO = HttpResponse(200, b"ok", 0.01)
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def now() -> datetime:
    return NOW


def _service(kind: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "iris"},
        "spec": {"type": kind},
    }


def _part(target: str = "aws-virginia", **changes: Any) -> TargetBundle:
    fields: dict[str, Any] = {
        "target": target,
        "cloud": Cloud.AWS,
        "region": "us-east-1",
        "namespace": "models",
        "machine": "m6i.xlarge",
        "workload": "iris-r42",
        "direct": "iris-r42",
        "service": "iris",
        "ready_path": "/v2/health/ready",
        "infer_path": "/v2/models/iris/infer",
        "protocol": "open-inference-v2",
        "replicas": 2,
        "cpu": "1",
        "memory": "1Gi",
        "gpu": 0,
        "uri": "s3://acme-models/artifacts",
        "endpoint": f"https://{target}.example",
        "objects": (),
        "shift": _service("LoadBalancer"),
    }
    return TargetBundle(**(fields | changes))


def _bundle(number: int = 42, *parts: TargetBundle, **changes: Any) -> Bundle:
    fields: dict[str, Any] = {
        "number": number,
        "name": "iris",
        "created": datetime(2026, 11, 17, 9, 30, tzinfo=UTC),
        "created_by": "ada@build-7",
        "tool": "deployer 0.1.0",
        "artifact": ArtifactRecord(digest=str(Digest("ab" * 32)), size=50 * 1024**3, files=3),
        "config": {},
        "content": "sha256:" + "cd" * 32,
        "routing": RouteSettings(),
        "weights": {part.target: 50 for part in parts},
        "soak_seconds": 60.0,
        "targets": parts,
    }
    return Bundle(**(fields | changes))


def _seen(target: str = "aws-virginia", **changes: Any) -> Observation:
    fields: dict[str, Any] = {
        "at": NOW,
        "readiness": Readiness(Verdict.READY, 2, 2),
        "probe": HttpResponse(200, b"", 0.012),
        "url": f"https://{target}.example",
    }
    return Observation(target, **(fields | changes))


@pytest.fixture(scope="session")
def make_service() -> Callable[[str], dict[str, Any]]:
    """Return a maker of the stable Service, by its type."""
    return _service


@pytest.fixture(scope="session")
def make_part() -> Callable[..., TargetBundle]:
    """Return a maker of one target's part of a release: two replicas of 1 vCPU and 1 GiB."""
    return _part


@pytest.fixture(scope="session")
def make_bundle() -> Callable[..., Bundle]:
    """Return a maker of a release from its number and parts, with a model of 50 GiB."""
    return _bundle


@pytest.fixture(scope="session")
def make_seen() -> Callable[..., Observation]:
    """Return a maker of an observation in which all is well; what is passed is changed."""
    return _seen


class ScriptedCluster:
    """Answers what a look asks from a script: a value, an error to raise, or a call to make."""

    def __init__(self, readiness: Any = READY, endpoint: Any = None, call: Any = HELLO) -> None:
        self._answers = {"readiness": readiness, "endpoint": endpoint, "call": call}
        self.asked: list[object] = []

    def _answer(self, name: str, *asked: object) -> Any:
        self.asked.append((name, *asked))
        answer = self._answers[name]
        if isinstance(answer, Exception):
            raise answer
        return answer() if callable(answer) else answer

    def readiness(self, ref: ObjectRef) -> Readiness:
        return cast(Readiness, self._answer("readiness", ref))

    def endpoint(self, service: str) -> str | None:
        return cast("str | None", self._answer("endpoint", service))

    def call(self, service: str, request: HttpRequest, *, timeout_seconds: float) -> HttpResponse:
        assert timeout_seconds > 0
        return cast(HttpResponse, self._answer("call", service, request.path))

    def describe(self) -> ClusterInfo:
        raise AssertionError

    def get(self, ref: ObjectRef) -> Manifest | None:
        raise AssertionError(ref)

    def list(self, labels: Mapping[str, str]) -> tuple[Manifest, ...]:
        raise AssertionError(labels)

    def apply(
        self, manifest: Manifest, *, dry_run: bool = False, if_version: str | None = None
    ) -> Applied:
        raise AssertionError(manifest, dry_run, if_version)

    def delete(self, ref: ObjectRef) -> None:
        raise AssertionError(ref)

    def logs(self, workload: str, *, lines: int = 20) -> str:
        raise AssertionError(workload, lines)


class ScriptedProbe:
    """Answers every request the same way."""

    def __init__(self, answer: Any = HELLO) -> None:
        self._answer = answer
        self.asked: list[str] = []

    def send(self, base_url: str, request: HttpRequest, *, timeout_seconds: float) -> HttpResponse:
        assert timeout_seconds > 0
        self.asked.append(base_url + request.path)
        if isinstance(self._answer, Exception):
            raise self._answer
        return cast(HttpResponse, self._answer() if callable(self._answer) else self._answer)


@pytest.fixture(scope="session")
def make_cluster() -> type[ScriptedCluster]:
    """Return the class of clusters that answer from a script; all is well by default."""
    return ScriptedCluster


@pytest.fixture(scope="session")
def make_probe() -> type[ScriptedProbe]:
    """Return the class of probes that answer every request the same way, 200 by default."""
    return ScriptedProbe


@pytest.fixture(scope="session")
def make_provider() -> Callable[[Cluster], Provider]:
    """Return a maker of providers on AWS with the real price book; the store has the model."""

    def provide(cluster: Cluster) -> Provider:
        store = MemoryStore(SystemClock())
        store.put(marker_key(Digest("ab" * 32)), b"{}")
        return Provider(Cloud.AWS, store, cluster, load_book())

    return provide


# ------------------------------------------------------------------ three clouds in memory

_GCP = """\
  - {name: gcp, provider: gcp, store: "gs://models-gcp", cluster: {context: g}, timeout: 5s}
"""
_SPEC = """\
name: iris
model: {path: ./model}
service: {env: {LOG_LEVEL: info}}
targets:
  - name: aws
    provider: aws
    region: us-east-1
    store: s3://models-aws
    cluster: {context: a}
    machine: m6i.xlarge
    timeout: 5s
  - name: azure
    provider: azure
    region: nowhere
    store: az://models-azure
    cluster: {context: z}
    machine: Standard_Made_Up
    timeout: 5s
{gcp}
strategy: {soak: 5s}
gates: {smoke: {requests: examples.json}}
state: {lease: 120s}
""".replace("{gcp}\n", _GCP)
_GOOD, _BAD = [0, 1], [7, 7]


class KilledError(BaseException):
    """Stands for SIGKILL: nothing in the program may catch it and go on."""


class Machine:
    """One process that deploys: it has its own view of the stores and clusters, and can be killed.

    Once ``dies_at`` (where, method, name) has said yes, no call of this process is carried out.
    """

    def __init__(self, world: "World") -> None:
        self.world = world
        self.events: list[Event] = []
        self.dies_at: Callable[[str, str, str], bool] = lambda *_: False
        self.raises: type[BaseException] = KilledError
        self.dead = False
        self._lock = threading.RLock()
        self.stores = {n: FlakyStore(s, world.clock) for n, s in world.disks.items()}
        self.clusters = {n: FlakyCluster(c, world.clock) for n, c in world.clusters.items()}
        for name in self.stores:
            self.stores[name].watch = partial(self._see, f"store {name}")
        for name in self.clusters:
            self.clusters[name].watch = partial(self._see, f"cluster {name}")
        self.session = self._open()

    @property
    def state(self) -> StateStore:
        return self.session.state

    def plan(self, **options: Any) -> Plan:
        return make_plan(self.session, self.scan(), **options)

    def deploy(self, **options: Any) -> RunResult | None:
        return deploy(self.session, self.scan(), tell=self.events.append, **options)

    def roll_back(self, **options: Any) -> RunResult | None:
        return roll_back(self.session, tell=self.events.append, **options)

    def renew_lease(self) -> None:
        """Renew as the lease's own thread would in time."""
        lease = self.world.state.read_lease()
        assert lease is not None
        later = lease.expires + timedelta(seconds=1)
        self.world.state.swap_lease(lease.model_copy(update={"expires": later}), lambda _: True)

    def told(self, kind: str) -> list[tuple[str, str]]:
        """What was told of one kind: step and target."""
        return [(event.step, event.target) for event in self.events if event.kind == kind]

    def scan(self) -> Artifact:
        return scan_artifact(self.session.spec.locate(self.session.spec.model.path))

    def _open(self) -> Session:
        spec = self.world.load_spec()
        book = load_book()
        return Session(
            spec=spec,
            providers={
                target.name: Provider(
                    target.provider, self.stores[target.name], self.clusters[target.name], book
                )
                for target in spec.targets
            },
            state=StateStore(spec.name, list(self.stores.values()), self.world.clock),
            probe=ScriptedProbe(),
            clock=self.world.clock,
            tool="deployer test",
        )

    def _see(self, where: str, method: str, name: str) -> None:
        with self._lock:
            self.dead = self.dead or self.dies_at(where, method, name)
            if self.dead:
                raise self.raises


class World:
    """Three clouds that outlive the processes, and the user's files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = ManualClock()
        self.bad: set[str] = set()
        self.predict: Callable[[str, str, list[float]], Any] = lambda *_: 0
        self._specs: dict[str, Spec] = {}
        self.disks: dict[str, MemoryStore] = {}
        self.clusters: dict[str, MemoryCluster] = {}
        for name, url in {"aws": "s3", "azure": "az", "gcp": "gs"}.items():
            self.disks[name] = MemoryStore(self.clock, f"{url}://models-{name}")
            self.clusters[name] = MemoryCluster(
                name, clock=self.clock, answer=partial(self._answer, name)
            )
        self.write_spec()
        self.write_model("one")
        self.write_requests([{"inputs": [[1]], "expect": [{"name": "p", "data": _GOOD}]}])

    @property
    def state(self) -> StateStore:
        """The state as anybody else reads it."""
        return StateStore("iris", list(self.disks.values()), self.clock)

    def write_spec(self, *changes: tuple[str, str]) -> None:
        text = _SPEC
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (self.folder / "deployer.yaml").write_text(text)

    def drop_gcp(self, *changes: tuple[str, str]) -> None:
        """Take gcp out of the spec; its store still holds the state."""
        self.write_spec((_GCP, ""), *changes)

    def load_spec(self) -> Spec:
        """Load the spec, once per text: a test starts many processes."""
        file = self.folder / "deployer.yaml"
        text = file.read_text()
        if text not in self._specs:
            self._specs[text] = load_spec(file, environment={})
        return self._specs[text]

    def write_model(self, weights: str, file: str = "model.joblib") -> None:
        (self.folder / "model").mkdir(exist_ok=True)
        (self.folder / "model" / file).write_text(weights)

    def write_requests(self, requests: Json) -> None:
        (self.folder / "examples.json").write_text(json.dumps(requests))

    def start(self) -> Machine:
        return Machine(self)

    def selected(self, target: str) -> str | None:
        """The release, as ``iris-r1``, whose pods the stable Service of ``target`` leads to."""
        try:
            answer = self.clusters[target].call("iris", HttpRequest(), timeout_seconds=1.0)
        except TransientError:
            return None
        return answer.headers["workload"]

    def workloads(self, target: str) -> list[str]:
        """The Deployments that have pods."""
        return [name for name, replicas in self._deployments(target).items() if replicas]

    def running(self, target: str) -> list[str]:
        """The releases that have pods, as ``iris-r1``, in whatever Deployment."""
        live = self.clusters[target].list({"deployer/name": "iris"})
        found = [m for m in live if m["metadata"]["name"] in self.workloads(target)]
        labels = [m["metadata"]["labels"] for m in found if m["kind"] == "Deployment"]
        return [f"iris-r{each['deployer/release']}" for each in labels]

    def at_rest(self, target: str) -> list[str]:
        """The Deployments that are scaled to 0."""
        return [name for name, replicas in self._deployments(target).items() if not replicas]

    def _deployments(self, target: str) -> dict[str, int]:
        live = self.clusters[target].list({"deployer/name": "iris"})
        found = [manifest for manifest in live if manifest["kind"] == "Deployment"]
        return {m["metadata"]["name"]: m["spec"].get("replicas", 1) for m in found}

    def objects(self) -> dict[str, Any]:
        """What is on every cluster, without what no two runs have alike."""
        return {
            f"{target}: {ObjectRef.of(manifest)}": {
                "labels": manifest["metadata"].get("labels"),
                "annotations": manifest["metadata"].get("annotations"),
                **{k: v for k, v in manifest.items() if k not in ("metadata", "status", "spec")},
                "spec": {k: v for k, v in manifest.get("spec", {}).items() if k != "clusterIP"},
            }
            for target, cluster in self.clusters.items()
            for manifest in cluster.list({})
            if manifest["metadata"]["name"] != "iris-deployer"
        }

    def record(self) -> dict[str, Any]:
        """What is recorded, without times, epochs and tokens."""
        state = self.state
        head, routes = state.read_head(), state.read_routes()
        assert head is not None
        return {
            "run": head.run,
            "desired": head.desired,
            "live": head.live,
            "marks": {n: {**dict(m), "verified": bool(m.verified)} for n, m in head.marks.items()},
            "releases": state.list_releases(),
            "routes": routes.backends if routes else (),
        }

    def _answer(self, target: str, workload: str, request: HttpRequest) -> HttpResponse:
        """Answer as the release whose pods the Deployment has now: ``iris-r1``, whatever it is."""
        live = self.clusters[target].get(ObjectRef("apps/v1", "Deployment", workload))
        assert live is not None
        labels = live["spec"]["template"]["metadata"]["labels"]
        release = f"iris-r{labels['deployer/release']}"
        wrong = {release, f"{target}/{release}"} & self.bad
        rows = _rows(request)
        data = [self.predict(target, release, row) for row in rows] or (_BAD if wrong else _GOOD)
        body = json.dumps({"outputs": [{"name": "p", "data": data}]})
        return HttpResponse(200, body.encode(), 0.001, {"workload": release})


def _rows(request: HttpRequest) -> list[list[float]]:
    """The rows of a hold-out set; the example requests have none."""
    inputs = json.loads(request.body)["inputs"] if request.body else []
    tensor = inputs[0] if inputs and isinstance(inputs[0], dict) else {"data": []}
    data, width = tensor["data"], tensor.get("shape", [0, 1])[1]
    return [data[start : start + width] for start in range(0, len(data), width)]


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Three empty clouds and a spec, a model and example requests that belong together."""
    return World(tmp_path)


@pytest.fixture
def killed() -> type[BaseException]:
    """What a process that is killed dies of."""
    return KilledError
