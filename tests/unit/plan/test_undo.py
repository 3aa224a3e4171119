from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deployer.plan import Plan, Reached, build_undo
from deployer.plan.model import Apply, Finish, Retire, Route, Shift
from deployer.release.records import Bundle

World = Any
TARGETS = ("aws", "azure", "gcp")
SOME = st.sets(st.sampled_from(TARGETS))


def undo(plan: Plan, *bundles: Bundle, applied: Any = TARGETS, shifted: Any = ()) -> Plan:
    return build_undo(
        plan,
        {bundle.number: bundle for bundle in bundles},
        reached=Reached(applied, shifted),
        verdict="failed: smoke",
        to_blame=True,
    )


def steps(plan: Plan, kind: type) -> list[Any]:
    return [step for phase in plan.phases for step in phase.steps if isinstance(step, kind)]


@pytest.fixture
def upgrade(world: World) -> tuple[Plan, Bundle]:
    """The plan from release 1 to release 2, and release 1."""
    world.start().deploy()
    world.write_model("two")
    return world.start().plan(), world.state.read_release(1)


def test_traffic_goes_back_before_anything_is_removed(upgrade: tuple[Plan, Bundle]) -> None:
    made = undo(*upgrade, shifted={"aws"})
    assert [phase.name for phase in made.phases] == ["restore", "route", "remove", "finish"]
    assert (made.kind, made.may_fail, made.new) == ("undo", None, False)


def test_only_targets_that_had_begun_to_shift_get_their_old_release_back(
    upgrade: tuple[Plan, Bundle],
) -> None:
    made = undo(*upgrade, shifted={"gcp"})
    assert [(s.kind, s.target) for s in made.phases[0].steps] == [
        ("apply", "gcp"),
        ("wait", "gcp"),
        ("shift", "gcp"),
    ]
    assert [s.release for s in (*steps(made, Apply), *steps(made, Shift))] == [1, 1]
    [route] = steps(made, Route)
    assert (route.release, route.live) == (1, dict.fromkeys(TARGETS, 1))


def test_without_a_shift_the_routes_are_left_alone(upgrade: tuple[Plan, Bundle]) -> None:
    made = undo(*upgrade)
    assert steps(made, Route) == steps(made, Shift) == steps(made, Apply) == []


def test_what_both_releases_share_is_kept(upgrade: tuple[Plan, Bundle]) -> None:
    for retire in steps(undo(*upgrade), Retire):
        assert [(ref.kind, ref.name) for ref in retire.objects] == [
            ("Deployment", "iris-r2"),
            ("Service", "iris-r2"),
            ("PodDisruptionBudget", "iris-r2"),
        ]


def test_a_shared_object_that_was_changed_is_applied_as_it_was(
    upgrade: tuple[Plan, Bundle],
) -> None:
    plan, before = upgrade
    part = plan.bundle.targets[0]
    account = next(item for item in part.objects if item["kind"] == "ServiceAccount")
    changed = {**account, "automountServiceAccountToken": True}
    objects = tuple(changed if item is account else item for item in part.objects)
    parts = (part.model_copy(update={"objects": objects}), *plan.bundle.targets[1:])
    bundle = plan.bundle.model_copy(update={"targets": parts})
    plan = plan.model_copy(update={"bundle": bundle})
    assert [(s.target, s.release) for s in steps(undo(plan, before), Apply)] == [("aws", 1)]
    assert steps(undo(plan, before, applied={"gcp"}), Apply) == []


def test_a_first_deploy_is_removed_whole_its_service_first(world: World) -> None:
    plan = world.start().plan()
    made = undo(plan, shifted=TARGETS)
    assert steps(made, Shift) == []
    [route] = steps(made, Route)
    assert (route.release, route.live) == (0, {})
    [first, *_] = steps(made, Retire)
    part = plan.bundle.targets[0]
    assert len(first.objects) == len(part.objects) + 1
    assert (first.objects[-1].kind, first.objects[-1].name) == ("Service", "iris")
    [finish] = steps(made, Finish)
    assert (finish.desired, finish.live, finish.quarantined) == (None, {}, {1: "failed: smoke"})


def test_a_release_that_was_live_is_neither_removed_nor_marked(world: World) -> None:
    world.start().deploy()
    disk = world.disks["aws"]
    for info in list(disk.list("artifacts/")):
        disk.delete(info.key)
    made = undo(world.start().plan(), world.state.read_release(1))
    assert steps(made, Retire) == []
    [finish] = steps(made, Finish)
    assert (finish.quarantined, finish.undone) == ({}, {})


def test_without_blame_there_is_no_quarantine_but_a_verdict(upgrade: tuple[Plan, Bundle]) -> None:
    plan, before = upgrade
    made = build_undo(
        plan, {1: before}, reached=Reached((), ()), verdict="failed: away", to_blame=False
    )
    [finish] = steps(made, Finish)
    assert (finish.quarantined, finish.undone) == ({}, {2: "failed: away"})


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(applied=SOME, shifted=SOME)
def test_however_far_it_came_the_undo_touches_what_was_reached_and_restores_the_record(
    upgrade: tuple[Plan, Bundle], applied: set[str], shifted: set[str]
) -> None:
    made = undo(*upgrade, applied=applied | shifted, shifted=shifted)
    touched = {step.target for phase in made.phases for step in phase.steps} - {""}
    assert touched == applied | shifted
    assert {step.target for step in steps(made, Shift)} == shifted
    [finish] = steps(made, Finish)
    assert (finish.desired, finish.live) == (1, upgrade[0].before)
