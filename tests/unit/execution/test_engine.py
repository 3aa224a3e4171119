"""What becomes of the others when one target fails, phase by phase."""

from collections.abc import Callable
from typing import Any

import pytest

from deployer.errors import AccessDeniedError, RolloutError, TransientError
from deployer.ports import Readiness, Verdict
from deployer.providers.local.cluster_faults import ClusterFault
from deployer.providers.local.faults import Fault

World = Any
Machine = Any
TARGETS = ("aws", "azure", "gcp")
CRASHING = Readiness(Verdict.FAILED, 1, 1, "CrashLoopBackOff")


def denied() -> AccessDeniedError:
    return AccessDeniedError("azure: not allowed", operation="write", resource="iris")


def fail_push(machine: Machine) -> None:
    fault = Fault(method="put_file", prefix="artifacts/", error=AccessDeniedError)
    machine.stores["azure"].add_fault(fault)


def fail_apply(machine: Machine) -> None:
    machine.clusters["azure"].faults.append(ClusterFault("apply", denied, name="iris-r2"))


def fail_wait(machine: Machine) -> None:
    machine.world.clusters["azure"].script_readiness("iris-r2", CRASHING)


def never_ready(machine: Machine) -> None:
    machine.world.clusters["azure"].script_readiness(
        "iris-r2", Readiness(Verdict.PROGRESSING, 0, 1)
    )


def fail_smoke(machine: Machine) -> None:
    machine.world.bad.add("azure/iris-r2")


def fail_shift(machine: Machine) -> None:
    skip_account = ClusterFault("apply", denied, name="iris", skip=1)
    machine.clusters["azure"].faults.append(skip_account)


def fail_route(machine: Machine) -> None:
    for store in machine.stores.values():
        store.add_fault(
            Fault(method="put", prefix="deployer/iris/routes.json", error=AccessDeniedError)
        )


def phase_of(machine: Machine) -> str:
    phases: list[str] = [event.phase for event in machine.events if event.kind == "phase"]
    return phases[-1]


def fail_soak(machine: Machine) -> None:
    def watch(where: str, method: str, _name: str) -> bool:
        if where == "cluster azure" and method == "readiness" and phase_of(machine) == "soak":
            machine.world.clusters["azure"].script_readiness("iris-r2", CRASHING)
        return False

    machine.dies_at = watch


def fail_retire(machine: Machine) -> None:
    machine.clusters["azure"].faults.append(ClusterFault("apply", denied, name="iris-r1"))


def lose_cluster(phase: str) -> Callable[[Machine], None]:
    """Let azure's cluster go away for good at the first look of a phase."""

    def lose(machine: Machine) -> None:
        def watch(where: str, method: str, _name: str) -> bool:
            if where == "cluster azure" and method == "readiness" and phase_of(machine) == phase:
                machine.clusters["azure"].faults.append(
                    ClusterFault("readiness", gone, name="iris-r2", times=-1)
                )
            return False

        machine.dies_at = watch

    return lose


def gone() -> TransientError:
    return TransientError("azure: no route to host", operation="readiness", resource="azure")


AT_AZURE = (
    fail_push,
    fail_apply,
    fail_wait,
    never_ready,
    fail_smoke,
    fail_shift,
    fail_soak,
    fail_retire,
)


def by_name(value: object) -> str | None:
    return getattr(value, "__qualname__", None)


@pytest.fixture
def asks(world: World, request: pytest.FixtureRequest) -> World:
    """Release 1 is live, and what may become of release 2 is what the parameter says."""
    world.start().deploy()
    world.write_spec(("gates:", f"outcome: {request.param}\ngates:"))
    world.write_model("two")
    return world


on_quorum = pytest.mark.parametrize("asks", ["{quorum: 2}"], indirect=True, ids=["quorum"])


@on_quorum
@pytest.mark.parametrize("fail", AT_AZURE, ids=by_name)
def test_a_quorum_goes_on_without_a_target_that_fails_and_that_keeps_what_it_had(
    asks: World, fail: Callable[[Machine], None]
) -> None:
    machine = asks.start()
    fail(machine)
    result = machine.deploy()
    assert (result.release, list(result.failed)) == (2, ["azure"])
    assert [asks.selected(name) for name in TARGETS] == ["iris-r2", "iris-r1", "iris-r2"]
    assert [asks.workloads(name) for name in TARGETS] == [["iris-r2"], ["iris-r1"], ["iris-r2"]]
    record = asks.record()
    assert (record["desired"], record["run"]) == (2, None)
    assert record["live"] == {"aws": 2, "azure": 1, "gcp": 2}
    assert [(b.target, b.release, b.weight) for b in record["routes"]] == [
        ("aws", 2, 100),
        ("azure", 1, 100),
        ("gcp", 2, 100),
    ]
    assert record["marks"][2]["verified"]
    assert not record["marks"][2]["quarantined"]
    asks.bad.clear()
    asks.clusters["azure"].script_readiness("iris-r2")
    assert asks.start().deploy().release == 2
    assert [asks.workloads(name) for name in TARGETS] == [["iris-r2"]] * 3
    assert asks.start().deploy() is None


