from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from deployer.cost.estimate import TargetEstimate
from deployer.errors import RolloutError
from deployer.plan import Plan, build_rollback, fingerprint_of
from deployer.plan.model import Apply, Finish, Rest, Retire, Route
from deployer.ports import ObjectRef
from deployer.release.records import Bundle, Head
from deployer.snapshot import Snapshot

World = Any
Look = Callable[[], Snapshot]
MakePlan = Callable[..., Plan]
TARGETS = ("aws", "azure", "gcp")


def head_of(snapshot: Snapshot) -> Head:
    assert snapshot.head is not None
    return snapshot.head


def newest_of(snapshot: Snapshot) -> Bundle:
    assert snapshot.newest is not None
    return snapshot.newest


def with_head(snapshot: Snapshot, **changes: Any) -> Snapshot:
    return replace(snapshot, head=head_of(snapshot).model_copy(update=changes))


def mark(snapshot: Snapshot, number: int, **changes: Any) -> Snapshot:
    marks = dict(head_of(snapshot).marks)
    marks[number] = head_of(snapshot).mark(number).model_copy(update=changes)
    return with_head(snapshot, marks=marks)


def finish_of(plan: Plan) -> Finish:
    [step] = plan.phases[-1].steps
    assert isinstance(step, Finish)
    return step


def ops(plan: Plan, target: str) -> dict[str, str]:
    found = next(each for each in plan.targets if each.target == target)
    return {f"{change.kind}/{change.name}": change.op for change in found.changes}


# deploy ---------------------------------------------------------------------------------------


def test_a_first_release_creates_everything_and_has_nothing_to_go_back_to(plan: MakePlan) -> None:
    made = plan()
    assert (made.release, made.new, made.before, made.desired_before) == (1, True, {}, None)
    assert (made.outcome, made.may_fail) == ("all", 0)
    assert [phase.name for phase in made.phases] == [
        "stage", "shift", "route", "soak", "retire", "finish",
    ]  # fmt: skip
    assert [(step.kind, step.target) for step in made.phases[0].steps] == [
        (kind, name) for name in TARGETS for kind in ("push", "apply", "wait", "smoke")
    ]
    assert made.phases[4].steps == ()
    assert set(ops(made, "aws").values()) == {"create"}
    assert finish_of(made) == Finish(desired=1, live=dict.fromkeys(TARGETS, 1), verified=1)
    assert {target.upload_bytes for target in made.targets} == {3}


def test_what_is_live_everywhere_needs_nothing(world: World, plan: MakePlan) -> None:
    world.start().deploy()
    made = plan()
    assert made.nothing_to_do
    assert made.release == 1
    assert {target.upload_bytes for target in made.targets} == {0}
    assert set(ops(made, "gcp").values()) == {"keep"}


def test_other_content_is_the_next_release_and_the_old_one_is_retired(
    world: World, plan: MakePlan
) -> None:
    world.start().deploy()
    world.write_model("two")
    made = plan()
    assert (made.release, made.new, made.before) == (2, True, dict.fromkeys(TARGETS, 1))
    assert ops(made, "aws") == {
        "ServiceAccount/iris": "keep",
        "ConfigMap/iris-8c7a25ff": "keep",
        "NetworkPolicy/iris": "keep",
        "PodDisruptionBudget/iris-r2": "create",
        "Service/iris-r2": "create",
        "Deployment/iris-r2": "create",
        "Service/iris": "change",
        "Deployment/iris-r1": "scale",
    }
    assert made.phases[4].steps == tuple(Rest(target=name, release=1) for name in TARGETS)
    assert made.beside == dict.fromkeys(TARGETS, (1,))


def test_without_a_history_the_old_one_is_removed(world: World, plan: MakePlan) -> None:
    world.write_spec(("soak: 5s", "soak: 5s, history: 0"))
    world.start().deploy()
    world.write_model("two")
    steps = plan().phases[4].steps
    assert [step.target for step in steps] == list(TARGETS)
    for step in steps:
        assert isinstance(step, Retire)
        assert [(ref.kind, ref.name) for ref in step.objects] == [
            ("Deployment", "iris-r1"),
            ("PodDisruptionBudget", "iris-r1"),
            ("Service", "iris-r1"),
        ]


