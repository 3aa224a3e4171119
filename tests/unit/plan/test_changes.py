from datetime import UTC, datetime
from typing import Any

import pytest

from deployer.plan.changes import find_changes, find_retired, is_in_place
from deployer.release.records import TargetBundle
from deployer.snapshot import TargetSnapshot

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OURS = {"deployer/name": "iris"}


def item(kind: str, name: str, *, release: int | None = None, **fields: Any) -> dict[str, Any]:
    labels = OURS | ({"deployer/release": str(release)} if release else {})
    api = "apps/v1" if kind == "Deployment" else "v1"
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "labels": labels}, **fields}


SHIFT = item(
    "Service", "iris", spec={"selector": {"deployer/release": "2"}, "ports": [{"port": 80}]}
)
CONFIG = item("ConfigMap", "iris-abc", data={"A": "1"})
WORKLOAD = item("Deployment", "iris-r2", release=2, spec={"replicas": 1})


@pytest.fixture
def bundle(make_part: Any) -> TargetBundle:
    made: TargetBundle = make_part(objects=(CONFIG, WORKLOAD), shift=SHIFT, workload="iris-r2")
    return made


def snapshot(*live: dict[str, Any]) -> TargetSnapshot:
    return TargetSnapshot("aws", NOW, live=live)


def ops(bundle: TargetBundle, *live: dict[str, Any]) -> dict[str, str]:
    return {f"{c.kind}/{c.name}": c.op for c in find_changes(bundle, snapshot(*live))}


def test_what_is_not_there_is_created_and_the_stable_service_is_last(bundle: TargetBundle) -> None:
    assert list(ops(bundle).items()) == [
        ("ConfigMap/iris-abc", "create"),
        ("Deployment/iris-r2", "create"),
        ("Service/iris", "create"),
    ]
    assert not is_in_place(bundle, snapshot())


def test_what_a_server_adds_is_no_change(bundle: TargetBundle) -> None:
    spec = {**SHIFT["spec"], "clusterIP": "10.0.0.1"}
    served = {**SHIFT, "spec": spec, "status": {"loadBalancer": {}}}
    defaulted = {**WORKLOAD, "spec": {"replicas": 1, "revisionHistoryLimit": 10}}
    assert set(ops(bundle, CONFIG, defaulted, served).values()) == {"keep"}
    assert is_in_place(bundle, snapshot(CONFIG, defaulted, served))


@pytest.mark.parametrize(
    "spec",
    [
        {"selector": {"deployer/release": "1"}, "ports": [{"port": 80}]},
        {"selector": {"deployer/release": "2"}, "ports": [{"port": 81}]},
        {"selector": {"deployer/release": "2"}, "ports": [{"port": 80}, {"port": 81}]},
        {"selector": {"deployer/release": "2"}, "ports": "80"},
        {"selector": {"deployer/release": "2"}, "ports": None},
        {"selector": "deployer/release", "ports": [{"port": 80}]},
        {"ports": [{"port": 80}]},
    ],
)
def test_a_field_that_differs_is_a_change(bundle: TargetBundle, spec: Any) -> None:
    live = {**SHIFT, "spec": spec}
    assert ops(bundle, CONFIG, WORKLOAD, live)["Service/iris"] == "change"


def test_only_what_carries_a_release_of_ours_is_retired(bundle: TargetBundle) -> None:
    old = [
        item("Service", "iris-r1", release=1),
        item("Deployment", "iris-r1", release=1),
        item("Deployment", "iris-r0", release=9),
    ]
    kept = [
        item("ConfigMap", "iris-deployer", data={"token": "3"}),
        item("ServiceAccount", "iris"),
        item("ConfigMap", "iris-old", data={"A": "0"}),
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "pull"}},
    ]
    retired = find_retired(bundle, snapshot(*old, *kept, CONFIG, WORKLOAD, SHIFT))
    assert [(ref.kind, ref.name) for ref in retired] == [
        ("Deployment", "iris-r0"),
        ("Deployment", "iris-r1"),
        ("Service", "iris-r1"),
    ]
    changes = ops(bundle, *old, *kept, CONFIG, WORKLOAD, SHIFT)
    assert [name for name, op in changes.items() if op == "delete"] == [
        "Deployment/iris-r0", "Deployment/iris-r1", "Service/iris-r1",
    ]  # fmt: skip
    assert not is_in_place(bundle, snapshot(*old, CONFIG, WORKLOAD, SHIFT))