@on_quorum
def test_what_cannot_be_taken_back_gets_no_traffic_and_is_named(asks: World) -> None:
    machine = asks.start()

    def lose(where: str, method: str, name: str) -> bool:
        if (where, method, name) == ("cluster azure", "readiness", "iris-r2"):
            machine.clusters["azure"].down = True
        return False

    machine.dies_at = lose
    result = machine.deploy()
    assert "it could not be taken back" in result.failed["azure"].message
    record = asks.record()
    assert record["live"] == {"aws": 2, "azure": 1, "gcp": 2}
    assert {b.target: b.weight for b in record["routes"]} == {"aws": 100, "azure": 0, "gcp": 100}
    assert asks.start().deploy().release == 2
    assert {b.target: b.weight for b in asks.record()["routes"]} == dict.fromkeys(TARGETS, 100)


@on_quorum
def test_a_target_that_is_away_from_the_start_does_not_stop_a_quorum(asks: World) -> None:
    machine = asks.start()
    machine.clusters["azure"].down = True
    plan = machine.plan()
    assert (plan.outcome, plan.may_fail) == ("quorum", 1)
    assert list(machine.deploy().failed) == ["azure"]
    assert asks.record()["live"] == {"aws": 2, "azure": 1, "gcp": 2}


@on_quorum
def test_less_than_the_quorum_is_undone_everywhere(asks: World) -> None:
    before = asks.objects()
    asks.bad.update({"azure/iris-r2", "gcp/iris-r2"})
    with pytest.raises(RolloutError, match="refused and undone") as caught:
        asks.start().deploy()
    assert caught.value.undone
    assert asks.objects() == before
    assert asks.record()["live"] == dict.fromkeys(TARGETS, 1)


@on_quorum
def test_more_targets_away_than_a_quorum_bears_changes_nothing(asks: World) -> None:
    machine = asks.start()
    machine.clusters["azure"].down = machine.clusters["gcp"].down = True
    with pytest.raises(RolloutError, match="2 of 3 must take the release"):
        machine.deploy()
    assert asks.record()["releases"] == [1]


@pytest.mark.parametrize("asks", ["keep-going"], indirect=True)
def test_keep_going_keeps_what_it_reached_and_fails_by_name(asks: World) -> None:
    asks.bad.update({"azure/iris-r2", "gcp/iris-r2"})
    with pytest.raises(RolloutError, match="release 2 is live on 1 of 3 targets, not on") as caught:
        asks.start().deploy()
    assert caught.value.undone
    assert asks.record()["live"] == {"aws": 2, "azure": 1, "gcp": 1}
    assert [asks.workloads(name) for name in TARGETS] == [["iris-r2"], ["iris-r1"], ["iris-r1"]]


@pytest.mark.parametrize("asks", ["keep-going"], indirect=True)
def test_keep_going_that_reached_nothing_is_undone(asks: World) -> None:
    asks.bad.add("iris-r2")
    with pytest.raises(RolloutError, match="refused and undone"):
        asks.start().deploy()
    assert asks.record()["live"] == dict.fromkeys(TARGETS, 1)


def test_a_first_release_on_a_quorum_leaves_nothing_where_it_failed(world: World) -> None:
    world.write_spec(("gates:", "outcome: {quorum: 2}\ngates:"))
    world.bad.add("azure/iris-r1")
    assert list(world.start().deploy().failed) == ["azure"]
    assert world.record()["live"] == {"aws": 1, "gcp": 1}
    assert not [name for name in world.objects() if name.startswith("azure")]


@pytest.mark.parametrize(
    ("fail", "to_blame"),
    [
        (fail_push, False),
        (fail_apply, False),
        (fail_wait, True),
        (never_ready, True),
        (fail_smoke, True),
        (fail_shift, False),
        (fail_route, False),
        (fail_soak, True),
        (fail_retire, False),
        (lose_cluster("stage"), False),
        (lose_cluster("soak"), False),
    ],
    ids=by_name,
)
def test_whatever_fails_on_one_target_is_undone_on_all(
    world: World, fail: Callable[[Machine], None], to_blame: bool
) -> None:
    world.start().deploy()
    before, routes = world.objects(), world.record()["routes"]
    world.write_model("two")
    machine = world.start()
    fail(machine)
    with pytest.raises(RolloutError, match="refused and undone") as caught:
        machine.deploy()
    assert caught.value.undone
    assert caught.value.release == 2
    assert world.objects() == before
    assert [world.selected(name) for name in TARGETS] == ["iris-r1"] * 3
    record = world.record()
    assert (record["desired"], record["live"], record["run"]) == (
        1,
        dict.fromkeys(TARGETS, 1),
        None,
    )
    assert record["routes"] == routes
    assert (record["marks"][2]["quarantined"] is not None) is to_blame
    assert record["marks"][2]["verdicts"]["run"].startswith("failed: ")
    assert ("it is quarantined" if to_blame else "not to blame") in str(caught.value.hint)


