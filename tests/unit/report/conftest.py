from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from deployer.ports import HttpResponse, Readiness, Verdict
from deployer.release.records import (
    ArtifactRecord,
    Bundle,
    RouteSettings,
    SmokeRecord,
    TargetBundle,
)
from deployer.snapshot.observe import Observation
from deployer.values import Cloud, Digest

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
