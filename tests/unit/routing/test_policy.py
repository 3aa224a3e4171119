import math
import random
from itertools import accumulate

from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.routing.health import Health, State, begin_trial, is_usable
from deployer.routing.load import Load
from deployer.routing.policy import (
    SPILL_BELOW,
    Candidate,
    Choice,
    choose,
    effective_shares,
    has_alternative,
    is_weighted,
    prepare,
)

HEALTHY = Health(since=0.0, state=State.HEALTHY, proven=True)
DEGRADED = Health(since=0.0, state=State.DEGRADED, proven=True, requests_failed=2)
UNKNOWN = Health(since=0.0)
DOWN = Health(since=0.0, state=State.DOWN, up=False, last_failure=5.0)
EJECTED = Health(since=0.0, state=State.DOWN, proven=True, ejected_until=10.0, last_failure=3.0)


def rng(seed: int = 1) -> random.Random:
    return random.Random(seed)


def fleet(*members: tuple[int, Health]) -> list[Candidate]:
    return [Candidate(f"t{i}", weight, health) for i, (weight, health) in enumerate(members)]


def counts(candidates: list[Candidate], rounds: int = 10_000) -> dict[str, int]:
    chance = rng(42)
    seen = {candidate.key: 0 for candidate in candidates}
    for _ in range(rounds):
        choice = choose(candidates, now=0.0, rng=chance)
        assert choice is not None
        seen[choice.key] += 1
    return seen


def test_without_candidates_there_is_no_choice() -> None:
    assert choose([], now=0.0, rng=rng()) is None


def test_weight_0_gets_nothing_even_in_panic() -> None:
    assert choose(fleet((0, HEALTHY)), now=0.0, rng=rng()) is None
    choice = choose(fleet((0, HEALTHY), (1, DOWN)), now=0.0, rng=rng())
    assert choice == Choice("t1", panic=True)


def test_the_weight_of_one_that_is_down_is_shared_in_proportion() -> None:
    seen = counts(fleet((50, DOWN), (30, HEALTHY), (20, DEGRADED)))
    assert seen["t0"] == 0
    assert abs(seen["t1"] - 6_000) < 4 * math.sqrt(10_000 * 0.6 * 0.4)
    shares = effective_shares(fleet((50, DOWN), (30, HEALTHY), (20, DEGRADED)), now=0.0)
    assert shares == {"t0": 0.0, "t1": 0.6, "t2": 0.4}


def test_an_unknown_backend_waits_while_a_proven_one_is_there() -> None:
    assert counts(fleet((1, UNKNOWN), (1, HEALTHY)), 50)["t0"] == 0
    assert counts(fleet((1, UNKNOWN), (1, DOWN)), 50)["t0"] == 50


def test_an_ejected_backend_is_tried_by_one_request_when_its_time_is_over() -> None:
    only = fleet((1, EJECTED), (1, DOWN))
    assert choose(only, now=10.0, rng=rng()) == Choice("t0", trial=True)
    on_trial = fleet((1, begin_trial(EJECTED)), (1, DOWN))
    assert choose(on_trial, now=10.0, rng=rng()) == Choice("t0", panic=True)


def test_panic_takes_the_one_that_failed_longest_ago_and_then_another() -> None:
    candidates = fleet((1, DOWN), (1, EJECTED))
    assert choose(candidates, now=6.0, rng=rng()) == Choice("t1", panic=True)
    assert choose(candidates, now=6.0, rng=rng(), tried=["t1"]) == Choice("t0", panic=True)
    assert choose(candidates, now=6.0, rng=rng(), tried=["t1", "t0"]) == Choice("t1", panic=True)


def test_a_tried_backend_is_taken_again_only_when_it_is_the_only_usable_one() -> None:
    candidates = fleet((99, HEALTHY), (1, UNKNOWN), (1, DOWN))
    assert choose(candidates, now=0.0, rng=rng(), tried=["t0"]) == Choice("t1")
    assert choose(candidates, now=0.0, rng=rng(), tried=["t0", "t1"]) == Choice("t0")
    assert has_alternative(candidates, now=0.0, tried=["t0"])
    assert not has_alternative(candidates, now=0.0, tried=["t0", "t1"])


def test_without_anything_usable_all_shares_are_nothing() -> None:
    assert effective_shares(fleet((1, DOWN), (0, HEALTHY)), now=0.0) == {"t0": 0.0, "t1": 0.0}


def tiered(*members: tuple[int, int, Health]) -> list[Candidate]:
    return [Candidate(f"t{i}", w, health, tier) for i, (tier, w, health) in enumerate(members)]


def test_the_first_tier_takes_all_while_enough_of_it_is_usable() -> None:
    enough = tiered((0, 7, HEALTHY), (0, 3, DOWN), (1, 9, HEALTHY))
    assert effective_shares(enough, now=0.0) == {"t0": 1.0, "t1": 0.0, "t2": 0.0}


