from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.cost.samples import Sample, Speed
from deployer.report.evidence import Sight
from deployer.report.objectives import Goal, judge_goals
from deployer.report.promise import see_goals
from deployer.spec.objectives import Slo

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SLO = Slo(availability=0.999)
PAST = {"hours": 1}


def seen(minutes_ago: float, total: int, bad: int = 0, speed: Speed | None = None) -> Sample:
    at = NOW - timedelta(minutes=minutes_ago)
    return Sample(at, "aws", predictions=total, failures=bad, speed=speed)


def judge(*samples: Sample, slo: Slo = SLO) -> Goal:
    return judge_goals(slo, samples, NOW)[0]


def test_the_budget_that_is_left() -> None:
    """1,000,000 requests at 99.9 % may fail 1,000 times; 250 did: 1 - 250/1,000 = 0.75."""
    goal = judge(seen(60, 0), seen(0, 1_000_000, 250))
    assert goal.held == pytest.approx(0.99975)
    assert goal.budget_left == pytest.approx(0.75)
    assert goal.covered_seconds == 3600


def test_a_burn_rate_of_one_spends_the_budget_just_in_time() -> None:
    """1 of 1,000 fails at 99.9 %: 0.001 / 0.001 = 1. After all of the window nothing is left."""
    goal = judge(seen(60, 0), seen(0, 1000, 1))
    assert goal.burns[0].long == pytest.approx(1.0)
    assert goal.budget_left == pytest.approx(0.0)


def test_the_limits_are_the_workbooks_for_30_days_and_scale_with_the_window() -> None:
    """Of 30 days = 720 h: 0.02 x 720 / 1 = 14.4; 0.05 x 720 / 6 = 6; 0.1 x 720 / 72 = 1."""
    goal = judge(seen(60, 0), seen(0, 1000, 1))
    assert [burn.limit for burn in goal.burns] == pytest.approx([14.4, 6.0, 1.0])
    week = judge(seen(60, 0), seen(0, 1000, 1), slo=Slo(window=7 * 86400))
    assert week.burns[0].limit == pytest.approx(0.02 * 168)


def test_an_alarm_needs_both_windows_and_ends_with_its_cause() -> None:
    burning = judge(*(seen(m, (60 - m) * 100, (60 - m) * 2) for m in range(60, -1, -1)))
    assert burning.alarm == "page"
    assert burning.burns[0].short == pytest.approx(20.0)
    over = judge(
        *(seen(m, (60 - m) * 100, min(60 - m, 50) * 2) for m in range(60, -1, -1)),
    )
    assert (over.burns[0].fires, over.burns[0].short) == (False, 0.0)
    assert over.burns[0].long == pytest.approx(100 / 6000 / 0.001)


def test_a_window_that_nobody_counted_in_is_unknown_and_raises_no_alarm() -> None:
    goal = judge(seen(200, 0), seen(150, 1000, 1000))
    assert goal.burns[0].long is None
    assert goal.alarm == "ticket"  # of three days, in which all failed
    assert judge().unknown == "nobody counted"
    assert judge(seen(5, 7)).unknown == "nobody counted"
    assert judge(seen(5, 7), seen(0, 7)).unknown == "nothing was asked"


def test_a_router_started_anew_counts_from_nought() -> None:
    goal = judge(seen(10, 5000, 40), seen(5, 100, 1), seen(0, 300, 3))
    assert (goal.total, goal.bad) == (300, 3)


def test_a_look_long_before_the_window_does_not_open_it() -> None:
    """What happened between it and the window nobody knows: 20 minutes are counted, not 60."""
    goal = judge(seen(60 * 9, 0), seen(20, 9000, 900), seen(0, 9100, 900))
    hour = goal.burns[0]
    assert hour.long == 0.0
    assert (goal.total, goal.bad) == (9100, 900)


def test_latency_counts_what_began_too_late_and_only_at_its_own_bound() -> None:
    slo = Slo.model_validate({"latency": {"under": "250ms", "share": "99%"}})
    samples = [
        seen(60, 0, speed=Speed(0, 0, 0.25)),
        seen(30, 0, speed=Speed(7, 7, 0.5)),
        seen(0, 0, speed=Speed(985, 1000, 0.25)),
    ]
    _, goal = judge_goals(slo, samples, NOW)
    assert (goal.name, goal.total, goal.bad) == ("latency", 1000, 15)
    assert goal.budget_left == pytest.approx(1 - 15 / 10)


def test_only_a_page_lowers_the_verdict_and_says_how_fast_the_budget_goes() -> None:
    page = judge(*(seen(m, (60 - m) * 100, (60 - m) * 2) for m in range(60, -1, -1)))
    evidence = see_goals([page])
    assert evidence.sight is Sight.PARTLY
    assert evidence.says == (
        "availability: the error budget of 99.9 % goes 20.0 times (1 h) and 20.0 times (5 min) "
        "as fast as it may"
    )
    spent = judge(seen(60 * 24, 0), *(seen(60 * h, 10**6, 10**4) for h in (23, 2, 1, 0)))
    assert spent.budget_left is not None
    assert spent.budget_left < 0
    assert see_goals([spent]).sight is Sight.GOOD
    assert see_goals([judge()]).sight is Sight.UNSEEN


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=2, max_size=20))
def test_more_failures_never_leave_more_of_the_budget(grown: list[tuple[int, int]]) -> None:
    total = bad = 0
    samples = []
    for index, (more, failed) in enumerate(grown):
        total, bad = total + more, bad + min(failed, more)
        samples.append(seen(len(grown) - index, total, bad))
    goal = judge(*samples)
    worse = judge(*samples[:-1], seen(1, total + 1, bad + 1))
    if goal.budget_left is not None and worse.budget_left is not None:
        assert worse.budget_left <= goal.budget_left + 1e-9
