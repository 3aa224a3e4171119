"""G1: killed at any instant, the same command ends where an uninterrupted run would have."""

import itertools
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from deployer.errors import LeaseLostError, RolloutError
from deployer.execution.recover import find_unfinished

World = Any
Machine = Any
Dies = Callable[[str, str, str], bool]
TARGETS = ("aws", "azure")
ENTRIES = 34
"""Lines in the journal of an upgrade on two targets, by either strategy; a test makes sure."""

LEASE_SECONDS = 24.0


def on_each(blue_green: Iterable[int], rolling: Iterable[int]) -> pytest.MarkDecorator:
    """Try these numbers by each strategy."""
    tried = {"blue-green": blue_green, "rolling": rolling}
    pairs = [(strategy, number) for strategy, numbers in tried.items() for number in numbers]
    return pytest.mark.parametrize(("two", "number"), pairs, indirect=["two"])


@pytest.fixture
def two(world: World, request: pytest.FixtureRequest) -> World:
    """Two targets, a third store for the state, release 1 live and the files of release 2."""
    strategy = getattr(request, "param", "blue-green")
    shortly = ("{soak: 5s}", f"{{type: {strategy}, soak: 1s}}")
    world.drop_gcp(("lease: 120s", f"lease: {LEASE_SECONDS}s"), shortly)
    world.start().deploy()
    world.write_model("two")
    return world


def at_entry(number: int) -> Dies:
    """Before the journal's line of this number reaches any store."""
    seen: list[str] = []

    def dies(_where: str, method: str, name: str) -> bool:
        if method == "put" and "/journal/" in name and name not in seen:
            seen.append(name)
        return len(seen) == number

    return dies


def at_write(number: int) -> Dies:
    """Before the write of this number, to a store or a cluster: minorities are left behind."""
    count = itertools.count(1)
    writes = ("put", "put_file", "apply", "delete")
    return lambda _where, method, _name: method in writes and next(count) == number


def at_routes(_where: str, method: str, name: str) -> bool:
    return (method, name) == ("put", "deployer/iris/routes.json")


def kill(world: World, dies: Dies, killed: type[BaseException], run: str = "deploy") -> Machine:
    machine = world.start()
    machine.dies_at = dies
    with pytest.raises(killed):
        getattr(machine, run)()
    world.clock.advance(LEASE_SECONDS)
    return machine


def journal_length(world: World) -> int:
    """Count over all stores: a majority has each line at once, the last store a little later."""
    lists = [disk.list("deployer/iris/journal/") for disk in world.disks.values()]
    return len({info.key for infos in lists for info in infos})


def assert_all_is_as_after(world: World, release: int) -> None:
    record = world.record()
    assert record["run"] is None
    assert record["desired"] == release
    assert record["live"] == dict.fromkeys(TARGETS, release)
    assert [(b.target, b.release, b.weight) for b in record["routes"]] == [
        (name, release, 100) for name in TARGETS
    ]
    assert record["marks"][release]["verified"]
    assert record["marks"][release]["verdicts"] == {
        "ready": "passed",
        "smoke": "passed: 2 of 2 answers as expected",
    }
    for name in TARGETS:
        assert world.running(name) == [f"iris-r{release}"]
        assert world.selected(name) == f"iris-r{release}"


@pytest.mark.parametrize("two", ["blue-green", "rolling"], indirect=True)
def test_an_upgrade_has_as_many_lines_as_the_matrix_tries(two: World) -> None:
    before = journal_length(two)
    two.start().deploy()
    assert journal_length(two) - before == ENTRIES


@on_each(range(1, ENTRIES + 1), range(1, ENTRIES + 1))
def test_killed_at_any_line_of_the_journal_the_same_command_ends_the_same(
    two: World, killed: type[BaseException], number: int
) -> None:
    kill(two, at_entry(number), killed)
    lease = two.state.read_lease()
    assert lease is not None
    assert not lease.released, "it was no kill: the lease was given back"
    two.start().deploy()
    assert_all_is_as_after(two, 2)
    assert two.state.list_releases() == [1, 2], "a number was given twice"
    assert two.start().deploy() is None


@on_each(range(1, ENTRIES + 1, 3), range(5, ENTRIES - 8, 4))
def test_killed_at_any_line_another_command_undoes_it_first(
    two: World, killed: type[BaseException], number: int
) -> None:
    kill(two, at_entry(number), killed)
    two.write_model("three")
    two.start().deploy()
    assert_all_is_as_after(two, 3)
    assert two.record()["marks"].get(2, {}).get("quarantined") is None