def test_what_a_tier_cannot_bear_goes_to_the_next_one() -> None:
    half = tiered((0, 1, HEALTHY), (0, 1, DOWN), (1, 1, HEALTHY), (2, 1, HEALTHY))
    shares = effective_shares(half, now=0.0)
    assert math.isclose(shares["t0"], 0.5 / SPILL_BELOW)
    assert math.isclose(shares["t2"], 1.0 - 0.5 / SPILL_BELOW)
    assert math.isclose(shares["t3"], 0.0, abs_tol=1e-9)
    seen = counts(half)
    assert abs(seen["t0"] - 7_143) < 4 * math.sqrt(10_000 * 0.7 * 0.3)


def test_a_tier_that_is_full_spills() -> None:
    first = Candidate("t0", 1, HEALTHY, 0, Load(limit=1))
    first.load.in_flight = 1
    second = Candidate("t1", 1, HEALTHY, 1)
    assert choose([first, second], now=0.0, rng=rng()) == Choice("t1")
    assert effective_shares([first, second], now=0.0) == {"t0": 0.0, "t1": 1.0}


def test_when_all_that_are_usable_are_full_nobody_is_chosen_and_nobody_panics() -> None:
    full = Candidate("t0", 1, HEALTHY, 0, Load(limit=0))
    down = Candidate("t1", 1, DOWN)
    assert choose([full, down], now=0.0, rng=rng()) is None


def test_one_that_comes_into_use_begins_with_a_tenth_and_ends_with_the_whole() -> None:
    warming = Health(since=0.0, state=State.HEALTHY, proven=True, warm_from=0.0, warm_until=30.0)
    candidates = fleet((1, HEALTHY), (1, warming))
    shares = [effective_shares(candidates, now=now)["t1"] for now in (0.0, 15.0, 30.0)]
    assert shares == [0.1 / 1.1, 0.55 / 1.55, 0.5]


def test_the_only_usable_one_gets_everything_however_cold() -> None:
    warming = Health(since=0.0, state=State.HEALTHY, proven=True, warm_from=0.0, warm_until=30.0)
    assert effective_shares(fleet((1, warming), (1, DOWN)), now=0.0)["t0"] == 1.0


def test_a_canary_has_its_whole_share_from_the_start() -> None:
    """Its steps are its slow start; the target is as warm as the release that was there."""
    warming = Health(since=0.0, state=State.HEALTHY, proven=True, warm_from=0.0, warm_until=30.0)
    split = [
        Candidate("a/1", 60, HEALTHY, target="a", share=950),
        Candidate("a/2", 60, warming, target="a", share=50),
        Candidate("b/1", 40, HEALTHY, target="b"),
    ]
    table, shares = prepare(split, 0.0), effective_shares(split, now=0.0)
    assert [round(shares[key], 9) for key in ("a/1", "a/2", "b/1")] == [0.57, 0.03, 0.4]
    assert table is not None
    choices = [table.look_up((slot + 0.5) / 1000) for slot in range(1000)]
    taken = [choice.key for choice in choices if choice is not None]
    assert (taken.count("a/2"), taken.count("b/1")) == (30, 400)


def test_by_load_the_slow_one_is_avoided_and_not_forgotten() -> None:
    candidates = fleet((1, HEALTHY), (1, HEALTHY), (1, HEALTHY))
    for candidate, seconds in zip(candidates, (0.01, 0.01, 0.5), strict=True):
        candidate.load.observe(seconds, 0.0)
    chance = rng(3)
    seen = [choose(candidates, now=0.0, rng=chance, by_load=True) for _ in range(300)]
    assert sum(choice == Choice("t2") for choice in seen) == 0
    later = [choose(candidates, now=100.0, rng=chance, by_load=True) for _ in range(300)]
    assert sum(choice == Choice("t2") for choice in later) > 50
    estimated = effective_shares(candidates, now=0.0, by_load=True)
    assert estimated["t0"] == estimated["t1"]
    assert estimated["t2"] < 0.02


def test_by_load_weights_still_count() -> None:
    candidates = fleet((3, HEALTHY), (1, HEALTHY))
    for candidate in candidates:
        candidate.load.observe(0.1, 0.0)
    candidates[0].load.in_flight = 1
    assert choose(candidates, now=0.0, rng=rng(), by_load=True) == Choice("t0")
    candidates[0].load.in_flight = 3
    assert choose(candidates, now=0.0, rng=rng(), by_load=True) == Choice("t1")


healths = st.sampled_from([HEALTHY, DEGRADED, UNKNOWN, DOWN, EJECTED])
members = st.lists(st.tuples(st.integers(0, 100), healths), max_size=6)
placed = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.integers(0, 100),
        healths,
        st.integers(0, 2),
        st.sampled_from([0, 50, 950, 1000]),
    ),
    max_size=6,
)
"""Tier, weight, health, requests in flight of 2, and share; two in a row are one target's."""


def place(drawn: list[tuple[int, int, Health, int, int]]) -> list[Candidate]:
    made = []
    for i, (_, _, health, in_flight, share) in enumerate(drawn):
        first = drawn[i - i % 2]  # a target has one weight and one tier
        load = Load(limit=2)
        load.in_flight = in_flight
        made.append(Candidate(f"t{i}", first[1], health, first[0], load, f"target-{i // 2}", share))
    return made


