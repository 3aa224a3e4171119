"""A release is judged by its answers on every target, before any of them gets traffic."""

from collections.abc import Callable
from typing import Any

import pytest

from deployer.errors import RolloutError, TransientError
from deployer.providers.local.cluster_faults import ClusterFault

World = Any
Machine = Any
TARGETS = ("aws", "azure", "gcp")
GATES = "gates: {smoke: {requests: examples.json}"
EVALUATE = "evaluate: {dataset: holdout.csv, thresholds: {f1_macro: 0.9}}"
PARITY = "parity: {}"
ROWS = [(-2.0, 0), (-1.0, 0), (1.0, 1), (2.0, 1)]


@pytest.fixture
def judged(world: World) -> Callable[..., World]:
    """Three clouds and a model that is right: positive is 1; the gates are those named."""

    def make(*gates: str, model: Callable[..., Any] = right) -> World:
        lines = [f"{value},{label}" for value, label in ROWS]
        (world.folder / "holdout.csv").write_text("\n".join(["x,label", *lines]) + "\n")
        world.write_spec((GATES, ", ".join([GATES, *gates])))
        world.predict = model
        return world

    return make


def right(_target: str, _release: str, row: list[float]) -> int:
    return int(row[0] > 0)


def wrong_when(wrong: Callable[[str, str], bool]) -> Callable[..., int]:
    """Swap the classes there."""
    return lambda target, release, row: right("", "", row) ^ wrong(target, release)


def upgrade(world: World) -> Machine:
    """Put release 1 live, then bring a second model."""
    world.start().deploy()
    world.write_model("two")
    return world.start()


def refuse(machine: Machine) -> str:
    with pytest.raises(RolloutError, match="refused and undone") as caught:
        machine.deploy()
    assert caught.value.undone
    return caught.value.message


def assert_untouched(machine: Machine) -> None:
    assert machine.told("begin").count(("shift", "aws")) == 0
    assert [machine.world.selected(name) for name in TARGETS] == ["iris-r1"] * 3
    assert machine.world.record()["live"] == dict.fromkeys(TARGETS, 1)


def test_what_the_gates_found_is_recorded_with_the_release(judged: Callable[..., World]) -> None:
    world = judged(EVALUATE, PARITY)
    machine = world.start()
    machine.deploy()
    verdicts = world.record()["marks"][1]["verdicts"]
    assert verdicts["evaluate"] == "passed: f1_macro 1.0000 (at least 0.9), on 4 rows"
    assert verdicts["parity azure"] == "passed: 5 of 5 answers as on aws"
    assert verdicts["parity aws"] == "passed: 5 answers; the other targets are compared with these"
    gates = machine.state.read_release(1).gates
    assert gates.evaluate.holdout.labels == (0, 0, 1, 1), "the rows are kept with the release"
    told = machine.told("done")
    assert told.index(("parity", "gcp")) < told.index(("shift", "aws"))


def test_a_bad_version_is_refused_by_its_metric(judged: Callable[..., World]) -> None:
    world = judged(EVALUATE, model=wrong_when(lambda _, release: release == "iris-r2"))
    machine = upgrade(world)
    said = refuse(machine)
    assert "evaluate: release 2: f1_macro is 0.0000, below 0.9, on 4 rows; worst class: 0" in said
    assert_untouched(machine)
    assert "below 0.9" in world.record()["marks"][2]["quarantined"]


def test_one_target_with_swapped_classes_is_named_with_its_rows(
    judged: Callable[..., World],
) -> None:
    odd = wrong_when(lambda target, release: (target, release) == ("gcp", "iris-r2"))
    lenient = EVALUATE.replace("0.9", "0.0")
    machine = upgrade(judged(lenient, PARITY, model=odd))
    said = refuse(machine)
    assert "gcp: parity: release 2: 4 of 5 answers differ from aws's by more than 1e-06" in said
    assert "row 1: [0] there, [1] here; row 2: [0] there, [1] here; row 3" in said
    assert "also row 4" in said
    assert_untouched(machine)


def test_answers_may_differ_where_the_user_says_so(judged: Callable[..., World]) -> None:
    def noisy(target: str, _release: str, row: list[float]) -> float:
        return row[0] + (1e-4 if target == "azure" else 0.0)

    regression = "evaluate: {dataset: holdout.csv, task: regression, thresholds: {mae: 9}}"
    refuse_first = judged(regression, PARITY, model=noisy).start()
    with pytest.raises(RolloutError, match=r"azure: parity: .* 4 of 5 answers differ"):
        refuse_first.deploy()
    world = judged(regression, "parity: {tolerance: 0.001}", model=noisy)
    world.start().deploy()
    assert world.record()["live"] == dict.fromkeys(TARGETS, 2)


def test_without_a_holdout_set_the_example_requests_are_compared(
    judged: Callable[..., World],
) -> None:
    world = judged(PARITY)
    world.write_requests([{"inputs": [[1]]}])
    machine = upgrade(world)
    world.bad.add("azure/iris-r2")
    assert "azure: parity: release 2: 1 of 1 answers differ from aws's" in refuse(machine)
    assert_untouched(machine)


CHAMPION = "evaluate: {dataset: holdout.csv, champion: {accuracy: 0.2}}"


