"""Stories of deploy and rollback on three clouds in memory."""

import threading
from typing import Any

import pytest

from deployer.errors import (
    AccessDeniedError,
    BudgetError,
    LeaseHeldError,
    PlanMovedError,
    RolloutError,
    SetupError,
    SpecError,
    StateError,
    TransientError,
)
from deployer.ports import ObjectRef, Readiness, Verdict
from deployer.providers.local.cluster_faults import ClusterFault
from deployer.providers.local.faults import Fault

World = Any
TARGETS = ("aws", "azure", "gcp")
PASSED = {"ready": "passed", "smoke": "passed: 2 of 2 answers as expected"}


def live_on_all(number: int) -> dict[str, int]:
    return dict.fromkeys(TARGETS, number)


def deploy_two(world: World) -> None:
    """Release 1 and release 2, both good; 2 is live."""
    world.start().deploy()
    world.write_model("two")
    world.start().deploy()


# deploy ---------------------------------------------------------------------------------------


def test_a_first_deploy_is_live_everywhere_and_recorded_as_verified(world: World) -> None:
    machine = world.start()
    result = machine.deploy()
    assert result.release == 1
    record = world.record()
    assert record["desired"] == 1
    assert record["live"] == live_on_all(1)
    assert record["run"] is None
    assert record["marks"][1]["verified"]
    assert record["marks"][1]["verdicts"] == PASSED
    assert [(b.target, b.release, b.weight) for b in record["routes"]] == [
        (name, 1, 100) for name in TARGETS
    ]
    assert all(world.selected(name) == "iris-r1" for name in TARGETS)


def test_the_same_deploy_again_has_nothing_to_do(world: World) -> None:
    world.start().deploy()
    assert world.start().plan().nothing_to_do
    assert world.start().deploy() is None
    assert world.state.list_releases() == [1]


def test_an_upgrade_never_leaves_a_target_without_a_ready_selected_workload(world: World) -> None:
    world.start().deploy()
    world.write_model("two")
    machine, seen = world.start(), set()

    def look(*_: str) -> bool:
        soaked = len([step for step, _ in machine.told("done") if step == "soak"]) == len(TARGETS)
        for name in TARGETS:
            seen.add(world.selected(name))
            assert soaked or "iris-r1" in world.workloads(name), "the old one went before the soak"
        return False

    machine.dies_at = look
    machine.deploy()
    assert seen == {"iris-r1", "iris-r2"}
    assert all(world.workloads(name) == ["iris-r2"] for name in TARGETS)


def test_what_somebody_deleted_is_put_back_under_the_same_number(world: World) -> None:
    world.start().deploy()
    before = world.objects()
    world.clusters["gcp"].delete(ObjectRef("apps/v1", "Deployment", "iris-r1"))
    assert world.start().deploy().release == 1
    assert world.objects() == before
    assert world.state.list_releases() == [1]


def test_a_store_that_came_back_empty_is_filled_again(world: World) -> None:
    world.start().deploy()
    disk = world.disks["azure"]
    for info in list(disk.list()):
        disk.delete(info.key)
    assert world.start().deploy().release == 1
    assert {info.key for info in disk.list("artifacts/")} == {
        info.key for info in world.disks["aws"].list("artifacts/")
    }
    assert [info.key for info in disk.list("deployer/iris/releases/")] == [
        "deployer/iris/releases/000001.json"
    ]


def test_a_release_whose_answers_are_wrong_is_undone_and_quarantined(world: World) -> None:
    world.start().deploy()
    before = world.objects()
    world.write_model("two")
    world.bad.add("iris-r2")
    world.clusters["aws"].script_logs("iris-r2", "loaded labels upside down")
    with pytest.raises(RolloutError, match="release 1 never stopped serving") as caught:
        world.start().deploy()
    assert caught.value.undone
    assert caught.value.hint is not None
    assert caught.value.hint.startswith(
        "Nothing of release 2 is running; it is quarantined. deployer history show 2 tells more."
    )
    assert world.objects() == before
    record = world.record()
    assert (record["desired"], record["live"]) == (1, live_on_all(1))
    assert "expected 0, got 7" in record["marks"][2]["quarantined"]
    assert record["marks"][2]["verdicts"]["run"].startswith("failed: ")