def test_what_was_not_to_blame_is_tried_again_under_its_number_and_cleared(world: World) -> None:
    machine = world.start()
    machine.clusters["azure"].faults.append(ClusterFault("apply", denied))
    with pytest.raises(RolloutError, match="nothing was serving before"):
        machine.deploy()
    assert world.record()["marks"][1]["verdicts"]["run"] == "failed: azure: not allowed"
    assert world.start().deploy().release == 1
    assert "run" not in world.record()["marks"][1]["verdicts"]


def test_a_target_that_was_never_reached_needs_no_undo(world: World) -> None:
    world.start().deploy()
    world.write_model("two")
    machine = world.start()

    def lose(where: str, method: str, _name: str) -> bool:
        if where == "store azure" and method == "put_file":
            machine.clusters["azure"].down = True
            raise denied()
        return False

    machine.dies_at = lose
    with pytest.raises(RolloutError, match="refused and undone") as caught:
        machine.deploy()
    assert caught.value.undone


def test_one_undo_that_fails_does_not_stop_the_others(world: World) -> None:
    world.start().deploy()
    world.write_model("two")
    machine = world.start()
    fail_soak(machine)
    machine.clusters["aws"].faults.append(ClusterFault("delete", denied, name="iris-r2"))
    with pytest.raises(RolloutError, match="not be undone everywhere: aws") as caught:
        machine.deploy()
    assert not caught.value.undone
    assert "The next deploy or rollback removes what is left" in str(caught.value.hint)
    assert [world.selected(name) for name in TARGETS] == ["iris-r1"] * 3
    assert world.workloads("aws") == ["iris-r1", "iris-r2"]
    assert world.workloads("gcp") == ["iris-r1"]
    assert world.record()["run"] is None
    world.write_model("three")
    assert world.start().deploy().release == 3
    assert world.workloads("aws") == ["iris-r3"]


def test_healing_that_fails_marks_nothing_and_keeps_what_serves(world: World) -> None:
    world.start().deploy()
    marks = world.record()["marks"]
    for info in list(world.disks["azure"].list("artifacts/")):
        world.disks["azure"].delete(info.key)
    machine = world.start()
    fail_push(machine)
    with pytest.raises(RolloutError, match="never stopped serving") as caught:
        machine.deploy()
    assert str(caught.value.hint).startswith("The same command puts it right")
    assert world.record()["marks"] == marks
    assert [world.selected(name) for name in TARGETS] == ["iris-r1"] * 3


def test_a_target_that_had_to_stop_is_told_as_stopped_and_not_as_failed(world: World) -> None:
    world.clusters["gcp"].script_readiness("iris-r1", Readiness(Verdict.PROGRESSING, 0, 1))
    machine = world.start()

    def fail_late(method: str, _name: str) -> None:
        if method == "readiness":
            while ("wait", "gcp") not in machine.told("begin"):
                world.clock.sleep(0)
            raise denied()

    machine.clusters["azure"].watch = fail_late
    with pytest.raises(RolloutError, match="azure: not allowed") as caught:
        machine.deploy()
    assert "another target" not in caught.value.message
    assert machine.told("failed") == [("wait", "azure")]
    assert ("wait", "gcp") in machine.told("stopped")
    detail = next(event.detail for event in machine.events if event.kind == "stopped")
    assert detail == "another target failed"


def test_a_journal_that_cannot_be_written_does_not_hide_the_failure(world: World) -> None:
    machine = world.start()
    fail_route(machine)
    refused: list[str] = []

    def refuse(_where: str, method: str, name: str) -> bool:
        if method == "put" and "/journal/" in name and machine.told("failed"):
            refused.append(name)
            if name == refused[0]:
                raise denied()
        return False

    machine.dies_at = refuse
    with pytest.raises(RolloutError, match=r"refused and undone; .*writing routes.json"):
        machine.deploy()


def test_a_shared_object_that_the_new_release_changed_is_put_back(world: World) -> None:
    world.start().deploy()
    before = world.objects()
    (world.folder / "account.yaml").write_text(
        "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: iris\n"
        "  annotations: {eks.amazonaws.com/role-arn: other}\n"
    )
    world.write_spec(("gates:", "patches: [account.yaml]\ngates:"))
    world.bad.add("iris-r2")
    with pytest.raises(RolloutError, match="refused and undone"):
        world.start().deploy()
    assert world.objects() == before


def test_a_moment_away_is_no_failure(world: World) -> None:
    machine = world.start()
    for name in TARGETS:
        for method in ("apply", "get", "readiness", "call", "delete"):
            machine.clusters[name].faults.append(
                ClusterFault(method, gone, lost=name == "gcp", skip=int(method == "get"))
            )
    assert machine.deploy().release == 1