def test_a_version_worse_than_the_live_one_is_refused(judged: Callable[..., World]) -> None:
    def worse(_target: str, release: str, row: list[float]) -> int:
        return 0 if release == "iris-r2" else right("", "", row)

    machine = upgrade(judged(CHAMPION, model=worse))
    said = refuse(machine)
    assert "accuracy is 0.5000, and 1.0000 of release 1, at most 0.2 worse, on 4 rows" in said
    assert_untouched(machine)


def test_a_better_version_says_by_how_much(judged: Callable[..., World]) -> None:
    def better(_target: str, release: str, row: list[float]) -> int:
        return 0 if release == "iris-r1" else right("", "", row)

    world = judged(CHAMPION, model=better)
    upgrade(world).deploy()
    said = world.record()["marks"][2]["verdicts"]["evaluate"]
    assert "release 1 has accuracy 0.5000 (2 rows right only now, 0 only there, p = 0.500)" in said


def test_a_live_release_that_is_silent_is_not_compared_with_and_that_is_said(
    judged: Callable[..., World],
) -> None:
    world = judged(CHAMPION)
    machine = upgrade(world)
    for cluster in machine.clusters.values():
        cluster.faults.append(ClusterFault("call", silent, name="iris-r1", times=-1))
    machine.deploy()
    said = world.record()["marks"][2]["verdicts"]["evaluate"]
    assert "not compared with release 1, which could not be asked: no pod answers" in said


def silent() -> TransientError:
    return TransientError("no pod answers", operation="call", resource="iris-r1")


def test_a_release_that_answers_nonsense_is_to_blame(judged: Callable[..., World]) -> None:
    world = judged(
        EVALUATE.replace("f1_macro: 0.9", "mae: 1").replace("thr", "task: regression, thr")
    )
    world.predict = lambda *_: "much"
    with pytest.raises(RolloutError, match="the model answered 'much', which is no finite number"):
        world.start().deploy()


def test_a_rolling_release_is_put_back_when_targets_differ(judged: Callable[..., World]) -> None:
    odd = wrong_when(lambda target, release: (target, release) == ("azure", "iris-r2"))
    world = judged(EVALUATE.replace("0.9", "0.0"), PARITY, model=odd)
    text = (world.folder / "deployer.yaml").read_text()
    (world.folder / "deployer.yaml").write_text(
        text.replace("{soak: 5s}", "{type: rolling, soak: 1s}")
    )
    machine = upgrade(world)
    assert "azure: parity: release 2: 4 of 5" in refuse(machine)
    assert [world.running(name) for name in TARGETS] == [["iris-r1"]] * 3


def test_a_rollback_asks_no_hold_out_set_again(judged: Callable[..., World]) -> None:
    world = judged(EVALUATE, PARITY)
    upgrade(world).deploy()
    world.predict = lambda *_: 0
    machine = world.start()
    machine.roll_back()
    assert world.record()["live"] == dict.fromkeys(TARGETS, 1)
    assert not {step for step, _ in machine.told("begin")} & {"ask", "evaluate", "parity"}


@pytest.mark.parametrize("step", ["ask", "evaluate", "parity"])
def test_a_run_killed_at_a_gate_goes_on_and_judges_again(
    judged: Callable[..., World], killed: type[BaseException], step: str
) -> None:
    world = judged(EVALUATE, PARITY)
    machine = upgrade(world)

    def dies(_where: str, method: str, name: str) -> bool:
        return method == "put" and "/journal/" in name and (step, "gcp") in machine.told("begin")

    machine.dies_at = dies
    with pytest.raises(killed):
        machine.deploy()
    assert world.record()["live"] == dict.fromkeys(TARGETS, 1)
    world.clock.advance(120.0)
    again = world.start()
    again.deploy()
    assert ("parity", "gcp") in again.told("done")
    assert world.record()["live"] == dict.fromkeys(TARGETS, 2)
    assert "evaluate" in world.record()["marks"][2]["verdicts"]


def test_a_run_killed_at_a_gate_still_refuses_a_bad_version(
    judged: Callable[..., World], killed: type[BaseException]
) -> None:
    odd = wrong_when(lambda target, release: (target, release) == ("gcp", "iris-r2"))
    world = judged(EVALUATE.replace("0.9", "0.0"), PARITY, model=odd)
    machine = upgrade(world)
    machine.dies_at = lambda *_: ("ask", "gcp") in machine.told("done")
    with pytest.raises(killed):
        machine.deploy()
    world.clock.advance(120.0)
    again = world.start()
    assert "gcp: parity: release 2" in refuse(again)
    assert_untouched(again)


def test_regressions_are_compared_by_their_errors(judged: Callable[..., World]) -> None:
    def nearer(_target: str, release: str, row: list[float]) -> float:
        return row[0] + (2.0 if release == "iris-r1" else 0.25)

    gate = "evaluate: {dataset: holdout.csv, task: regression, champion: {mae: 0}}"
    world = judged(gate, model=nearer)
    upgrade(world).deploy()
    said = world.record()["marks"][2]["verdicts"]["evaluate"]
    assert "release 1 has mae 1.5000 (mae changes by -0.5000, -1." in said
