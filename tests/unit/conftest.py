from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, cast

import pytest

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
from deployer.providers.local.clock import SystemClock
from deployer.providers.local.memory import MemoryStore
from deployer.release.records import (
    ArtifactRecord,
    Bundle,
    RouteSettings,
    SmokeRecord,
    TargetBundle,
)
from deployer.snapshot.observe import Observation
from deployer.values import Cloud, Digest

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
        "smoke": SmokeRecord(),
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
    """Return a maker of providers on AWS with the real price book and an empty store."""

    def provide(cluster: Cluster) -> Provider:
        return Provider(Cloud.AWS, MemoryStore(SystemClock()), cluster, load_book())

    return provide
