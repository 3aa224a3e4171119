import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.routing.health import (
    Health,
    Outcome,
    Rules,
    Source,
    State,
    begin_trial,
    eject,
    is_usable,
    judge,
    outcome_of_status,
    readmit,
)

RNG = random.Random(1)
EXACT = Rules(jitter=0.0)


def after(
    *outcomes: Outcome,
    start: Health | None = None,
    at: float = 0.0,
    may_eject: bool = True,
    rules: Rules = EXACT,
) -> Health:
    health = start or Health(since=0.0)
    for outcome in outcomes:
        health = judge(health, outcome, at, rng=RNG, rules=rules, may_eject=may_eject, reason="why")
    return health


HEALTHY = after(Outcome.PROBE_PASSED)
EJECTED = after(*[Outcome.FAILED] * 5, start=HEALTHY)


def test_nothing_heard_is_unknown_and_usable() -> None:
    assert Health(since=0.0).state is State.UNKNOWN
    assert is_usable(Health(since=0.0), 0.0)


def test_the_first_good_word_makes_it_healthy() -> None:
    assert HEALTHY.state is State.HEALTHY
    assert after(Outcome.SERVED).state is State.HEALTHY


def test_the_third_failed_probe_takes_it_down() -> None:
    one = after(Outcome.PROBE_FAILED, start=HEALTHY, at=1.0)
    two = after(Outcome.PROBE_FAILED, start=one, at=2.0)
    three = after(Outcome.PROBE_FAILED, start=two, at=3.0)
    assert [h.state for h in (one, two, three)] == [State.DEGRADED, State.DEGRADED, State.DOWN]
    assert three.since == 3.0
    assert three.source is Source.ACTIVE
    assert three.reason == "3 probes failed in a row: why"
    assert not is_usable(three, 3.0)


def test_an_unknown_backend_goes_down_by_probes_too() -> None:
    assert after(*[Outcome.PROBE_FAILED] * 2).state is State.UNKNOWN
    assert after(*[Outcome.PROBE_FAILED] * 3).state is State.DOWN


def test_two_passed_probes_bring_it_back() -> None:
    down = after(*[Outcome.PROBE_FAILED] * 3, start=HEALTHY)
    assert after(Outcome.PROBE_PASSED, start=down).state is State.DOWN
    assert after(*[Outcome.PROBE_PASSED] * 2, start=down).state is State.HEALTHY
    relapsed = after(Outcome.PROBE_PASSED, Outcome.PROBE_FAILED, Outcome.PROBE_PASSED, start=down)
    assert relapsed.state is State.DOWN


def test_a_probe_that_passes_again_clears_the_degraded_word() -> None:
    assert after(Outcome.PROBE_FAILED, Outcome.PROBE_PASSED, start=HEALTHY).state is State.HEALTHY


def test_a_passing_probe_changes_nothing_about_a_healthy_backend() -> None:
    assert after(Outcome.PROBE_PASSED, start=HEALTHY) is HEALTHY
    assert after(Outcome.SERVED, start=HEALTHY) is HEALTHY


def test_five_failures_in_a_row_eject_it() -> None:
    four = after(*[Outcome.FAILED] * 4, start=HEALTHY)
    assert four.state is State.DEGRADED
    assert EJECTED.state is State.DOWN
    assert EJECTED.source is Source.PASSIVE
    assert EJECTED.reason == "5 requests failed in a row: why"
    assert EJECTED.ejected_until == 5.0


def test_one_success_starts_the_count_anew() -> None:
    health = after(*[Outcome.FAILED] * 4, Outcome.SERVED, *[Outcome.FAILED] * 4, start=HEALTHY)
    assert health.state is State.DEGRADED


def test_the_last_usable_backend_is_never_ejected() -> None:
    health = after(*[Outcome.FAILED] * 50, start=HEALTHY, may_eject=False)
    assert health.state is State.DEGRADED
    assert is_usable(health, 0.0)
    assert after(Outcome.FAILED, start=health).state is State.DOWN


def test_a_passing_probe_does_not_end_an_ejection() -> None:
    health = after(*[Outcome.PROBE_PASSED] * 10, start=EJECTED, at=4.9)
    assert health.state is State.DOWN
    assert not is_usable(health, 4.9)


def test_after_its_time_one_request_may_try_it() -> None:
    assert not is_usable(EJECTED, 4.99)
    assert is_usable(EJECTED, 5.0)
    trial = begin_trial(EJECTED)
    assert not is_usable(trial, 5.0)
    assert after(Outcome.SERVED, start=trial, at=5.0).state is State.HEALTHY
    assert is_usable(after(Outcome.ABANDONED, start=trial, at=5.0), 5.0)
    assert is_usable(after(Outcome.BUSY, start=trial, at=5.0), 5.0)


def test_a_failed_trial_ejects_for_twice_as_long_whoever_is_left() -> None:
    again = after(Outcome.FAILED, start=begin_trial(EJECTED), at=5.0, may_eject=False)
    assert again.ejected_until == 15.0
    third = after(Outcome.FAILED, start=begin_trial(again), at=15.0)
    assert third.ejected_until == 35.0


def test_what_was_under_way_before_an_ejection_does_not_change_it() -> None:
    assert after(Outcome.SERVED, start=EJECTED, at=1.0) is EJECTED
    late = after(Outcome.FAILED, start=EJECTED, at=1.0)
    assert late.ejected_until == EJECTED.ejected_until
    assert late.ejections == 1