@pytest.mark.parametrize("number", range(2, 32, 3))
def test_killed_while_a_quorum_goes_on_the_same_command_ends_the_same(
    world: World, killed: type[BaseException], number: int
) -> None:
    outcome = ("{soak: 5s}", "{soak: 1s}\noutcome: {quorum: 1}")
    world.drop_gcp(("lease: 120s", f"lease: {LEASE_SECONDS}s"), outcome)
    world.start().deploy()
    world.write_model("two")
    world.bad.add("azure/iris-r2")
    kill(world, at_entry(number), killed)
    assert list(world.start().deploy().failed) == ["azure"]
    record = world.record()
    assert (record["run"], record["desired"], record["live"]) == (None, 2, {"aws": 2, "azure": 1})
    assert [(b.target, b.release, b.weight) for b in record["routes"]] == [
        ("aws", 2, 100),
        ("azure", 1, 100),
    ]
    assert [world.workloads(name) for name in TARGETS] == [["iris-r2"], ["iris-r1"]]
    assert [world.selected(name) for name in TARGETS] == ["iris-r2", "iris-r1"]


def test_another_model_after_a_killed_quorum_begins_with_its_undo(
    world: World, killed: type[BaseException]
) -> None:
    world.drop_gcp(
        ("lease: 120s", f"lease: {LEASE_SECONDS}s"),
        ("{soak: 5s}", "{soak: 1s}\noutcome: {quorum: 1}"),
    )
    world.start().deploy()
    world.write_model("two")
    world.bad.add("azure/iris-r2")
    kill(world, at_entry(26), killed)
    assert world.selected("aws") == "iris-r2"
    world.write_model("three")
    assert world.start().deploy().release == 3
    assert_all_is_as_after(world, 3)


@on_each(range(1, 200, 17), range(60, 140, 17))
def test_killed_between_the_stores_of_one_write_the_same_command_ends_the_same(
    two: World, killed: type[BaseException], number: int
) -> None:
    try:
        kill(two, at_write(number), killed)
    except pytest.fail.Exception:
        assert_all_is_as_after(two, 2)
        return
    two.start().deploy()
    assert_all_is_as_after(two, 2)
    assert two.state.list_releases() == [1, 2]


@on_each([2, 9, 16, 20, 24, 28, 32], [5, 9, 12, 16, 20, 28])
def test_a_rollback_after_a_killed_deploy_undoes_it_and_no_more(
    two: World, killed: type[BaseException], number: int
) -> None:
    before = two.objects()
    kill(two, at_entry(number), killed)
    result = two.start().roll_back()
    assert result.release == 1
    assert two.objects() == before
    assert_all_is_as_after(two, 1)
    mark = two.record()["marks"][2]
    assert mark["quarantined"] is None
    assert mark["verdicts"] == {"run": "undone: the run was given up"}


def test_a_rollback_after_a_killed_first_deploy_leaves_nothing(
    world: World, killed: type[BaseException]
) -> None:
    machine = world.start()
    machine.dies_at = lambda _where, method, name: (
        (method, name) == ("put", "deployer/iris/routes.json")
    )
    with pytest.raises(killed):
        machine.deploy()
    world.clock.advance(120)
    assert [world.selected(name) for name in TARGETS] == ["iris-r1"] * 2
    assert world.start().roll_back().release == 0
    assert world.objects() == {}
    record = world.record()
    assert (record["desired"], record["live"], record["routes"]) == (None, {}, ())


@on_each([3, 11, 17, 20, 25, 31], [7, 17, 25])
@pytest.mark.parametrize("command", ["roll_back", "deploy"])
def test_a_killed_rollback_is_gone_on_with_by_whatever_comes_next(
    two: World, killed: type[BaseException], number: int, command: str
) -> None:
    two.start().deploy()
    kill(two, at_entry(number), killed, run="roll_back")
    two.write_model("three")
    getattr(two.start(), command)()
    assert_all_is_as_after(two, 1 if command == "roll_back" else 3)
    assert "rolled back to release 1" in two.record()["marks"][2]["quarantined"]


def test_a_rollback_by_number_goes_on_from_where_a_killed_one_led(
    two: World, killed: type[BaseException]
) -> None:
    two.start().deploy()
    two.write_model("three")
    two.start().deploy()
    kill(two, at_entry(17), killed, run="roll_back")
    assert two.start().roll_back(to=1).release == 1
    assert_all_is_as_after(two, 1)


@on_each(range(1, 20, 3), range(1, 20, 3))
def test_killed_while_it_undoes_it_goes_on_undoing(
    two: World, killed: type[BaseException], number: int
) -> None:
    before = two.objects()
    two.bad.add("azure/iris-r2")
    machine = two.start()
    undoing: list[Dies] = []

    def dies(where: str, method: str, name: str) -> bool:
        if machine.told("failed") and not undoing:
            undoing.append(at_entry(number))
        return bool(undoing) and undoing[0](where, method, name)

    machine.dies_at = dies
    with pytest.raises((killed, RolloutError)):
        machine.deploy()
    two.clock.advance(LEASE_SECONDS)
    with pytest.raises(RolloutError, match=r"quarantined|refused"):
        two.start().deploy()
    assert two.objects() == before
    assert_all_is_as_after(two, 1)
    assert "azure: smoke" in two.record()["marks"][2]["quarantined"]