@settings(max_examples=200, deadline=None)
@given(placed, st.integers(), st.floats(0, 20), st.booleans(), st.sampled_from([b"", b"a", b"b"]))
def test_whatever_the_tiers_loads_shares_and_keys_the_chosen_is_usable_and_not_full(
    drawn: list[tuple[int, int, Health, int, int]],
    seed: int,
    now: float,
    by_load: bool,
    sticky: bytes,
) -> None:
    candidates = place(drawn)
    usable = {c.key for c in candidates if is_weighted(c) and is_usable(c.health, now)}
    free = {c.key for c in candidates if c.key in usable and not c.load.is_full}
    choice = choose(candidates, now=now, rng=rng(seed), by_load=by_load, sticky=sticky)
    shares = effective_shares(candidates, now=now, by_load=by_load)
    assert math.isclose(sum(shares.values()), 1.0 if free else 0.0, abs_tol=1e-9)
    if free:
        assert choice is not None
        assert choice.key in free
        assert shares[choice.key] > 0.0
    else:
        assert (choice is None) == bool(usable or not any(map(is_weighted, candidates)))


@settings(max_examples=100, deadline=None)
@given(placed, st.floats(0, 20), st.floats(0, 1, exclude_max=True))
def test_the_table_says_what_choosing_would(
    drawn: list[tuple[int, int, Health, int, int]], now: float, point: float
) -> None:
    candidates = place([(*member[:3], 0, member[4]) for member in drawn])
    table = prepare(candidates, now)
    choice = choose(candidates, now=now, rng=rng(), point=point)
    if table is None:
        assert choice is None or choice.panic
        return
    assert table.until > now
    shares = effective_shares(candidates, now=now)
    bounds = list(accumulate(shares[chosen.key] for chosen, _load in table.choices))
    pairs = zip(bounds[:-1], table.bounds, strict=True)
    assert all(math.isclose(a, b, abs_tol=1e-9) for a, b in pairs)
    if min(abs(point - bound) for bound in (0.0, *bounds)) > 1e-9:
        assert table.look_up(point) == choice


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 99), st.lists(st.integers(1, 50), min_size=1, max_size=3))
def test_a_canarys_part_of_its_target_is_what_was_asked_for(
    percent: int, others: list[int]
) -> None:
    sides = [
        Candidate("a/1", 40, HEALTHY, target="a", share=1000 - percent * 10),
        Candidate("a/2", 40, HEALTHY, target="a", share=percent * 10),
    ]
    rest = [Candidate(f"t{i}", weight, HEALTHY) for i, weight in enumerate(others)]
    shares = effective_shares([*sides, *rest], now=0.0)
    assert math.isclose(shares["a/2"] / (shares["a/1"] + shares["a/2"]), percent / 100)
    assert math.isclose(shares["a/1"] + shares["a/2"], 40 / (40 + sum(others)))


@given(members, st.sets(st.sampled_from(["t0", "t1", "t2"])), st.integers(), st.floats(0, 20))
def test_nothing_unusable_is_chosen_while_another_is_usable(
    drawn: list[tuple[int, Health]], tried: set[str], seed: int, now: float
) -> None:
    candidates = fleet(*drawn)
    usable = {c.key for c in candidates if c.weight > 0 and is_usable(c.health, now)}
    choice = choose(candidates, now=now, rng=rng(seed), tried=tried)
    if choice is None:
        assert all(candidate.weight == 0 for candidate in candidates)
        return
    assert choice.panic == (not usable)
    assert choice.key in (usable - tried or usable or {c.key for c in candidates if c.weight > 0})


@given(members, st.integers())
def test_the_same_chance_makes_the_same_choice(drawn: list[tuple[int, Health]], seed: int) -> None:
    candidates = fleet(*drawn)
    first = choose(candidates, now=0.0, rng=rng(seed))
    assert first == choose(candidates, now=0.0, rng=rng(seed))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 100), min_size=2, max_size=5), st.integers(0, 2**32))
def test_in_the_long_run_each_gets_its_weight(weights: list[int], seed: int) -> None:
    rounds = 1_000
    candidates = fleet(*[(weight, HEALTHY) for weight in weights])
    chance = rng(seed)
    picks = [choose(candidates, now=0.0, rng=chance) for _ in range(rounds)]
    for candidate in candidates:
        share = candidate.weight / sum(weights)
        seen = sum(1 for pick in picks if pick is not None and pick.key == candidate.key)
        sigma = math.sqrt(rounds * share * (1 - share))
        assert abs(seen - rounds * share) <= 6 * sigma + 1  # 4 would fail once in 16 000 draws


@given(members, st.floats(0, 20))
def test_shares_add_up_to_1_or_to_nothing(drawn: list[tuple[int, Health]], now: float) -> None:
    total = sum(effective_shares(fleet(*drawn), now=now).values())
    assert math.isclose(total, 1.0) or total == 0.0