def test_the_last_words_of_a_pod_that_never_got_ready_are_passed_on(world: World) -> None:
    crashing = Readiness(Verdict.FAILED, 0, 1, "CrashLoopBackOff")
    world.clusters["azure"].script_readiness("iris-r1", crashing)
    world.clusters["azure"].script_logs("iris-r1", "no module named sklearn")
    with pytest.raises(RolloutError, match="nothing was serving before") as caught:
        world.start().deploy()
    assert "no module named sklearn" in str(caught.value.hint)
    assert world.objects() == {}


def test_a_quarantined_release_is_tried_again_only_when_asked_for_by_number(world: World) -> None:
    world.bad.add("iris-r1")
    with pytest.raises(RolloutError):
        world.start().deploy()
    with pytest.raises(RolloutError, match="quarantined"):
        world.start().deploy()
    assert world.start().deploy(quarantined=1).release == 2
    assert world.start().deploy() is None, "a live release is not refused for its past"


def test_either_number_of_what_was_quarantined_twice_will_do(world: World) -> None:
    world.bad.update({"iris-r1", "iris-r2"})
    with pytest.raises(RolloutError):
        world.start().deploy()
    with pytest.raises(RolloutError):
        world.start().deploy(quarantined=1)
    assert world.start().deploy(quarantined=2).release == 3


def test_a_target_that_is_away_is_refused_before_anything_is_touched(world: World) -> None:
    machine = world.start()
    machine.clusters["gcp"].down = True
    with pytest.raises(RolloutError, match="1 of 3 targets cannot be reached"):
        machine.deploy()
    assert world.objects() == {}
    assert world.state.list_releases() == []


def test_files_that_the_runtime_cannot_serve_are_refused_before_anything(world: World) -> None:
    (world.folder / "model" / "model.joblib").rename(world.folder / "model" / "model.onnx")
    machine = world.start()
    with pytest.raises(SpecError, match="not onnx"):
        machine.deploy()
    with pytest.raises(SpecError, match="not onnx"):
        machine.plan()
    assert world.state.read_lease() is None


def test_a_deploy_above_its_budget_is_refused_before_anything(world: World) -> None:
    world.write_spec(("gates: {smoke", "budget: {monthly: 5 USD, on_exceed: deny}\ngates: {smoke"))
    with pytest.raises(BudgetError, match=r"all targets: .* USD"):
        world.start().deploy()
    assert world.state.list_releases() == []
    assert world.workloads("aws") == []


def test_a_deploy_above_a_budget_that_only_warns_goes_on(world: World) -> None:
    world.write_spec(("gates: {smoke", "budget: {monthly: 5 USD}\ngates: {smoke"))
    assert [verdict.state for verdict in world.start().plan().budget] == ["exceeded"]
    result = world.start().deploy()
    assert result.release == 1


def test_an_estimate_in_part_has_not_been_shown_to_be_within_the_budget(world: World) -> None:
    world.write_spec(
        ("gates: {smoke", "budget: {monthly: 9999 USD, on_exceed: deny}\ngates: {smoke")
    )
    with pytest.raises(BudgetError, match="unknown") as caught:
        world.start().deploy()
    assert "has not been shown to be within it" in str(caught.value.hint)


def test_a_budget_never_keeps_anybody_from_going_back(world: World) -> None:
    deploy_two(world)
    world.write_spec(("gates: {smoke", "budget: {monthly: 5 USD, on_exceed: deny}\ngates: {smoke"))
    assert world.start().deploy() is None  # nothing to do costs nothing more
    assert world.start().roll_back().release == 1


def test_a_saved_plan_runs_as_it_was_shown(world: World) -> None:
    saved = world.start().plan()
    assert world.start().deploy(saved=saved).release == saved.release


def test_a_saved_plan_is_refused_when_the_record_has_moved(world: World) -> None:
    saved = world.start().plan()
    world.start().deploy()
    with pytest.raises(PlanMovedError, match="has changed since"):
        world.start().deploy(saved=saved)


def test_a_saved_plan_is_refused_when_an_object_has_moved(world: World) -> None:
    world.start().deploy()
    world.write_model("two")
    saved = world.start().plan()
    world.clusters["aws"].delete(ObjectRef("v1", "Service", "iris"))
    before = world.record()
    with pytest.raises(PlanMovedError, match="has changed since"):
        world.start().deploy(saved=saved)
    assert world.record() == before