def test_an_ejection_never_lasts_longer_than_its_cap() -> None:
    health = EJECTED
    for _ in range(60):
        health = after(Outcome.FAILED, start=begin_trial(health), at=0.0)
    assert health.ejected_until == 300.0


def test_the_growth_is_forgotten_after_healthy_minutes() -> None:
    back = after(Outcome.SERVED, start=begin_trial(replace(EJECTED, ejections=3)), at=10.0)
    soon = after(*[Outcome.FAILED] * 5, start=back, at=20.0)
    later = after(*[Outcome.FAILED] * 5, start=back, at=10.0 + 125.0)
    assert soon.ejected_until == 20.0 + 40.0
    assert later.ejected_until == 135.0 + 10.0


def test_busy_is_not_sick() -> None:
    health = after(*[Outcome.BUSY] * 100, start=HEALTHY)
    assert health.state is State.DEGRADED
    assert health.reason == "busy: why"
    assert is_usable(health, 0.0)
    assert after(Outcome.SERVED, start=health).state is State.HEALTHY


def test_an_abandoned_request_says_nothing() -> None:
    assert after(Outcome.ABANDONED, start=HEALTHY) is HEALTHY


def test_begin_trial_leaves_others_alone() -> None:
    assert begin_trial(HEALTHY) is HEALTHY


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.SERVED),
        (404, Outcome.SERVED),
        (422, Outcome.SERVED),
        (429, Outcome.BUSY),
        (500, Outcome.FAILED),
        (502, Outcome.FAILED),
        (503, Outcome.BUSY),
    ],
)
def test_a_status_is_judged_by_whose_fault_it_is(status: int, outcome: Outcome) -> None:
    assert outcome_of_status(status) is outcome


outcomes = st.lists(st.sampled_from(Outcome), max_size=60)


@given(outcomes)
def test_no_single_outcome_flips_between_healthy_and_down(sequence: list[Outcome]) -> None:
    health = Health(since=0.0)
    for step, outcome in enumerate(sequence):
        before, health = health.state, after(outcome, start=health, at=float(step), rules=Rules())
        assert (before, health.state) != (State.HEALTHY, State.DOWN)


@given(outcomes)
def test_without_leave_to_eject_only_probes_take_down(sequence: list[Outcome]) -> None:
    health = after(*sequence, may_eject=False, rules=Rules())
    assert (health.state is State.DOWN) == (not health.up)


@given(outcomes)
def test_the_word_always_agrees_with_what_is_used(sequence: list[Outcome]) -> None:
    health = after(*sequence, rules=Rules())
    assert is_usable(health, 0.0) == (health.state is not State.DOWN)
    assert health.reason


@given(st.integers(0, 10_000))
def test_the_jitter_of_an_ejection_is_within_a_fifth(seed: int) -> None:
    health = HEALTHY
    for _ in range(5):
        health = judge(health, Outcome.FAILED, 0.0, rng=random.Random(seed))
    assert health.ejected_until is not None
    assert 4.0 <= health.ejected_until <= 6.0


def test_failing_often_ejects_like_failing_in_a_row() -> None:
    once = judge(HEALTHY, Outcome.FAILED, 0.0, rng=RNG, rules=EXACT, often=True)
    assert once.state is State.DOWN
    assert once.ejected_until == EXACT.ejection_seconds
    last = judge(HEALTHY, Outcome.FAILED, 0.0, rng=RNG, rules=EXACT, often=True, may_eject=False)
    assert last.state is State.DEGRADED


def test_who_comes_into_use_starts_slowly_and_who_was_busy_does_not() -> None:
    first = after(Outcome.PROBE_PASSED, at=100.0)
    assert [round(first.warmth(at), 2) for at in (100.0, 115.0, 130.0)] == [0.1, 0.55, 1.0]
    busy = after(Outcome.BUSY, Outcome.SERVED, start=first, at=200.0)
    assert busy.state is State.HEALTHY
    assert busy.warmth(200.0) == 1.0
    back = after(Outcome.SERVED, start=begin_trial(EJECTED), at=300.0)
    assert back.warmth(300.0) == 0.1


def test_an_ordered_ejection_ends_by_time_and_one_request() -> None:
    ejected = eject(HEALTHY, 10.0, seconds=5.0, reason="by order")
    assert (ejected.state, ejected.source, ejected.reason) == (State.DOWN, Source.ADMIN, "by order")
    assert after(Outcome.PROBE_PASSED, start=ejected, at=11.0).state is State.DOWN
    assert not is_usable(ejected, 14.9)
    assert is_usable(ejected, 15.0)
    back = after(Outcome.SERVED, start=begin_trial(ejected), at=15.0)
    assert back.state is State.HEALTHY


def test_an_order_brings_an_ejected_one_back_but_not_one_that_does_not_answer() -> None:
    back = readmit(EJECTED, 20.0, reason="by order")
    assert (back.state, back.ejections, back.ejected_until) == (State.HEALTHY, 0, None)
    assert back.warmth(20.0) == pytest.approx(0.1)
    absent = after(*[Outcome.PROBE_FAILED] * 3, start=EJECTED)
    assert readmit(absent, 20.0, reason="by order").state is State.DOWN
