import random

from deployer.routing.health import Health, State
from deployer.routing.prober import Pace, next_wait_seconds

STEADY = Pace(jitter=0.0)
RNG = random.Random(1)


def wait(health: Health, pace: Pace = STEADY) -> float:
    return next_wait_seconds(health, pace, RNG)


def test_probes_come_faster_while_a_verdict_is_reached() -> None:
    healthy = Health(since=0.0, state=State.HEALTHY, proven=True)
    assert wait(healthy) == 5.0
    assert wait(Health(since=0.0)) == 1.0
    assert wait(Health(since=0.0, state=State.DEGRADED, proven=True, probes_failed=1)) == 1.0
    assert wait(Health(since=0.0, state=State.DOWN, up=False, probes_failed=9)) == 2.0
    assert wait(Health(since=0.0, state=State.DOWN, up=False, probes_passed=1)) == 1.0


def test_the_fast_pace_finds_a_hang_within_three_and_a_half_seconds() -> None:
    pace = Pace.fast()
    longest = pace.steady * (1 + pace.jitter)
    assert longest + 2 * max(pace.timeout, pace.changing * (1 + pace.jitter)) <= 3.5


def test_waits_differ_by_a_tenth() -> None:
    waits = [wait(Health(since=0.0), Pace()) for _ in range(200)]
    assert 0.9 <= min(waits) < max(waits) <= 1.1