def test_a_release_that_rolls_is_put_where_the_old_one_is_once_every_target_has_the_artifact(
    world: World, plan: MakePlan
) -> None:
    world.write_spec(("{soak: 5s}", "{type: rolling, soak: 5s}"))
    first = plan()
    assert [phase.name for phase in first.phases][:2] == ["stage", "shift"]
    world.start().deploy()
    world.write_model("two")
    made = plan()
    assert [phase.name for phase in made.phases] == [
        "stage", "roll", "shift", "route", "soak", "retire", "finish",
    ]  # fmt: skip
    assert [(step.kind, step.target) for step in made.phases[0].steps] == [
        ("push", name) for name in TARGETS
    ]
    assert [(step.kind, step.target) for step in made.phases[1].steps] == [
        (kind, name) for name in TARGETS for kind in ("apply", "wait", "smoke")
    ]
    assert ops(made, "aws") == {
        "ServiceAccount/iris": "keep",
        "ConfigMap/iris-8c7a25ff": "keep",
        "NetworkPolicy/iris": "keep",
        "PodDisruptionBudget/iris": "keep",
        "Service/iris-r2": "create",
        "Deployment/iris": "change",
        "Service/iris": "keep",
        "Service/iris-r1": "delete",
    }
    assert made.beside == dict.fromkeys(TARGETS, ())


@pytest.mark.parametrize("what", ["object", "artifact", "unfinished run", "live elsewhere"])
def test_the_same_content_heals_what_is_not_as_it_should_be(
    world: World, look: Look, plan: MakePlan, what: str
) -> None:
    world.start().deploy()
    snapshot = look()
    azure = snapshot.targets["azure"]
    damaged = {
        "object": lambda: replace(azure, live=azure.live[1:]),
        "artifact": lambda: replace(azure, artifact_present=False),
    }
    if what in damaged:
        snapshot = replace(snapshot, targets={**snapshot.targets, "azure": damaged[what]()})
    elif what == "live elsewhere":
        snapshot = with_head(snapshot, live={"aws": 1, "gcp": 1})
    else:
        world.write_model("two")
        machine = world.start()
        machine.dies_at = lambda _where, method, _name: method == "readiness"
        with pytest.raises(BaseException):  # noqa: B017, PT011 - the process was killed
            machine.deploy()
        world.write_model("one")
        snapshot = look()
    made = plan(snapshot)
    assert not made.nothing_to_do
    assert (made.release, made.new) == (1, False)
    assert finish_of(made).verified == 1


def test_an_unjudged_newest_release_of_the_same_content_keeps_its_number(
    world: World, look: Look, plan: MakePlan
) -> None:
    world.start().deploy()
    snapshot = look()
    unjudged = with_head(snapshot, desired=None, live={}, marks={})
    unjudged = replace(unjudged, desired=None)
    assert (plan(unjudged).release, plan(unjudged).new) == (1, False)
    nothing_yet = replace(unjudged, head=None)
    assert (plan(nothing_yet).release, plan(nothing_yet).new) == (1, False)
    judged = replace(with_head(snapshot, desired=None, live={}), desired=None)
    assert (plan(judged).release, plan(judged).new) == (2, True)


def test_quarantined_content_is_refused_unless_it_is_asked_for_by_number(
    world: World, look: Look, plan: MakePlan
) -> None:
    world.start().deploy()
    snapshot = replace(mark(look(), 1, quarantined="bad answers"), desired=None)
    with pytest.raises(
        RolloutError, match="release 1 of iris, which is quarantined: bad answers"
    ) as e:
        plan(snapshot)
    assert e.value.hint is not None
    assert "--quarantined 1" in e.value.hint
    assert plan(snapshot, quarantined=1).release == 2
    with pytest.raises(RolloutError):
        plan(snapshot, quarantined=7)


def test_a_target_that_was_not_read_is_shown_as_unknown_and_never_as_free(
    world: World, look: Look, plan: MakePlan
) -> None:
    world.start().deploy()
    snapshot = look()
    gone = replace(snapshot.targets["aws"], unknown="no route to host")
    targets = {"aws": gone, "gcp": snapshot.targets["gcp"]}
    made = plan(replace(snapshot, targets=targets))
    assert not made.nothing_to_do
    assert [(t.target, t.unknown) for t in made.targets] == [
        ("aws", "no route to host"),
        ("azure", "it was not asked"),
        ("gcp", ""),
    ]
    assert made.cost is not None
    assert made.cost.partial
    assert [t.weight_before for t in made.targets] == [100, 100, 100]
    assert {
        step.target for phase in made.phases for step in phase.steps if isinstance(step, Apply)
    } == set(TARGETS)


def test_weights_are_those_of_the_spec_and_equal_without(world: World, plan: MakePlan) -> None:
    assert [target.weight_after for target in plan().targets] == [100, 100, 100]
    weights = "routing: {weights: {aws: 60, azure: 40, gcp: 0}}\ngates:"
    world.write_spec(("gates:", weights))
    made = plan()
    assert [target.weight_after for target in made.targets] == [60, 40, 0]
    assert [target.weight_before for target in made.targets] == [0, 0, 0]


