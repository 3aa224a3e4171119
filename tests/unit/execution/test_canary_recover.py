"""G1 of a canary: killed at any line of the journal, the next command leaves no part of it over."""

from collections.abc import Callable
from typing import Any

import pytest

from deployer.errors import RolloutError
from deployer.ports import Readiness, Verdict

World = Any
READY = Readiness(Verdict.READY, 2, 2)
LEASE_SECONDS = 24.0
FIRST, LAST = 10, 32
"""Lines of the journal: the canary's first, on one target, and the run's; a test makes sure."""

DONE = {"open": 11, "canary 5 %": 13, "hold 5 %": 15, "canary 50 %": 17, "hold 50 %": 19}
"""At which line each phase of it is done."""


@pytest.fixture
def canary(world: World) -> World:
    """One target, two more stores for the state, release 1 live and the files of release 2."""
    strategy = ("{soak: 5s}", "{type: canary, steps: [5, 50], hold: 1s, soak: 1s}")
    text = world.folder / "deployer.yaml"
    world.drop_gcp(("lease: 120s", f"lease: {LEASE_SECONDS}s"), strategy)
    lines = text.read_text().split("  - name: azure")
    text.write_text(lines[0] + lines[1][lines[1].index("strategy:") :])
    world.start().deploy()
    world.write_model("two")
    return world


def journal(world: World) -> set[str]:
    keys = (disk.list("deployer/iris/journal/") for disk in world.disks.values())
    return {info.key for infos in keys for info in infos}


def kill_at(
    world: World,
    line: int,
    killed: type[BaseException],
    watch: Callable[[str, str, str], bool] = lambda *_: False,
) -> None:
    """Before the journal's line of this number reaches any store."""
    machine, seen = world.start(), list[str]()

    def dies(where: str, method: str, name: str) -> bool:
        watch(where, method, name)
        if method == "put" and "/journal/" in name and name not in seen:
            seen.append(name)
        return len(seen) == line

    machine.dies_at = dies
    with pytest.raises(killed):
        machine.deploy()
    world.clock.advance(LEASE_SECONDS)


def shares(world: World) -> list[tuple[int, int]]:
    return [(it.release, it.share) for it in world.state.read_routes().backends]


def names(world: World) -> set[str]:
    return {name.removeprefix("aws: ") for name in world.objects() if "canary" in name}


def told(machine: Any, kind: str = "done") -> list[str]:
    """The phases of a canary of which something was told."""
    phases = [event.phase for event in machine.events if event.kind == kind]
    return [phase for phase in phases if phase == "open" or "%" in phase]


def assert_it_serves(world: World, release: int) -> None:
    record = world.record()
    assert (record["run"], record["desired"], record["live"]) == (None, release, {"aws": release})
    assert record["marks"][release]["verified"]
    assert shares(world) == [(release, 1000)]
    assert world.selected("aws") == f"iris-r{release}"
    assert world.workloads("aws") == [f"iris-r{release}"]
    assert names(world) == set()


def test_a_canary_has_as_many_lines_as_are_tried(canary: World) -> None:
    before = len(journal(canary))
    machine = canary.start()
    machine.deploy()
    assert len(journal(canary)) - before == LAST
    assert told(machine) == list(DONE)


@pytest.mark.parametrize("line", range(FIRST, LAST + 1))
def test_killed_at_any_line_of_a_canary_the_same_command_goes_on_with_it(
    canary: World, killed: type[BaseException], line: int
) -> None:
    kill_at(canary, line, killed)
    machine = canary.start()
    machine.deploy()
    assert_it_serves(canary, 2)
    assert canary.state.list_releases() == [1, 2]
    assert told(machine) == [phase for phase, done in DONE.items() if done >= line]


@pytest.mark.parametrize("line", [13, 17, 21, 30])
def test_killed_at_any_line_of_a_canary_a_rollback_takes_it_back(
    canary: World, killed: type[BaseException], line: int
) -> None:
    before = canary.objects()
    kill_at(canary, line, killed)
    canary.start().roll_back()
    assert_it_serves(canary, 1)
    assert canary.objects() == before
    assert canary.record()["marks"][2]["quarantined"] is None


@pytest.mark.parametrize("line", [15, 24])
def test_a_deploy_over_an_abandoned_canary_begins_with_its_undo(
    canary: World, killed: type[BaseException], line: int
) -> None:
    kill_at(canary, line, killed)
    canary.write_model("three")
    machine = canary.start()
    machine.deploy()
    assert_it_serves(canary, 3)
    assert told(machine) == list(DONE)


def test_what_refused_a_canary_refuses_it_when_the_process_died_before_it_could_act(
    canary: World, killed: type[BaseException]
) -> None:
    trouble = Readiness(Verdict.PROGRESSING, 0, 2, "a pod crashed")

    def break_pods(_where: str, method: str, name: str) -> bool:
        if (method, name) == ("put", "deployer/iris/routes.json"):
            canary.clusters["aws"].script_readiness("iris-r2", READY, trouble)
        return False

    kill_at(canary, DONE["hold 5 %"] + 1, killed, break_pods)
    assert shares(canary) == [(1, 950), (2, 50)]
    canary.clusters["aws"].script_readiness("iris-r2")
    with pytest.raises(RolloutError, match="did not stay ready: a pod crashed"):
        canary.start().deploy()
    assert_it_serves(canary, 1)
    assert "a pod crashed" in canary.record()["marks"][2]["quarantined"]