def test_a_saved_plan_of_another_model_is_refused(world: World) -> None:
    saved = world.start().plan()
    world.write_model("two")
    with pytest.raises(PlanMovedError, match="another model or spec"):
        world.start().deploy(saved=saved)


def test_one_state_store_away_is_no_obstacle(world: World) -> None:
    """Its target has no part in the deployment: the store is there for the state alone."""
    world.drop_gcp()
    for step in ("one", "two"):
        machine = world.start()
        machine.stores["gcp"].down = True
        world.write_model(step)
        assert not machine.plan().nothing_to_do
        machine.deploy()
    machine = world.start()
    machine.stores["gcp"].down = True
    assert machine.roll_back().release == 1
    assert world.record()["live"] == {"aws": 1, "azure": 1}


def test_without_a_majority_a_run_stops_and_the_same_command_goes_on(world: World) -> None:
    world.start().deploy()
    world.write_model("two")
    machine = world.start()

    def lose_two(_where: str, method: str, name: str) -> bool:
        if (method, name) == ("readiness", "iris-r2"):
            machine.stores["aws"].down = machine.stores["gcp"].down = True
        return False

    machine.dies_at = lose_two
    with pytest.raises(StateError):
        machine.deploy()
    assert all(world.selected(name) == "iris-r1" for name in TARGETS)
    assert world.record()["run"].release == 2
    assert "could not be given back" in machine.events[-1].detail
    world.clock.advance(120)
    assert world.start().deploy().release == 2
    assert world.state.list_releases() == [1, 2]


def test_an_interrupted_run_gives_the_lease_back_and_can_be_gone_on_with(world: World) -> None:
    world.start().deploy()
    world.write_model("two")
    machine = world.start()
    pressed = threading.Event()

    def press(_where: str, method: str, name: str) -> bool:
        if (method, name) == ("readiness", "iris-r2") and not pressed.is_set():
            pressed.set()
            raise KeyboardInterrupt
        return False

    machine.dies_at = press
    with pytest.raises(KeyboardInterrupt):
        machine.deploy()
    lease = world.state.read_lease()
    assert lease is not None
    assert lease.released
    assert all(world.selected(name) == "iris-r1" for name in TARGETS)
    before = world.clock.monotonic()
    second = world.start()
    assert second.deploy().release == 2
    assert second.told("takeover") == [("", "")]
    assert world.clock.monotonic() - before < 120 / 3, "it waited for a lease that was given back"


def test_a_second_run_is_refused_while_the_first_is_at_work(world: World) -> None:
    first, second = world.start(), world.start()
    refused: list[str] = []

    def butt_in(where: str, method: str, name: str) -> bool:
        if (where, method, name) == ("cluster aws", "apply", "iris-r1") and not refused:
            refused.append("asked")

            def renew(_where: str, method: str, key: str) -> bool:
                if key.endswith("lease.json") and method == "get":
                    first.renew_lease()
                return False

            second.dies_at = renew
            with pytest.raises(LeaseHeldError):
                second.deploy()
        return False

    first.dies_at = butt_in
    assert first.deploy().release == 1
    assert refused


# rollback -------------------------------------------------------------------------------------


def test_a_rollback_restores_all_of_a_release_though_the_files_have_changed(world: World) -> None:
    world.start().deploy()
    before = world.objects()
    world.write_model("two")
    world.write_spec(("LOG_LEVEL: info", "LOG_LEVEL: debug"))
    world.start().deploy()
    world.write_model("three, not deployed")
    assert world.start().roll_back().release == 1
    assert before.items() <= world.objects().items()
    assert all(world.workloads(name) == ["iris-r1"] for name in TARGETS)
    record = world.record()
    assert record["desired"] == 1
    assert record["marks"][1]["verified"]
    assert "rolled back to release 1" in record["marks"][2]["quarantined"]


def test_the_same_rollback_twice_goes_back_once(world: World) -> None:
    deploy_two(world)
    world.write_model("three")
    world.start().deploy()
    assert world.start().roll_back().release == 2
    assert world.start().roll_back() is None
    assert world.record()["desired"] == 2
    assert world.start().roll_back(to=1).release == 1