def priced(made: Plan) -> list[TargetEstimate]:
    assert made.cost is not None
    return [change.after for change in made.cost.targets if change.after]


def test_a_price_is_known_by_its_book_or_unknown_with_a_reason(look: Look, plan: MakePlan) -> None:
    aws, azure, gcp = priced(plan())
    assert {c.name: c.monthly and c.monthly.amount for c in aws.bill}["machines"] == Decimal(
        "140.16"
    )
    assert Decimal("0.192") * 730 == Decimal("140.16")
    assert azure.bill[0].monthly is None
    assert "Standard_Made_Up" in azure.bill[0].unknown
    assert gcp.bill[0].unknown == "no machine type is given"
    snapshot = look()
    unpriced = {name: replace(target, prices=()) for name, target in snapshot.targets.items()}
    (aws, *_) = priced(plan(replace(snapshot, targets=unpriced)))
    assert aws.bill[0].unknown == "no price of it came with release 1"


# rollback -------------------------------------------------------------------------------------


def test_a_rollback_brings_the_recorded_objects_back_and_quarantines(
    world: World, look: Look
) -> None:
    world.start().deploy()
    world.write_model("two")
    world.start().deploy()
    first = world.state.read_release(1)
    made = build_rollback(first, look())
    assert (made.kind, made.may_fail, made.new, made.release) == ("rollback", None, False, 1)
    assert made.bundle == first
    finish = finish_of(made)
    assert (finish.desired, finish.verified, finish.live) == (1, 1, dict.fromkeys(TARGETS, 1))
    assert finish.quarantined[2].startswith("rolled back to release 1 by ")


def test_a_rollback_to_what_is_live_needs_nothing(world: World, look: Look) -> None:
    world.start().deploy()
    snapshot = look()
    assert build_rollback(newest_of(snapshot), snapshot).nothing_to_do


def test_a_rollback_that_goes_on_quarantines_nothing_twice(world: World, look: Look) -> None:
    world.start().deploy()
    snapshot = with_head(look(), live={"aws": 1})
    assert finish_of(build_rollback(newest_of(snapshot), snapshot)).quarantined == {}
    without_head = replace(snapshot, head=None)
    assert finish_of(build_rollback(newest_of(snapshot), without_head)).quarantined == {}


def test_a_rollback_touches_no_target_that_the_spec_has_lost(world: World, look: Look) -> None:
    world.start().deploy()
    bundle = newest_of(look())
    world.drop_gcp()
    snapshot = with_head(look(), live={"aws": 7, "azure": 7, "gcp": 7}, desired=7)
    made = build_rollback(bundle, snapshot)
    assert {s.target for p in made.phases for s in p.steps} == {"aws", "azure", ""}
    route = next(s for p in made.phases for s in p.steps if isinstance(s, Route))
    assert route.live == {"aws": 1, "azure": 1, "gcp": 7}
    with pytest.raises(RolloutError, match="ran on aws, azure, gcp; the spec has none of these"):
        build_rollback(bundle, replace(snapshot, targets={}))


# fingerprint ----------------------------------------------------------------------------------


def test_the_fingerprint_moves_when_an_object_the_record_or_a_store_does(
    world: World, look: Look
) -> None:
    world.start().deploy()
    snapshot = look()
    still = fingerprint_of(snapshot)
    aws = snapshot.targets["aws"]
    others = [
        replace(snapshot, head=None),
        with_head(snapshot, epoch=head_of(snapshot).epoch + 1),
        replace(snapshot, releases=(1, 2)),
        replace(snapshot, targets={**snapshot.targets, "aws": replace(aws, live=aws.live[1:])}),
        replace(snapshot, targets={**snapshot.targets, "aws": replace(aws, unknown="away")}),
        replace(
            snapshot, targets={**snapshot.targets, "aws": replace(aws, artifact_present=False)}
        ),
    ]
    assert still not in {fingerprint_of(other) for other in others}
    world.clusters["aws"].apply(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "iris"},
            "spec": {"ports": [{"port": 81}]},
        }
    )
    assert fingerprint_of(look()) != still


def test_the_fingerprint_stands_still_while_only_a_status_changes(world: World, look: Look) -> None:
    world.start().deploy()
    still = fingerprint_of(look())
    ref = ObjectRef("apps/v1", "Deployment", "iris-r1")
    readiness = world.clusters["aws"].readiness(ref)
    world.clusters["aws"].script_readiness("iris-r1", replace(readiness, ready=0))
    world.clock.advance(3600)
    assert fingerprint_of(look()) == still
