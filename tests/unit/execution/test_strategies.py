"""What stays on the clusters after a deploy, and how a release rolls in place."""

from functools import partial
from typing import Any

import pytest

from deployer.errors import ProviderError, RolloutError, TransientError
from deployer.ports import ObjectRef, Readiness, Verdict
from deployer.providers.local.cluster_faults import ClusterFault

World = Any
TARGETS = ("aws", "azure", "gcp")
SCALER = """\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: iris}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: iris-r1}, maxReplicas: 5}
"""


def deploy(world: World, *models: str) -> None:
    for model in models:
        world.write_model(model)
        world.start().deploy()


def configure(world: World, level: str) -> None:
    """Let releases have another ConfigMap from now on."""
    text = (world.folder / "deployer.yaml").read_text()
    for known in ("info", "debug", "warning"):
        text = text.replace(f"LOG_LEVEL: {known}", f"LOG_LEVEL: {level}")
    (world.folder / "deployer.yaml").write_text(text)


def configs(world: World, target: str = "aws") -> int:
    """How many ConfigMaps there are, the fence left out."""
    live = world.clusters[target].list({"deployer/name": "iris"})
    found = [it["metadata"]["name"] for it in live if it["kind"] == "ConfigMap"]
    return len(set(found) - {"iris-deployer"})


@pytest.fixture
def rolling(world: World) -> World:
    world.write_spec(("{soak: 5s}", "{type: rolling, soak: 5s}"))
    return world


# blue-green -----------------------------------------------------------------------------------


def test_earlier_releases_rest_until_the_history_is_full(world: World) -> None:
    deploy(world, "one", "two", "three", "four")
    for target in TARGETS:
        assert world.workloads(target) == ["iris-r4"]
        assert world.at_rest(target) == ["iris-r2", "iris-r3"]
    assert world.start().deploy() is None


def test_a_config_map_stays_while_a_release_that_stays_names_it(world: World) -> None:
    world.write_spec(("soak: 5s", "soak: 5s, history: 1"))
    deploy(world, "one")
    configure(world, "debug")
    deploy(world, "two")
    assert configs(world) == 2
    deploy(world, "three")
    assert configs(world) == 1, "release 1 went, and its ConfigMap with it"
    configure(world, "warning")
    deploy(world, "four")
    assert configs(world) == 2
    configure(world, "debug")
    deploy(world, "five")
    assert configs(world) == 2


def test_a_rollback_wakes_the_release_that_rests_and_proves_it_before_it_serves(
    world: World,
) -> None:
    deploy(world, "one", "two")
    machine, asked = world.start(), []

    def note_who_serves(where: str, method: str, name: str) -> bool:
        if (where, method, name) == ("cluster aws", "call", "iris-r1"):
            asked.append((world.workloads("aws"), world.selected("aws")))
        return False

    machine.dies_at = note_who_serves
    assert machine.roll_back().release == 1
    assert asked == [(["iris-r1", "iris-r2"], "iris-r2")]
    for target in TARGETS:
        assert world.workloads(target) == ["iris-r1"]
        assert world.at_rest(target) == [], "what was rolled back is quarantined, and goes"
        assert world.selected(target) == "iris-r1"


def test_a_rollback_restores_a_release_of_which_nothing_is_left(world: World) -> None:
    world.write_spec(("soak: 5s", "soak: 5s, history: 0"))
    deploy(world, "one")
    before = world.objects()
    configure(world, "debug")
    deploy(world, "two")
    assert world.at_rest("aws") == []
    world.start().roll_back()
    assert world.objects() == before


def test_a_refused_release_takes_nothing_with_it_that_one_at_rest_names(world: World) -> None:
    deploy(world, "one")
    configure(world, "debug")
    deploy(world, "two")
    before = world.objects()
    configure(world, "info")
    world.write_model("three")
    world.bad.add("gcp/iris-r3")
    with pytest.raises(RolloutError, match="release 2 never stopped serving"):
        world.start().deploy()
    assert world.objects() == before
    assert world.start().roll_back().release == 1


def test_an_autoscaler_goes_before_its_release_rests_and_comes_back_with_it(
    world: World,
) -> None:
    (world.folder / "scaler.yaml").write_text(SCALER)
    world.write_spec(("gates:", "patches: [scaler.yaml]\ngates:"))
    deploy(world, "one")
    scaler = ObjectRef("autoscaling/v2", "HorizontalPodAutoscaler", "iris")
    world.write_spec()
    deploy(world, "two")
    for target in TARGETS:
        assert world.at_rest(target) == ["iris-r1"]
        assert world.clusters[target].get(scaler) is None
    world.start().roll_back()
    assert world.clusters["aws"].get(scaler) is not None


def test_a_release_starts_with_as_many_pods_as_the_autoscaler_gave_the_one_before(
    world: World,
) -> None:
    world.write_spec(("{env:", "{replicas: {min: 2, max: 6}, env:"))
    deploy(world, "one")
    for target in TARGETS:
        give_pods(world, target, "iris-r1", 5)
    assert world.start().plan().nothing_to_do
    deploy(world, "two")
    for target in TARGETS:
        assert replicas(world, target) == {"iris-r1": 0, "iris-r2": 5}
        assert scalers(world, target) == ["iris-r2"]
    give_pods(world, "aws", "iris-r2", 3)
    world.start().roll_back()
    assert replicas(world, "aws") == {"iris-r1": 3}
    assert replicas(world, "gcp") == {"iris-r1": 5}
    assert scalers(world, "aws") == ["iris-r1"]