def test_what_was_rolled_back_is_not_rolled_forward_again(world: World) -> None:
    deploy_two(world)
    world.start().roll_back()
    with pytest.raises(RolloutError, match="quarantined: rolled back to release 1"):
        world.start().deploy()


def test_a_target_that_is_away_does_not_stop_a_rollback_and_is_healed_later(world: World) -> None:
    deploy_two(world)
    machine = world.start()
    machine.clusters["gcp"].down = True
    with pytest.raises(RolloutError, match="back on 2 of 3 targets, not on gcp") as caught:
        machine.roll_back()
    assert not caught.value.undone
    record = world.record()
    assert record["live"] == {"aws": 1, "azure": 1, "gcp": 2}
    assert {b.target: (b.release, b.weight) for b in record["routes"]} == {
        "aws": (1, 100),
        "azure": (1, 100),
        "gcp": (2, 0),
    }
    assert world.start().roll_back().release == 1
    record = world.record()
    assert record["live"] == live_on_all(1)
    assert {b.weight for b in record["routes"]} == {100}
    assert world.workloads("gcp") == ["iris-r1"]


def test_a_rollback_that_fails_everywhere_leaves_the_traffic_where_it_is(world: World) -> None:
    deploy_two(world)
    machine = world.start()
    for cluster in machine.clusters.values():
        cluster.down = True
    with pytest.raises(RolloutError, match="back on 0 of 3 targets"):
        machine.roll_back()
    record = world.record()
    assert record["live"] == live_on_all(2)
    assert [(b.release, b.weight) for b in record["routes"]] == [(2, 100)] * 3
    assert world.start().roll_back().release == 1
    assert world.record()["live"] == live_on_all(1)


def test_a_target_whose_own_store_is_away_is_rolled_back_all_the_same(world: World) -> None:
    deploy_two(world)
    machine = world.start()
    machine.stores["azure"].down = True
    assert machine.roll_back().release == 1
    assert world.record()["live"] == live_on_all(1)
    assert world.selected("azure") == "iris-r1"
    assert all(world.workloads(name) == ["iris-r1"] for name in TARGETS), "the bad one is retired"


def test_an_artifact_that_a_store_has_lost_is_brought_from_another(world: World) -> None:
    deploy_two(world)
    disk = world.disks["azure"]
    for info in list(disk.list("artifacts/")):
        disk.delete(info.key)
    machine = world.start()
    assert machine.roll_back().release == 1
    details = [e.detail for e in machine.events if (e.kind, e.step) == ("done", "push")]
    assert any(text.startswith("brought from s3://models-aws, verified; ") for text in details)
    assert list(disk.list("artifacts/"))


def test_an_artifact_that_no_store_has_any_more_is_named(world: World) -> None:
    deploy_two(world)
    for disk in world.disks.values():
        for info in list(disk.list("artifacts/")):
            disk.delete(info.key)
    with pytest.raises(RolloutError, match="no store that answers has the artifact of release 1"):
        world.start().roll_back()
    assert world.record()["live"] == live_on_all(2)


def test_an_artifact_that_no_store_has_while_ones_own_is_away_is_named(world: World) -> None:
    deploy_two(world)
    for name in ("aws", "gcp"):
        for info in list(world.disks[name].list("artifacts/")):
            world.disks[name].delete(info.key)
    machine = world.start()
    machine.stores["azure"].down = True
    with pytest.raises(RolloutError, match="azure: its store does not answer, and no other"):
        machine.roll_back()


def test_a_target_that_the_spec_no_longer_has_is_left_as_it_is(world: World) -> None:
    deploy_two(world)
    world.drop_gcp()
    assert world.start().roll_back().release == 1
    assert world.record()["live"] == {"aws": 1, "azure": 1, "gcp": 2}
    assert world.selected("gcp") == "iris-r2"


def test_a_rollback_whose_record_cannot_be_written_is_gone_on_with(world: World) -> None:
    deploy_two(world)
    machine = world.start()
    for store in machine.stores.values():
        store.add_fault(
            Fault(method="put", prefix="deployer/iris/routes.json", error=AccessDeniedError)
        )
    with pytest.raises(SetupError, match=r"writing routes\.json"):
        machine.roll_back()
    assert world.record()["run"].kind == "rollback"
    assert world.start().roll_back().release == 1
    assert world.record()["live"] == live_on_all(1)


