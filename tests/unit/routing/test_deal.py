import random
from collections import Counter
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.routing.deal import SLOTS, Deal
from deployer.routing.health import Health, State
from deployer.routing.load import Load
from deployer.routing.policy import Candidate, Table, prepare

HEALTHY = Health(since=0.0, state=State.HEALTHY, proven=True)


def deal(seed: int, count: int) -> list[float]:
    dealt = Deal(random.Random(seed))
    return [dealt.next_point() for _ in range(count)]


def table(weights: list[int]) -> Table:
    found = prepare([Candidate(f"t{i}", w, HEALTHY) for i, w in enumerate(weights)], 0.0)
    assert found is not None
    return found


def look_up(table: Table, point: float) -> str:
    choice = table.look_up(point)
    assert choice is not None
    return choice.key


def test_any_thousand_in_a_row_are_all_the_slots_there_are() -> None:
    points = deal(3, 1700)
    assert len(set(points[:SLOTS])) == SLOTS
    assert sorted(points[700:]) == sorted(points[:SLOTS])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 1000), min_size=1, max_size=6), st.integers(0, 999))
def test_thousandths_are_exact_and_all_else_is_within_one_request(
    weights: list[int], seed: int
) -> None:
    if not any(weights):
        return
    split = table(weights)
    seen = Counter(look_up(split, point) for point in deal(seed, SLOTS))
    for i, weight in enumerate(weights):
        exact = SLOTS * weight / sum(weights)
        off = abs(seen[f"t{i}"] - exact)
        assert off < 1 - 1e-9 if exact % 1 else off == 0


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 99), st.integers(0, 999), st.integers(20, 400))
def test_short_rows_are_close_too(percent: int, seed: int, rounds: int) -> None:
    split = table([percent, 100 - percent])
    seen = sum(look_up(split, point) == "t0" for point in deal(seed, rounds))
    assert abs(seen - rounds * percent / 100) < 3


def test_a_small_share_comes_at_even_distances() -> None:
    split = table([99, 1])
    hits = [i for i, point in enumerate(deal(1, 3000)) if look_up(split, point) == "t1"]
    gaps = [after - before for before, after in pairwise(hits)]
    assert len(hits) == 30
    assert min(gaps) > 50
    assert max(gaps) < 150


def test_a_table_answers_nothing_for_a_backend_that_is_full() -> None:
    full = prepare([Candidate("t0", 1, HEALTHY, load=Load(limit=0))], 0.0)
    assert full is not None
    assert full.look_up(0.5) is None
