from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.release.steering import RateRecord
from deployer.routing.token_bucket import MOST_BUCKETS, Buckets

rates = st.builds(RateRecord, per_second=st.floats(0.1, 100), burst=st.integers(1, 20))
gaps = st.lists(st.floats(0, 2), min_size=1, max_size=60)


@settings(max_examples=100, deadline=None)
@given(rates, gaps)
def test_no_stretch_of_time_lets_more_in_than_the_burst_and_the_rate(
    rate: RateRecord, waits: list[float]
) -> None:
    buckets, now, let_in = Buckets(), 0.0, list[float]()
    for wait in waits:
        now += wait
        if buckets.take("a", rate, now) == 0.0:
            let_in.append(now)
    for first, began in enumerate(let_in):
        for last in range(first, len(let_in)):
            most = rate.burst + rate.per_second * (let_in[last] - began)
            assert last - first + 1 <= most + 1e-6


@settings(max_examples=50, deadline=None)
@given(rates, gaps)
def test_who_waits_as_long_as_told_is_let_in(rate: RateRecord, waits: list[float]) -> None:
    buckets, now = Buckets(), 0.0
    for wait in waits:
        now += wait
        told = buckets.take("a", rate, now)
        if told:
            now += told * (1 + 1e-9) + 1e-9
            assert buckets.take("a", rate, now) == 0.0


def test_callers_have_buckets_of_their_own_and_not_without_end() -> None:
    buckets, rate = Buckets(), RateRecord(per_second=1, burst=1)
    assert buckets.take("a", rate, 0.0) == 0.0
    assert buckets.take("a", rate, 0.0) == 1.0
    assert buckets.take("b", rate, 0.0) == 0.0
    for number in range(MOST_BUCKETS):
        buckets.take(f"c{number}", rate, 0.0)
    assert len(buckets) == MOST_BUCKETS
