import asyncio
import json
import random
from collections.abc import Callable
from typing import Any

from deployer.providers.local.clock import SystemClock
from deployer.release.records import Backend
from deployer.routing.door_counts import Fate, Turned
from deployer.routing.events import EventLog
from deployer.routing.fleet import Fleet
from deployer.routing.health import Outcome, Rules, State
from deployer.routing.traffic import Traffic
from deployer.routing.workers.led_fleet import LedFleet
from deployer.routing.workers.tally import Gauges, Tally, add_tally
from deployer.routing.workers.told_health import describe_health, read_health


def make_traffic(make_fleet: Callable[..., Fleet]) -> Traffic:
    events = EventLog(SystemClock(), boot="b", tell=lambda _line: None)
    fleet = make_fleet(
        rules=Rules(), rng=random.Random(1), events=events, on_change=lambda _member: None
    )
    fleet.apply([Backend(target="a", release=1, url="http://127.0.0.1:1", weight=1)], 0.0)
    return Traffic(asyncio.new_event_loop(), fleet, random.Random(1))


def over_the_wire(message: Any) -> Any:
    return json.loads(json.dumps(message))


def test_what_two_workers_count_adds_up() -> None:
    shown = make_traffic(Fleet)
    gauges = Gauges(shown)
    workers = [make_traffic(LedFleet) for _ in range(2)]
    tallies = [Tally(worker) for worker in workers]
    for _ in range(3):
        for at, (worker, tally) in enumerate(zip(workers, tallies, strict=True)):
            now = worker.now()
            worker.counters.requests += 2
            worker.answers[200] += 2
            worker.door.turn_away(Turned.ANONYMOUS)
            worker.door.count_copy("a.b/1", Fate.FULL)
            worker.durations.add(0.02)
            ticket = worker.fleet.begin((), now)
            assert ticket is not None
            ticket.member.answer(200, 0.02, worker.now())
            told = over_the_wire(tally.collect())
            add_tally(shown, told)
            gauges.show(at, told)
    member = shown.fleet.members["a/1"]
    assert shown.counters.requests == shown.answers[200] == 12
    assert shown.durations.cumulate()[-1] == ("+Inf", 6)
    assert member.requests == member.statuses[200] == 6
    assert member.load.in_flight == 6
    assert member.first_byte.quantiles(shown.now(), [0.5]) == [0.02]
    assert shown.door.list_turned() == {Turned.ANONYMOUS: 6}
    assert shown.door.list_copies() == {"a.b/1": {Fate.FULL: 6}}
    gauges.show(0, None)
    assert member.load.in_flight == 3
    for traffic in [shown, *workers]:
        traffic.loop.close()


def test_a_led_fleet_tells_and_is_told() -> None:
    traffic = make_traffic(LedFleet)
    fleet = traffic.fleet
    assert isinstance(fleet, LedFleet)
    told: list[tuple[str, str, str]] = []
    fleet.tell = lambda *words: told.append(words)
    member = fleet.members["a/1"]
    fleet.take_outcome(member, Outcome.FAILED, 1.0, "answered 500")
    assert told == [("a/1", "failed", "answered 500")]
    assert str(member.health.state) == State.UNKNOWN

    judge = make_traffic(Fleet)
    judged = judge.fleet.members["a/1"]
    judge.fleet.take_outcome(judged, Outcome.PROBE_PASSED, 1.0, "")
    health = over_the_wire(describe_health(judged.health))
    assert read_health(health) == judged.health
    assert fleet.follow({"a/1": {"health": health, "ordered": 7}, "gone/1": {}}) == []
    assert (member.health, member.weight) == (judged.health, 7)
    fleet.take_outcome(member, Outcome.SERVED, 2.0, "")
    assert fleet.served == {"a/1": 1}
    assert len(told) == 1

    fleet.tell = None
    fleet.take_outcome(member, Outcome.BUSY, 3.0, "")
    assert str(member.health.state) == State.DEGRADED
    for made in (traffic, judge):
        made.loop.close()
