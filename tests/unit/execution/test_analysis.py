"""A release that users fare badly with is taken back while the old one is still there."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from deployer.errors import RolloutError
from tests.unit.execution.counting_router import CountingRouter, Counts

World = Any
Machine = Any
TARGETS = ("aws", "azure", "gcp")
GATES = "gates: {smoke: {requests: examples.json}"
LIMITS = "error_rate: 1%, worse: 0.5%, latency: {under: 250ms, share: 90%}, requests: 100, wait: 3s"
GOOD: Counts = {"requests": 1000, "failures": 2, "first_byte_counts": {"0.25": 990, "+Inf": 1000}}


@pytest.fixture
def watched(world: World) -> Callable[..., tuple[Machine, CountingRouter]]:
    """Put release 1 live, then start a machine with a second model, watched through a router."""

    def start(
        counts: Callable[[str, int], Counts] = lambda *_: GOOD, limits: str = LIMITS
    ) -> tuple[Machine, CountingRouter]:
        world.start().deploy()
        analysis = f"analysis: {{router: 'http://router', {limits}}}"
        world.write_spec((GATES, f"{GATES}, {analysis}"))
        world.write_model("two")
        machine, router = world.start(), CountingRouter(world, counts)
        machine.session = replace(machine.session, probe=router)
        return machine, router

    return start


def refuse(machine: Machine) -> str:
    with pytest.raises(RolloutError, match="refused and undone") as caught:
        machine.deploy()
    assert caught.value.undone
    assert [machine.world.selected(name) for name in TARGETS] == ["iris-r1"] * 3
    assert machine.world.record()["live"] == dict.fromkeys(TARGETS, 1)
    return "; ".join(event.detail for event in machine.events if "analysis" in event.detail)


def test_a_release_that_users_fare_well_with_stays_and_what_was_seen_is_recorded(
    watched: Callable[..., tuple[Machine, CountingRouter]],
) -> None:
    machine, _ = watched()
    machine.deploy()
    assert machine.world.record()["live"] == dict.fromkeys(TARGETS, 2)
    verdict = machine.world.state.read_head().mark(2).verdicts["analysis"]
    assert "1000 requests, 0.20% failed, 99.00% within 0.25 s" in verdict


@pytest.mark.parametrize(
    ("new", "why"),
    [
        ({"failures": 20}, "2.00% of requests failed, 1.00% may"),
        ({"failures": 8}, "0.80% of requests failed, 0.20% of the old release's; 0.50% more may"),
        (
            {"first_byte_counts": {"0.25": 800, "+Inf": 1000}},
            "80.00% of answers began within 0.25 s, 90.00% must",
        ),
        ({"first_byte_counts": None}, "the router does not count how fast answers begin"),
        ({"requests": 99, "failures": 99}, "99 requests came in the soak, 100 are needed"),
    ],
)
def test_a_release_that_users_fare_badly_with_is_taken_back(
    watched: Callable[..., tuple[Machine, CountingRouter]], new: Counts, why: str
) -> None:
    machine, _ = watched(
        lambda target, release: {**GOOD, **(new if (target, release) == ("azure", 2) else {})}
    )
    assert f"azure: analysis: {why}" in refuse(machine)


def test_requests_that_come_late_are_waited_for(
    watched: Callable[..., tuple[Machine, CountingRouter]],
) -> None:
    looks = 0

    def count(target: str, release: int) -> Counts:
        nonlocal looks
        looks += (target, release) == ("azure", 2)
        return {**GOOD, "requests": 8 * looks, "failures": 0} if release == 2 else GOOD

    machine, _ = watched(count)
    machine.deploy()
    told = [event for event in machine.events if event.kind == "waiting" and event.step == "soak"]
    awaited = {waiting.message for event in told for waiting in event.objects}
    assert any(re.search("are needed; at most [1-3] s more", message) for message in awaited)
    assert machine.world.record()["live"] == dict.fromkeys(TARGETS, 2)


def test_a_router_that_does_not_answer_shows_nothing(
    watched: Callable[..., tuple[Machine, CountingRouter]],
) -> None:
    machine, router = watched(limits="error_rate: 1%, wait: 3s")
    router.away = True
    assert "nothing is known of its traffic: http://router does not answer" in refuse(machine)


def test_without_traffic_of_the_old_release_there_is_nothing_to_compare_with(
    watched: Callable[..., tuple[Machine, CountingRouter]],
) -> None:
    machine, _ = watched(
        lambda _, release: GOOD if release == 2 else {"requests": 0, "failures": 0},
        limits="worse: 1%",
    )
    assert "there is nothing to compare with" in refuse(machine)


def test_a_rollback_is_not_judged_by_traffic(
    watched: Callable[..., tuple[Machine, CountingRouter]],
) -> None:
    machine, router = watched()
    machine.deploy()
    router.away = True
    machine.roll_back()
    assert machine.world.record()["live"] == dict.fromkeys(TARGETS, 1)
