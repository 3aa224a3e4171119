"""A caller's rate holds for several processes together."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.release.steering import RateRecord
from deployer.routing.token_bucket import Buckets

ASKS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 2)), min_size=1, max_size=60)
RATE = RateRecord(per_second=3, burst=5)


def make(count: int) -> list[Buckets]:
    found = [Buckets() for _ in range(count)]
    for each in found:
        each.shared = True
    return found


def tell(workers: list[Buckets], now: float) -> None:
    """Let each hear what the others gave, as it goes over the wire."""
    told = [json.loads(json.dumps(worker.collect())) for worker in workers]
    for at, worker in enumerate(workers):
        for other, taken in enumerate(told):
            if other != at:
                worker.owe(taken, now)


@settings(max_examples=60, deadline=None)
@given(ASKS)
def test_workers_that_hear_of_each_other_give_what_one_would(asks: list[tuple[float, int]]) -> None:
    workers, alone, now = make(3), Buckets(), 0.0
    for gap, at in asks:
        now += gap
        assert bool(workers[at].take("a", RATE, now)) == bool(alone.take("a", RATE, now))
        tell(workers, now)


def test_a_burst_that_nobody_has_heard_of_is_paid_back() -> None:
    workers = make(4)
    given_out = sum(not worker.take("a", RATE, 0.0) for worker in workers for _ in range(20))
    assert given_out == 4 * RATE.burst
    tell(workers, 0.1)
    late = [worker.take("a", RATE, 0.1) for worker in workers]
    assert min(late) > (4 - 1) * RATE.burst / RATE.per_second
    assert not workers[0].take("b", RATE, 0.1)


def test_one_that_is_alone_notes_nothing() -> None:
    buckets = Buckets()
    buckets.take("a", RATE, 0.0)
    assert buckets.collect() == []