def give_pods(world: World, target: str, name: str, count: int) -> None:
    """Do as the controller of HorizontalPodAutoscalers does."""
    workload = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}}
    change = {**workload, "spec": {"replicas": count}}
    world.clusters[target].edit(change, manager="kube-controller-manager/scale")


def replicas(world: World, target: str) -> dict[str, int]:
    live = world.clusters[target].list({"deployer/name": "iris"})
    found = [it for it in live if it["kind"] == "Deployment"]
    return {it["metadata"]["name"]: it["spec"]["replicas"] for it in found}


def scalers(world: World, target: str) -> list[str]:
    live = world.clusters[target].list({"deployer/name": "iris"})
    return [it["metadata"]["name"] for it in live if it["kind"] == "HorizontalPodAutoscaler"]


def test_traffic_is_not_moved_to_a_release_that_lost_its_pods_meanwhile(world: World) -> None:
    deploy(world, "one")
    world.write_model("two")
    machine = world.start()

    def lose_pods(*_: str) -> bool:
        if ("smoke", "azure") in machine.told("done"):
            none = Readiness(Verdict.PROGRESSING, 0, 1, "0 of 1 pods are ready")
            world.clusters["azure"].script_readiness("iris-r2", none)
        assert world.selected("azure") == "iris-r1"
        return False

    machine.dies_at = lose_pods
    words = "azure: release 2 has no pod to give the traffic to: 0 of 1 pods are ready"
    with pytest.raises(RolloutError, match=words):
        machine.deploy()
    assert [world.selected(target) for target in TARGETS] == ["iris-r1"] * 3


def test_endpoints_that_do_not_follow_are_no_fault_of_the_release(world: World) -> None:
    deploy(world, "one")
    world.write_model("two")
    machine = world.start()
    cut = partial(TransientError, "cut", operation="readiness", resource="iris")
    machine.clusters["gcp"].faults.append(ClusterFault("readiness", cut, name="iris", times=500))
    with pytest.raises(RolloutError, match="refused"):
        machine.deploy()
    assert world.record()["marks"][2]["quarantined"] is None


def test_a_release_that_somebody_deleted_at_rest_is_not_missed(world: World) -> None:
    deploy(world, "one", "two")
    world.clusters["aws"].delete(ObjectRef("apps/v1", "Deployment", "iris-r1"))
    deploy(world, "three")
    assert world.at_rest("aws") == ["iris-r2"]
    assert world.at_rest("gcp") == ["iris-r1", "iris-r2"]
    assert world.start().roll_back(to=1).release == 1
    assert world.workloads("aws") == ["iris-r1"]


# rolling --------------------------------------------------------------------------------------


def test_a_release_rolls_in_the_one_deployment_there_is(rolling: World) -> None:
    deploy(rolling, "one", "two")
    for target in TARGETS:
        assert rolling.workloads(target) == ["iris"]
        assert rolling.at_rest(target) == []
        assert rolling.selected(target) == "iris-r2"
    names = {name.partition(": ")[2] for name in rolling.objects()}
    assert {name for name in names if name.startswith("Service/")} == {
        "Service/iris",
        "Service/iris-r2",
    }
    assert rolling.start().deploy() is None


def test_a_rollback_rolls_the_release_before_in_again_with_its_configuration(
    rolling: World,
) -> None:
    deploy(rolling, "one")
    before = rolling.objects()
    configure(rolling, "debug")
    deploy(rolling, "two")
    assert configs(rolling) == 1
    assert rolling.start().roll_back().release == 1
    assert rolling.objects() == before
    assert rolling.record()["live"] == dict.fromkeys(TARGETS, 1)


@pytest.mark.parametrize("where", ["azure/iris-r2", "iris-r2"])
def test_a_bad_release_is_rolled_out_again_on_every_target(rolling: World, where: str) -> None:
    deploy(rolling, "one")
    before = rolling.objects()
    rolling.write_model("two")
    rolling.bad.add(where)
    with pytest.raises(RolloutError, match="release 2 was refused and undone"):
        rolling.start().deploy()
    assert rolling.objects() == before
    assert [rolling.selected(target) for target in TARGETS] == ["iris-r1"] * 3
    assert rolling.record()["marks"][2]["quarantined"]


def test_nothing_rolls_while_a_target_lacks_the_artifact(rolling: World) -> None:
    deploy(rolling, "one")
    before = rolling.objects()
    rolling.write_model("two")
    machine = rolling.start()
    machine.stores["gcp"].down = True
    with pytest.raises((RolloutError, ProviderError)):
        machine.deploy()
    assert rolling.objects() == before


@pytest.mark.parametrize("back", [True, False])
def test_one_strategy_follows_the_other_side_by_side(world: World, back: bool) -> None:
    deploy(world, "one")
    world.write_spec(("{soak: 5s}", "{type: rolling, soak: 5s}"))
    deploy(world, "two")
    assert world.workloads("aws") == ["iris"]
    assert world.at_rest("aws") == ["iris-r1"]
    if back:
        assert world.start().roll_back().release == 1
        assert world.workloads("aws") == ["iris-r1"]
        return
    world.write_spec()
    deploy(world, "three")
    assert world.workloads("aws") == ["iris-r3"]
    assert world.at_rest("aws") == ["iris", "iris-r1"]
    assert world.start().roll_back().release == 2
    assert (world.workloads("aws"), world.selected("aws")) == (["iris"], "iris-r2")
