import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import pytest

from deployer.errors import AccessDeniedError, TransientError
from deployer.ports import (
    Applied,
    Cluster,
    ClusterInfo,
    HttpRequest,
    HttpResponse,
    Manifest,
    ObjectRef,
    ObjectStore,
    Prices,
    Provider,
    Readiness,
    Verdict,
)
from deployer.providers.local.clock import SystemClock
from deployer.release.records import (
    ArtifactRecord,
    Bundle,
    Head,
    RouteSettings,
    SmokeRecord,
    TargetBundle,
)
from deployer.snapshot.observe import Observation, observe_targets
from deployer.values import Cloud

CLOCK = SystemClock()
READY = Readiness(Verdict.READY, 2, 2)
HELLO = HttpResponse(200, b"ok", 0.01)
DENIED = AccessDeniedError("the cluster does not know us", operation="get", resource="iris")
TIMEOUT = TransientError("connect timeout", operation="probe", resource="iris")


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


@pytest.fixture
def black_hole() -> Iterator[Callable[[], None]]:
    """Return a call that does not come back before the test is over."""
    over = threading.Event()
    yield lambda: (over.wait(60), None)[1]
    over.set()


@pytest.fixture
def thread_error() -> Iterator["queue.Queue[threading.ExceptHookArgs]"]:
    """Return where an error that ends a thread arrives, in place of stderr."""
    arrived: queue.Queue[threading.ExceptHookArgs] = queue.Queue()
    before, threading.excepthook = threading.excepthook, arrived.put
    yield arrived
    threading.excepthook = before


def part(target: str, endpoint: str | None = "https://iris.example") -> TargetBundle:
    return TargetBundle(
        target=target,
        cloud=Cloud.AWS,
        region="us-east-1",
        namespace="models",
        machine="m6i.xlarge",
        workload="iris-r42",
        direct="iris-r42",
        service="iris",
        ready_path="/ready",
        infer_path="/infer",
        protocol="custom",
        replicas=2,
        cpu="1",
        memory="1Gi",
        gpu=0,
        uri="s3://acme/x",
        endpoint=endpoint,
        objects=(),
        shift={},
    )


def bundle(*parts: TargetBundle) -> Bundle:
    return Bundle(
        number=42,
        name="iris",
        created=CLOCK.now(),
        created_by="ada",
        tool="deployer",
        artifact=ArtifactRecord(digest="ab" * 32, size=1, files=1),
        config={},
        content="",
        smoke=SmokeRecord(),
        routing=RouteSettings(),
        weights={},
        soak_seconds=0,
        targets=parts,
    )


def provider(cluster: Cluster) -> Provider:
    """Return a provider whose store and prices a look has no business with."""
    return Provider(Cloud.AWS, cast(ObjectStore, None), cluster, cast(Prices, None))


def observe(
    clusters: Mapping[str, Cluster],
    probe: ScriptedProbe,
    *,
    endpoint: str | None = "https://iris.example",
    timeout_seconds: float = 20.0,
) -> tuple[Observation, ...]:
    head = Head(name="iris", desired=42, live=dict.fromkeys(clusters, 42))
    release = bundle(*(part(name, endpoint) for name in clusters))
    providers = {name: provider(cluster) for name, cluster in clusters.items()}
    return observe_targets(
        head, {42: release}, providers, probe, CLOCK, timeout_seconds=timeout_seconds
    )


def test_cluster_and_endpoint_are_both_asked() -> None:
    cluster, probe = ScriptedCluster(), ScriptedProbe()
    (seen,) = observe({"a": cluster}, probe)
    assert (seen.target, seen.readiness, seen.probe) == ("a", READY, HELLO)
    assert (seen.readiness_error, seen.probe_error, seen.url) == ("", "", "https://iris.example")
    assert cluster.asked == [("readiness", ObjectRef("apps/v1", "Deployment", "iris-r42"))]
    assert probe.asked == ["https://iris.example/ready"]


def test_an_endpoint_that_is_not_written_down_is_found_on_the_cluster() -> None:
    probe = ScriptedProbe()
    (seen,) = observe({"a": ScriptedCluster(endpoint="http://10.0.0.1")}, probe, endpoint=None)
    assert (seen.url, seen.probe) == ("http://10.0.0.1", HELLO)


