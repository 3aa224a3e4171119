import random
from collections import Counter
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.routing.health import Health, State
from deployer.routing.lane import Lane
from deployer.routing.load import Load
from deployer.routing.policy import Candidate, Choice

HEALTHY = Health(since=0.0, state=State.HEALTHY, proven=True)
DOWN = Health(since=0.0, state=State.DOWN, up=False)
EJECTED = Health(since=0.0, state=State.DOWN, proven=True, ejected_until=10.0, last_failure=3.0)


def canary(weight: int, share: int, target: str = "aws", health: Health = HEALTHY) -> Candidate:
    key = f"{target}/{2 if share < 500 else 1}"
    return Candidate(key, weight, health, target=target, share=share)


def deal(lane: Lane, rounds: int = 1000, *, by_load: bool = False) -> Counter[str]:
    picks = [lane.choose(0.0, by_load=by_load) for _ in range(rounds)]
    return Counter(pick.key if pick else "" for pick in picks)


def fill(*candidates: Candidate, seed: int = 1) -> Lane:
    lane = Lane(random.Random(seed))
    lane.fill(candidates)
    return lane


GROUPS = (canary(60, 950), canary(60, 50), canary(40, 800, "gcp"), canary(40, 200, "gcp"))


def test_a_canary_gets_exactly_its_part_of_its_target() -> None:
    assert deal(fill(*GROUPS)) == {"aws/1": 570, "aws/2": 30, "gcp/1": 320, "gcp/2": 80}


def test_by_load_the_canary_split_stays() -> None:
    groups = [replace(candidate, load=Load()) for candidate in GROUPS]
    for candidate in groups[:2]:
        candidate.load.observe(0.2, 0.0)
    for candidate in groups[2:]:
        candidate.load.observe(0.1, 0.0)
    seen = deal(fill(*groups), 4000, by_load=True)
    assert seen["gcp/1"] > seen["aws/1"]
    assert abs(seen["gcp/2"] / (seen["gcp/1"] + seen["gcp/2"]) - 0.2) < 0.03


def test_the_traffic_of_a_canary_that_is_down_stays_at_its_target() -> None:
    groups = [replace(GROUPS[0]), replace(GROUPS[1], health=DOWN), *GROUPS[2:]]
    assert deal(fill(*groups)) == {"aws/1": 600, "gcp/1": 320, "gcp/2": 80}


def test_one_that_was_ejected_is_tried_by_the_first_request_after_its_time() -> None:
    lane = fill(Candidate("a", 1, HEALTHY), Candidate("b", 1, EJECTED))
    assert {lane.choose(9.0) for _ in range(20)} == {Choice("a")}
    assert Choice("b", trial=True) in {lane.choose(10.0) for _ in range(4)}


def test_what_a_full_one_would_have_got_goes_to_the_others() -> None:
    full = Candidate("a", 99, HEALTHY, load=Load(limit=0))
    assert deal(fill(full, Candidate("b", 1, HEALTHY)), 50) == {"b": 50}


def test_a_lane_of_its_own_order_reaches_a_canary_without_a_share() -> None:
    lane = Lane(random.Random(1), {"aws/2": 0})
    dark = Candidate("aws/2", 60, HEALTHY, target="aws", share=0)
    lane.fill([GROUPS[0], dark])
    assert deal(lane, 10) == {"aws/2": 10}
    assert deal(fill(GROUPS[0], dark), 10) == {"aws/1": 10}


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 50), st.sampled_from([HEALTHY, DOWN, EJECTED])), max_size=5),
    st.integers(0, 99),
)
def test_a_lane_never_prefers_what_is_not_usable(
    drawn: list[tuple[int, Health]], seed: int
) -> None:
    lane = fill(*[Candidate(f"t{i}", w, h) for i, (w, h) in enumerate(drawn)], seed=seed)
    usable = {f"t{i}" for i, (w, h) in enumerate(drawn) if w and h is HEALTHY}
    for choice in [lane.choose(5.0) for _ in range(20)]:
        if usable:
            assert choice is not None
            assert choice.key in usable
        else:
            assert choice is None or choice.panic


@settings(deadline=None, max_examples=50)
@given(st.binary(min_size=1, max_size=8), st.integers(0, 99))
def test_what_sticks_stays_whatever_else_is_dealt(key: bytes, seed: int) -> None:
    lane = fill(*GROUPS, seed=seed)
    first = lane.choose(0.0, sticky=key)
    lane.choose(0.0)
    assert lane.choose(0.0, sticky=key) == first == fill(*GROUPS).choose(0.0, sticky=key)