def test_weight_is_never_taken_from_the_last_target_that_has_any(world: World) -> None:
    world.write_spec(("gates:", "routing: {weights: {aws: 100, azure: 0, gcp: 0}}\ngates:"))
    deploy_two(world)
    machine = world.start()
    machine.clusters["aws"].down = True
    with pytest.raises(RolloutError, match="not on aws"):
        machine.roll_back()
    assert {b.target: b.weight for b in world.record()["routes"]} == {
        "aws": 100,
        "azure": 0,
        "gcp": 0,
    }


def test_pods_without_a_log_leave_the_error_as_it_is(world: World) -> None:
    crashing = Readiness(Verdict.FAILED, 0, 1, "CrashLoopBackOff")
    world.clusters["azure"].script_readiness("iris-r1", crashing)
    machine = world.start()
    away = ClusterFault(
        "explain", lambda: TransientError("gone", operation="explain", resource="iris")
    )
    machine.clusters["azure"].faults.append(away)
    with pytest.raises(RolloutError, match="CrashLoopBackOff") as caught:
        machine.deploy()
    assert "log lines" not in str(caught.value.hint)


def test_verdicts_that_differ_are_recorded_by_target(world: World) -> None:
    world.write_spec(("requests: examples.json", "requests: examples.json, agree: 0.5"))
    world.bad.add("azure/iris-r1")
    world.write_requests(
        [
            {
                "inputs": [[1]],
                "expect": [{"name": "p", "data": [0, 1]}, {"name": "p", "data": [7, 7]}],
            }
        ]
    )
    world.start().deploy()
    assert world.record()["marks"][1]["verdicts"] == {
        "ready": "passed",
        "smoke": "passed: 2 of 4 answers as expected",
    }
    world.write_requests([{"inputs": [[1]], "expect": [{"name": "p", "data": [7, 7]}]}])
    world.write_spec(("requests: examples.json", "requests: examples.json, agree: 0.0"))
    world.bad.add("azure/iris-r2")
    world.start().deploy()
    assert world.record()["marks"][2]["verdicts"] == {
        "ready": "passed",
        "smoke aws": "passed: 0 of 2 answers as expected",
        "smoke azure": "passed: 2 of 2 answers as expected",
        "smoke gcp": "passed: 0 of 2 answers as expected",
    }


def test_there_is_nothing_to_go_back_to_before_the_second_release(world: World) -> None:
    with pytest.raises(RolloutError, match="no earlier release"):
        world.start().roll_back()
    world.start().deploy()
    with pytest.raises(RolloutError, match="no earlier release"):
        world.start().roll_back()


def test_after_a_deploy_that_could_not_be_undone_a_rollback_finishes_the_undo(
    world: World,
) -> None:
    deploy_two(world)
    world.write_model("three")
    world.clusters["aws"].script_readiness(
        "iris-r3",
        *[Readiness(Verdict.READY, 1, 1)] * 6,  # while it has to stay ready
        Readiness(Verdict.FAILED, 1, 1, "crash loop"),
    )
    machine = world.start()

    def lose_gcp(_where: str, method: str, name: str) -> bool:
        if (method, name) == ("put", "deployer/iris/routes.json"):
            machine.clusters["gcp"].down = True
        return False

    machine.dies_at = lose_gcp
    with pytest.raises(RolloutError, match="could not be undone everywhere: gcp") as caught:
        machine.deploy()
    assert not caught.value.undone
    assert world.record()["live"] == {"aws": 2, "azure": 2, "gcp": 3}
    assert [world.selected(name) for name in TARGETS] == ["iris-r2", "iris-r2", "iris-r3"]
    assert world.start().roll_back().release == 2
    assert world.record()["live"] == live_on_all(2)
    assert world.workloads("gcp") == ["iris-r2"]


def test_a_number_that_only_one_store_knows_is_not_given_again(world: World) -> None:
    world.start().deploy()
    world.write_model("two")
    machine = world.start()
    for name in ("aws", "gcp"):
        machine.stores[name].add_fault(Fault(method="put", prefix="deployer/iris/releases/"))
    with pytest.raises(StateError):
        machine.deploy()
    world.clock.advance(60)
    assert world.state.list_releases() == [1, 2]
    world.write_model("three")
    assert world.start().plan().release == 3
    assert world.start().deploy().release == 3
    assert world.state.list_releases() == [1, 2, 3]
