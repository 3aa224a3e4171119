from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from deployer.ports import Cluster, Probe, Provider
from deployer.providers.local.clock import ManualClock
from deployer.providers.local.memory import MemoryStore
from deployer.release.records import Bundle, Head
from deployer.release.state import StateStore
from deployer.spec.model import Spec

Maker = Callable[..., Any]


@dataclass(frozen=True)
class Opened:
    """What a reading command works on: real state on stores in memory."""

    spec: Spec
    providers: Mapping[str, Provider]
    state: StateStore
    probe: Probe
    clock: ManualClock


def _spec(targets: Mapping[str, Cluster]) -> Spec:
    return Spec.model_validate(
        {
            "name": "iris",
            "model": {"path": "model"},
            "targets": [
                {"name": name, "provider": "aws", "store": "s3://acme", "cluster": {"eks": "one"}}
                for name in targets or ["aws-virginia"]
            ],
        }
    )


@pytest.fixture(autouse=True)
def _wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables are measured against a terminal of 100 columns, whoever runs the tests."""
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture
def open_with(now: datetime, make_provider: Maker, make_probe: Maker) -> Callable[..., Opened]:
    """Return an opener of sessions on the given clusters, with the given record."""

    def open_deployment(
        clusters: Mapping[str, Cluster],
        head: Head | None = None,
        bundles: tuple[Bundle, ...] = (),
        probe: Probe | None = None,
    ) -> Opened:
        clock = ManualClock(now)
        state = StateStore("iris", [MemoryStore(clock) for _ in range(3)], clock)
        for bundle in bundles:
            state.create_release(bundle)
        if head is not None:
            state.write_head(head.model_copy(update={"epoch": 1}))
        providers = {name: make_provider(cluster) for name, cluster in clusters.items()}
        return Opened(_spec(clusters), providers, state, probe or make_probe(), clock)

    return open_deployment


@pytest.fixture
def two_targets(
    open_with: Maker, make_part: Maker, make_bundle: Maker, make_cluster: Maker
) -> Callable[..., Opened]:
    """Return an opener of release 42, live on a healthy target and on one as given."""

    def open_two(changes: dict[str, Any] | None = None, **cluster: Any) -> Opened:
        second = {"cloud": "gcp", "region": "us-central1", "machine": "n2-standard-4"}
        parts = make_part(), make_part("gcp-iowa", **(second | (changes or {})))
        bundle = make_bundle(42, *parts, label="v7", weights={"aws-virginia": 60, "gcp-iowa": 40})
        head = Head(name="iris", desired=42, live={"aws-virginia": 42, "gcp-iowa": 42})
        clusters = {"aws-virginia": make_cluster(), "gcp-iowa": make_cluster(**cluster)}
        opened: Opened = open_with(clusters, head, (bundle,))
        return opened

    return open_two
