from datetime import UTC, datetime
from typing import Any

import pytest

from deployer.errors import RolloutError
from deployer.plan.changes import demand_few_deletions, find_changes, is_in_place
from deployer.plan.model import Change
from deployer.plan.retention import Retention
from deployer.ports import ObjectRef
from deployer.release.records import TargetBundle
from deployer.snapshot import TargetSnapshot

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NOTHING = Retention()
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


def changes(
    bundle: TargetBundle, *live: dict[str, Any], retention: Retention = NOTHING
) -> tuple[Change, ...]:
    return find_changes(bundle, snapshot(*live), retention)


def ops(bundle: TargetBundle, *live: dict[str, Any]) -> dict[str, str]:
    return {f"{c.kind}/{c.name}": c.op for c in changes(bundle, *live)}


def test_what_is_not_there_is_created_and_the_stable_service_is_last(bundle: TargetBundle) -> None:
    assert list(ops(bundle).items()) == [
        ("ConfigMap/iris-abc", "create"),
        ("Deployment/iris-r2", "create"),
        ("Service/iris", "create"),
    ]
    assert not is_in_place(changes(bundle))


def test_what_a_server_adds_is_no_change(bundle: TargetBundle) -> None:
    spec = {**SHIFT["spec"], "clusterIP": "10.0.0.1"}
    served = {**SHIFT, "spec": spec, "status": {"loadBalancer": {}}}
    defaulted = {**WORKLOAD, "spec": {"replicas": 1, "revisionHistoryLimit": 10}}
    assert set(ops(bundle, CONFIG, defaulted, served).values()) == {"keep"}
    assert is_in_place(changes(bundle, CONFIG, defaulted, served))


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


def test_what_earlier_releases_come_to_is_shown_last(bundle: TargetBundle) -> None:
    retention = Retention({1: "iris-r1"}, (ObjectRef("v1", "Service", "iris-r0"),))
    made = changes(bundle, CONFIG, WORKLOAD, SHIFT, retention=retention)
    assert [(c.op, c.kind, c.name) for c in made[-2:]] == [
        ("scale", "Deployment", "iris-r1"),
        ("delete", "Service", "iris-r0"),
    ]
    assert not is_in_place(made)
    assert is_in_place(made[:-2])


def test_a_number_of_pods_that_an_autoscaler_sets_is_no_change(bundle: TargetBundle) -> None:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "iris-r2"}
    scaler = item("HorizontalPodAutoscaler", "iris-r2", spec={"scaleTargetRef": target})
    scaled = {**WORKLOAD, "spec": {"replicas": 5}}
    part = bundle.model_copy(update={"objects": (*bundle.objects, scaler)})
    assert set(ops(part, CONFIG, scaled, scaler, SHIFT).values()) == {"keep"}
    assert ops(bundle, CONFIG, scaled, SHIFT)["Deployment/iris-r2"] == "change"


def test_a_plan_that_deletes_too_much_is_refused_with_the_number(plan: Any) -> None:
    gone = tuple(Change(op="delete", kind="ConfigMap", name=f"c{n}") for n in range(7))
    made = plan()
    targets = tuple(part.model_copy(update={"changes": gone}) for part in made.targets)
    many = made.model_copy(update={"targets": targets})
    demand_few_deletions(many, 7)
    with pytest.raises(RolloutError, match=r"would delete 7 objects on \w+, and 6 are") as caught:
        demand_few_deletions(many, 6)
    assert "--max-deletions 7" in str(caught.value.hint)