def test_an_undo_that_is_gone_on_with_and_fails_again_says_where(
    world: World, killed: type[BaseException]
) -> None:
    world.start().deploy()
    world.write_model("two")
    world.bad.add("azure/iris-r2")
    machine = world.start()
    machine.dies_at = lambda _where, method, name: (method, name) == ("delete", "iris-r2")
    with pytest.raises(killed):
        machine.deploy()
    world.clock.advance(120)
    second = world.start()
    second.clusters["azure"].down = True
    with pytest.raises(
        RolloutError, match="release 2 could not be undone everywhere: azure"
    ) as caught:
        second.deploy()
    assert not caught.value.undone
    assert find_unfinished(world.state) is None


def test_a_run_that_cannot_be_undone_everywhere_stops_the_next_command_once(
    world: World, killed: type[BaseException]
) -> None:
    world.start().deploy()
    world.write_model("two")
    machine = world.start()
    machine.dies_at = at_routes
    with pytest.raises(killed):
        machine.deploy()
    world.clock.advance(120)
    world.write_model("three")
    second = world.start()
    second.clusters["azure"].down = True
    with pytest.raises(RolloutError, match="could not be undone everywhere: azure") as caught:
        second.deploy()
    assert not caught.value.undone
    assert world.record()["live"] == {"aws": 1, "azure": 2, "gcp": 1}
    assert world.start().deploy().release == 3
    assert world.record()["live"] == {"aws": 3, "azure": 3, "gcp": 3}
    assert world.workloads("azure") == ["iris-r3"]


def test_a_run_is_undone_though_the_spec_has_lost_one_of_its_targets(
    world: World, killed: type[BaseException]
) -> None:
    machine = world.start()
    machine.dies_at = lambda _where, method, name: (
        (method, name) == ("put", "deployer/iris/routes.json")
    )
    with pytest.raises(killed):
        machine.deploy()
    world.clock.advance(120)
    world.drop_gcp()
    with pytest.raises(RolloutError, match="gcp: the spec has no target of this name any more"):
        world.start().roll_back()
    assert world.selected("gcp") == "iris-r1"
    assert world.workloads("aws") == []
    assert world.start().deploy().release == 2


@pytest.mark.parametrize("number", range(23, 35))
def test_killed_while_it_retires_all_ends_as_it_would_have(
    world: World, killed: type[BaseException], number: int
) -> None:
    """Release 2 goes to rest, release 1 goes for good, and its ConfigMap with it."""
    calm = (("lease: 120s", f"lease: {LEASE_SECONDS}s"), ("soak: 5s", "soak: 1s, history: 1"))
    world.drop_gcp(*calm)
    world.start().deploy()
    world.drop_gcp(*calm, ("LOG_LEVEL: info", "LOG_LEVEL: debug"))
    world.start().deploy()
    world.write_model("three")
    before = world.objects()
    kill(world, at_entry(number), killed)
    if number % 2:
        world.start().roll_back()
        assert_all_is_as_after(world, 2)
        gone = {name for name in before if "iris-r1" in name or "ConfigMap" in name}
        assert world.objects().items() <= before.items()
        assert before.keys() - world.objects().keys() <= gone
        return
    world.start().deploy()
    assert_all_is_as_after(world, 3)
    for name in TARGETS:
        assert world.at_rest(name) == ["iris-r2"]
    assert len([name for name in world.objects() if "ConfigMap" in name]) == len(TARGETS)


def test_a_run_whose_journal_is_lost_is_forgotten(two: World, killed: type[BaseException]) -> None:
    kill(two, at_entry(5), killed)
    unfinished = find_unfinished(two.state)
    assert unfinished is not None
    for disk in two.disks.values():
        for info in list(disk.list(f"deployer/iris/journal/{unfinished.id}/")):
            disk.delete(info.key)
    two.start().deploy()
    assert_all_is_as_after(two, 2)


@pytest.mark.parametrize(
    ("method", "name", "nth"),
    [
        ("get", "iris-deployer", 2),
        ("apply", "iris", 1),
        ("readiness", "iris-r2", 1),
        ("call", "iris-r2", 1),
        ("get", "iris-deployer", 5),
        ("apply", "iris", 2),
        ("readiness", "iris-r2", 2),
        ("apply", "iris-r1", 1),
    ],
)
def test_a_run_that_slept_through_a_takeover_changes_nothing_that_serves(
    two: World, method: str, name: str, nth: int
) -> None:
    """It wakes in the middle of any call, with its lease still good by its own clock.

    All it may leave is a workload of its own that it was about to create: nothing leads to it.
    """
    sleeper, after, count = two.start(), [], itertools.count(1)

    def sleep(where: str, called: str, what: str) -> bool:
        if (where, called, what) == ("cluster azure", method, name) and next(count) == nth:
            two.write_model("three")
            assert two.start().deploy(takeover=True).release == 3
            after.extend([without_second(two.objects()), two.record()])
        return False

    sleeper.dies_at = sleep
    with pytest.raises(LeaseLostError):
        sleeper.deploy()
    assert after == [without_second(two.objects()), two.record()]
    assert [two.selected(target) for target in TARGETS] == ["iris-r3"] * 2


def without_second(objects: dict[str, Any]) -> dict[str, Any]:
    return {name: found for name, found in objects.items() if "iris-r2" not in name}
