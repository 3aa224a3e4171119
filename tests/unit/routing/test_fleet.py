import random

from deployer.providers.local.clock import SystemClock
from deployer.release.records import Backend
from deployer.routing.events import EventLog
from deployer.routing.fleet import Fleet, Member
from deployer.routing.health import Outcome, Rules, State


def make_fleet(told: list[Member]) -> Fleet:
    events = EventLog(SystemClock(), boot="b", tell=lambda _line: None)
    fleet = Fleet(rules=Rules(), rng=random.Random(1), events=events, on_change=told.append)
    urls = {"a": "http://127.0.0.1:1", "b": "http://127.0.0.1:2"}
    backends = [Backend(target=n, release=1, url=url, weight=1) for n, url in urls.items()]
    fleet.apply(backends, 0.0)
    for member in fleet.members.values():
        fleet.take_outcome(member, Outcome.PROBE_PASSED, 0.0, "")
        fleet.take_outcome(member, Outcome.PROBE_PASSED, 0.0, "")
    told.clear()
    return fleet


def test_that_an_ejected_member_is_down_for_probes_too_is_told() -> None:
    """Requests that wait there are let go only then: an ejection alone proves too little."""
    told: list[Member] = []
    fleet = make_fleet(told)
    member = fleet.members["a/1"]
    for _ in range(Rules().failures):
        fleet.take_outcome(member, Outcome.FAILED, 1.0, "connect timed out")
    assert (member.health.state, member.health.up) == (State.DOWN, True)
    told.clear()
    for failed in range(1, Rules().fall + 1):
        fleet.take_outcome(member, Outcome.PROBE_FAILED, 2.0, "timed out")
        assert told == ([member] if failed == Rules().fall else [])
    fleet.take_outcome(member, Outcome.PROBE_FAILED, 3.0, "timed out")
    assert told == [member]