def test_a_service_without_an_address_is_asked_through_its_cluster() -> None:
    cluster, probe = ScriptedCluster(), ScriptedProbe()
    (seen,) = observe({"a": cluster}, probe, endpoint=None)
    assert seen.url == "service iris through the cluster"
    assert ("call", "iris", "/ready") in cluster.asked
    assert not probe.asked


def test_errors_become_reasons_and_the_other_sight_stays() -> None:
    (seen,) = observe({"a": ScriptedCluster(readiness=DENIED)}, ScriptedProbe())
    assert (seen.readiness, seen.readiness_error) == (None, "the cluster does not know us")
    assert seen.probe == HELLO
    (seen,) = observe({"a": ScriptedCluster()}, ScriptedProbe(TIMEOUT))
    assert seen.readiness == READY
    assert (seen.probe, seen.probe_error) == (None, "connect timeout")
    assert seen.url == "https://iris.example"


def test_an_endpoint_that_could_not_be_asked_has_no_url() -> None:
    (seen,) = observe({"a": ScriptedCluster(endpoint=DENIED)}, ScriptedProbe(), endpoint=None)
    assert (seen.probe, seen.url) == (None, "")
    assert seen.probe_error == ("the endpoint could not be asked: the cluster does not know us")


def test_a_black_hole_delays_nobody_and_is_unknown(black_hole: Callable[[], None]) -> None:
    """Whole within its timeout (with a wide margin); without its own threads it would hang 60 s."""
    lost = ScriptedCluster(readiness=black_hole, endpoint=black_hole)
    began = CLOCK.monotonic()
    seen = {
        observation.target: observation
        for observation in observe(
            {"a": lost, "b": ScriptedCluster(), "c": ScriptedCluster()},
            ScriptedProbe(),
            endpoint=None,
            timeout_seconds=1.0,
        )
    }
    assert CLOCK.monotonic() - began < 15
    assert seen["a"].readiness_error == "the cluster did not answer in 1 s"
    assert seen["a"].probe_error == "the endpoint did not answer in 1 s"
    assert seen["a"].url == ""
    for healthy in ("b", "c"):
        assert (seen[healthy].readiness, seen[healthy].probe) == (READY, HELLO)


def test_a_probe_that_hangs_is_held_against_the_url_it_was_sent_to(
    black_hole: Callable[[], None],
) -> None:
    (seen,) = observe({"a": ScriptedCluster()}, ScriptedProbe(black_hole), timeout_seconds=0.5)
    assert seen.readiness == READY
    assert seen.url == "https://iris.example"
    assert seen.probe_error == "https://iris.example did not answer in 0.5 s"


def test_all_targets_are_asked_at_the_same_time() -> None:
    """Every look waits for all the others: one after another they would never come back."""
    together = threading.Barrier(6)

    def meet_and(answer: object) -> Callable[[], object]:
        return lambda: (together.wait(15), answer)[1]

    clusters = {name: ScriptedCluster(readiness=meet_and(READY)) for name in "abc"}
    seen = observe(clusters, ScriptedProbe(meet_and(HELLO)))
    assert [(s.target, s.readiness, s.probe) for s in seen] == [(n, READY, HELLO) for n in "abc"]


def test_a_target_that_left_the_spec_or_its_release_is_said_so() -> None:
    head = Head(name="iris", desired=42, live={"gone": 42, "odd": 42, "older": 7})
    seen = observe_targets(
        head, {42: bundle(part("gone"))}, {}, ScriptedProbe(), CLOCK, timeout_seconds=1
    )
    assert [observation.readiness_error for observation in seen] == [
        "the spec has no target of this name any more",
        "release 42 is recorded as live but has no part for this target",
        "release 7 is recorded as live but has no part for this target",
    ]
    assert all(observation.probe is None for observation in seen)


def test_an_adapter_that_breaks_off_is_not_waited_for_and_shows_its_stack(
    thread_error: "queue.Queue[threading.ExceptHookArgs]",
) -> None:
    broken = ScriptedCluster(readiness=ValueError("a fault of ours"))
    began = CLOCK.monotonic()
    (seen,) = observe({"a": broken}, ScriptedProbe(), timeout_seconds=60)
    assert CLOCK.monotonic() - began < 30
    assert (seen.readiness, seen.readiness_error) == (None, "the look itself broke off")
    assert seen.probe == HELLO
    assert str(thread_error.get(timeout=15).exc_value) == "a fault of ours"
