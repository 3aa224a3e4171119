"""Both strategies on a real API server: its controllers, its EndpointSlices, pods that run."""

import http.client
import json
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from deployer.artifact import scan_artifact
from deployer.errors import RolloutError
from deployer.execution import Event, Session, Tell, deploy, roll_back
from deployer.ports import Cluster, ObjectRef, Provider, Verdict
from deployer.providers.book import load_book
from deployer.providers.http.probe import HttpProbe
from deployer.providers.kube.connect import connect_cluster
from deployer.providers.local.clock import SystemClock
from deployer.providers.local.memory import MemoryStore
from deployer.release.state import StateStore
from deployer.spec import load_spec
from deployer.values import Cloud
from tests.cluster.rig import ApiServer

CLOCK = SystemClock()
SERVER = Path(__file__).parents[1] / "cli" / "server.py"
TENSOR = {"name": "x", "shape": [2], "datatype": "FP64", "data": [1, 4]}
REQUESTS = [{"inputs": [TENSOR], "expect": [{"name": "predict", "data": [0, 1]}]}]
PAUSE_SECONDS = 0.02
SPEC = """\
name: iris
model: {path: model, format: sklearn}
runtime: {image: stand-in, command: COMMAND, port: 8080}
service: {replicas: REPLICAS, env: {LOG_LEVEL: LEVEL}}
targets:
  - name: here
    provider: kubernetes
    store: {url: "s3://models", endpoint: "http://127.0.0.1:9"}
    cluster: {context: here}
    expose: load-balancer
    timeout: 60s
strategy: STRATEGY
gates: {smoke: {requests: requests.json}}
patches: [patch.yaml]
state: {lease: 5s}
"""
PATCH = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: iris}
spec:
  template:
    spec:
      initContainers: [{name: model, $patch: delete}]  # the server finds its model on this machine
      containers:
        - name: server
          env: [{name: MODEL_HOST, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]
          lifecycle: {preStop: {sleep: {seconds: 1}}}
"""


@dataclass
class Place:
    """One namespace of a real cluster, and a spec that deploys to it."""

    folder: Path
    cluster: Cluster
    store: MemoryStore
    strategy: str
    replicas_wanted: str = "{min: 2}"

    def deploy(
        self, version: str, *, level: str = "info", broken: bool = False, tell: Tell | None = None
    ) -> Any:
        folder = self.folder / version
        folder.mkdir(exist_ok=True)
        document = json.dumps({"version": version, "threshold": 2.5, "sign": 1})
        (folder / "model.json").write_text(document[: 9 if broken else None])
        session = self._open(folder, level)
        artifact = scan_artifact(self.folder / "model")
        return deploy(session, artifact, tell=tell or _listen)

    def roll_back(self) -> Any:
        return roll_back(self._open(self.folder, "info"), tell=_listen)

    def live(self, kind: str) -> dict[str, Any]:
        found = self.cluster.list({"deployer/name": "iris"})
        return {it["metadata"]["name"]: it for it in found if it["kind"] == kind}

    def replicas(self) -> dict[str, int]:
        return {name: it["spec"]["replicas"] for name, it in self.live("Deployment").items()}

    def behind(self, service: str = "iris") -> set[str]:
        """The pods that take a Service's connections, the stable one's."""
        found = self.cluster.readiness(ObjectRef("v1", "Service", service))
        return {pod.name for pod in found.pods}

    def routed(self) -> list[tuple[int, str, int]]:
        """Which releases routers know, where, and with what share."""
        routes = StateStore("iris", [self.store], CLOCK).read_routes()
        return [(it.release, it.url, it.share) for it in routes.backends] if routes else []

    def pods(self, workload: str) -> set[str]:
        found = self.cluster.readiness(ObjectRef("apps/v1", "Deployment", workload))
        return {pod.name for pod in found.pods}

    @property
    def url(self) -> str:
        deadline = CLOCK.monotonic() + 20
        while not (found := self.cluster.endpoint("iris")):
            assert CLOCK.monotonic() < deadline
            CLOCK.sleep(0.1)
        return found

    def _open(self, model: Path, level: str) -> Session:
        text = SPEC.replace("COMMAND", json.dumps([sys.executable, str(SERVER), str(model)]))
        text = text.replace("LEVEL: LEVEL", f"LEVEL: {level}").replace("STRATEGY", self.strategy)
        text = text.replace("REPLICAS", self.replicas_wanted)
        (self.folder / "deployer.yaml").write_text(text)
        spec = load_spec(self.folder / "deployer.yaml", environment={})
        return Session(
            spec=spec,
            providers={"here": Provider(Cloud.KUBERNETES, self.store, self.cluster, load_book())},
            state=StateStore("iris", [self.store], CLOCK),
            probe=HttpProbe(CLOCK),
            clock=CLOCK,
            tool="test",
        )


def _listen(_event: Event) -> None:
    """Nobody watches."""


@pytest.fixture
def place(
    request: pytest.FixtureRequest, tmp_path: Path, api_server: ApiServer, namespace: str
) -> Place:
    if not api_server.runs_pods:
        pytest.skip("no pod runs there (DEPLOYER_TEST_PODS=1 says that pods are processes)")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.joblib").write_text("one")
    (tmp_path / "requests.json").write_text(json.dumps(REQUESTS))
    (tmp_path / "patch.yaml").write_text(PATCH)
    cluster = connect_cluster(
        namespace=namespace,
        clock=CLOCK,
        kubeconfig=api_server.kubeconfig,
        context=api_server.context,
    )
    return Place(tmp_path, cluster, MemoryStore(CLOCK), request.param)


class Sender(threading.Thread):
    """Sends one prediction after the other, each on a connection of its own, none twice."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._address = urlsplit(url)
        self.answers: Counter[str] = Counter()
        self.stop = threading.Event()

    def run(self) -> None:
        while not self.stop.wait(PAUSE_SECONDS):
            self.answers[self._send()] += 1

    def _send(self) -> str:
        found = self._address
        connection = http.client.HTTPConnection(str(found.hostname), found.port or 80, timeout=10)
        try:
            connection.request("POST", "/v2/models/iris/infer", json.dumps({"inputs": [TENSOR]}))
            answer = json.loads(connection.getresponse().read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            return f"failed: {error!r}"
        finally:
            connection.close()
        return str(answer["model_version"])


@contextmanager
def traffic(place: Place) -> Iterator[Counter[str]]:
    sender = Sender(place.url)
    sender.start()
    try:
        yield sender.answers
    finally:
        sender.stop.set()
        sender.join()


@pytest.mark.parametrize(
    "place", ["{type: blue-green, soak: 1s, history: 1}"], indirect=True, ids=["blue-green"]
)
def test_releases_change_side_by_side_and_the_old_one_rests(place: Place) -> None:
    place.deploy("v1")
    with traffic(place) as answers:
        place.deploy("v2", level="debug")
        assert place.replicas() == {"iris-r1": 0, "iris-r2": 2}
        assert place.behind() == place.pods("iris-r2")
        place.deploy("v3", level="debug")
        assert place.replicas() == {"iris-r2": 0, "iris-r3": 2}
        assert len(place.live("ConfigMap")) == 2, "that of releases 2 and 3, and the fence"
        assert place.roll_back().release == 2
    assert place.replicas() == {"iris-r2": 2}
    assert place.behind() == place.pods("iris-r2")
    assert set(answers) == {"v1", "v2", "v3"}, answers


@pytest.mark.parametrize("place", ["{type: rolling, soak: 1s}"], indirect=True, ids=["rolling"])
def test_releases_change_in_place_and_a_bad_one_never_takes_over(place: Place) -> None:
    place.deploy("v1")
    with traffic(place) as answers:
        place.deploy("v2", level="debug")
        assert place.replicas() == {"iris": 2}
        assert place.behind() == place.pods("iris")
        with pytest.raises(RolloutError, match="release 3 was refused and undone") as refused:
            place.deploy("v3", broken=True)
        assert "Deployment iris" in refused.value.message
        assert place.roll_back().release == 1
    [workload] = place.live("Deployment").values()
    assert workload["spec"]["template"]["metadata"]["labels"]["deployer/release"] == "1"
    assert place.cluster.readiness(ObjectRef.of(workload)).verdict is Verdict.READY
    assert set(answers) == {"v1", "v2"}, answers


@pytest.mark.parametrize(
    "place", ["{type: canary, steps: [20], hold: 1s, soak: 1s}"], indirect=True, ids=["canary"]
)
def test_a_canary_has_a_load_balancer_of_its_own_for_as_long_as_it_is_one(place: Place) -> None:
    place.deploy("v1")
    seen: list[Any] = []

    def look(event: Event) -> None:
        if (event.kind, event.step) == ("done", "share"):
            seen.extend([place.routed(), place.behind(), place.behind("iris-canary")])

    with traffic(place) as answers:
        place.deploy("v2", tell=look)
    [(old, stable_url, _), (new, canary_url, _)] = seen[0]
    assert [share for *_, share in seen[0]] == [800, 200]
    assert (old, new) == (1, 2)
    assert stable_url != canary_url
    assert all("iris-r1-" in pod for pod in seen[1])
    assert seen[2] == place.pods("iris-r2")
    assert set(answers) == {"v1", "v2"}, answers
    assert place.routed() == [(2, stable_url, 1000)]
    assert set(place.live("Service")) == {"iris", "iris-r1", "iris-r2"}
    assert place.behind() == place.pods("iris-r2")


@pytest.mark.parametrize("place", ["{type: blue-green, soak: 0.5s}"], indirect=True, ids=[""])
def test_an_autoscaler_follows_the_release_that_serves(place: Place, api_server: ApiServer) -> None:
    place.replicas_wanted = "{min: 1, max: 4}"
    place.deploy("v1")
    scale_as_the_autoscaler(place, api_server, "iris-r1", 3)
    place.deploy("v2")
    assert place.replicas() == {"iris-r1": 0, "iris-r2": 3}
    assert set(place.live("HorizontalPodAutoscaler")) == {"iris-r2"}
    assert place.roll_back().release == 1
    assert place.replicas() == {"iris-r1": 3}
    assert set(place.live("HorizontalPodAutoscaler")) == {"iris-r1"}


def scale_as_the_autoscaler(place: Place, server: ApiServer, name: str, count: int) -> None:
    """Take the number over as its controller does; without metrics that one never would."""
    path = f"/apis/apps/v1/namespaces/{place.cluster.namespace}/deployments/{name}"
    query = "fieldManager=kube-controller-manager"
    server.api().patch(f"{path}/scale?{query}", {"spec": {"replicas": count}})
