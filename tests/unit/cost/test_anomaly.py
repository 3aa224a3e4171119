from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.cost.anomaly import score_day, score_value
from deployer.cost.cause import name_cause
from deployer.cost.ran import Ran, Window, price_ran
from deployer.cost.samples import Sample
from deployer.release.records import Span

Maker = Callable[..., Any]
DAY = timedelta(days=1)
FIRST = datetime(2026, 11, 1, tzinfo=UTC)
LAST = date(2026, 11, 22)


def test_a_score_is_the_distance_from_the_median_in_median_deviations() -> None:
    """Of 8, 9, 10, 10, 11, 12, 14 the median is 10; the deviations 2, 1, 0, 0, 1, 2, 4 have the
    median 1. 20 scores 0.6745 x (20 - 10) / 1 = 6.745, 5 scores -3.3725.
    """
    before = [Decimal(n) for n in (8, 9, 10, 10, 11, 12, 14)]
    assert score_value(Decimal(20), before) == Decimal("6.745")
    assert score_value(Decimal(5), before) == Decimal("-3.3725")


def test_days_that_are_all_the_same_have_a_deviation_of_one_percent() -> None:
    """The median is 10, so 1 % is 0.10: 10.50 scores 0.6745 x 0.50 / 0.10 = 3.3725."""
    assert score_value(Decimal("10.50"), [Decimal(10)] * 7) == Decimal("3.3725")


@given(st.lists(st.integers(1, 10_000), min_size=7, max_size=28), st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_one_wild_day_before_does_not_hide_another(before: list[int], wild: int) -> None:
    """The sign is the side it is on, and one more outlier moves median and MAD but little."""
    values = [Decimal(n) for n in before]
    highest = max(values) + 1
    assert score_value(highest, values) > 0
    assert score_value(min(values) - 1, values) < 0
    assert score_value(highest + wild, values) >= score_value(highest, values)


class Story:
    """Three weeks of two replicas on one machine; on the last day eight, on three."""

    def __init__(self, make_site: Maker, make_release: Maker) -> None:
        self.bundles = {1: make_release(make_site("aws"), number=1, response_kib=1024)}
        self.spans = [Span(target="aws", release=1, began=FIRST - DAY)]
        self.samples = []
        for hour in range(24 * 22):
            at = FIRST + timedelta(hours=hour)
            busy = at.date() == LAST
            answered = hour * 1000 + (max(0, hour - 24 * 21) * 50_000 if busy else 0)
            self.samples.append(Sample(at, "aws", 8 if busy else 2, predictions=answered))

    def price(self, window: Window) -> Ran:
        return price_ran(self.spans, self.bundles, window, samples=self.samples)


def test_an_odd_day_is_found_and_its_cause_named(make_site: Maker, make_release: Maker) -> None:
    """Eight replicas of 1 vCPU need three machines, as 3.92 are left of 4 on each: 72 machine-hours
    instead of 24, 48 x 0.192 = 9.22 more. 1.17 million answers of 1 MiB more are egress.
    """
    story = Story(make_site, make_release)
    ran = story.price(Window(FIRST, FIRST + 22 * DAY))
    scores = {it.component: it for it in score_day(ran.rows, LAST, {"aws": FIRST.date()})}
    odd = {name for name, score in scores.items() if score.is_anomaly}
    assert odd == {"machines", "egress", "balancer"}
    assert scores["machines"].usual.amount.quantize(Decimal("1e-9")) == Decimal("4.608")
    cause = name_cause(scores["machines"], story.price)
    assert "24.0 to 72.0 machine-hours (+9.22)" in cause
    assert "compared with 2026-11-01" in cause
    assert "predictions" in name_cause(scores["egress"], story.price)


def test_another_release_at_another_price_is_a_cause(make_site: Maker, make_release: Maker) -> None:
    """0.192 to 0.384 an hour for 24 hours: 4.61 more."""
    story = Story(make_site, make_release)
    site = story.bundles[1].targets[0]
    dearer = tuple(
        it.model_copy(update={"amount": it.amount * 2}) if it.kind == "instance" else it
        for it in site.prices
    )
    story.samples = []
    changed = site.model_copy(update={"prices": dearer})
    story.bundles[2] = make_release(changed, number=2, response_kib=1024)
    switch = datetime(2026, 11, 22, tzinfo=UTC)
    story.spans = [
        Span(target="aws", release=1, began=FIRST - DAY, ended=switch),
        Span(target="aws", release=2, began=switch),
    ]
    ran = story.price(Window(FIRST, FIRST + 22 * DAY))
    scores = {it.component: it for it in score_day(ran.rows, LAST, {"aws": FIRST.date()})}
    cause = name_cause(scores["machines"], story.price)
    assert cause.startswith("release 2 instead of 1; 0.1920 to 0.3840 an hour (+4.61)")


def test_more_of_something_is_a_cause(make_site: Maker, make_release: Maker) -> None:
    """A model of 5,000 GB instead of 50: 115.00 a month instead of 1.15, 3.83 a day."""
    story = Story(make_site, make_release)
    story.samples = []
    story.bundles[2] = make_release(make_site("aws"), number=2, size=5000 * 10**9)
    switch = datetime(2026, 11, 22, tzinfo=UTC)
    story.spans = [
        Span(target="aws", release=1, began=FIRST - DAY, ended=switch),
        Span(target="aws", release=2, began=switch),
    ]
    ran = story.price(Window(FIRST, FIRST + 22 * DAY))
    scores = {it.component: it for it in score_day(ran.rows, LAST, {"aws": FIRST.date()})}
    assert scores["storage"].cost.amount.quantize(Decimal("0.01")) == Decimal("3.83")
    cause = name_cause(scores["storage"], story.price)
    assert cause.startswith("release 2 instead of 1; 1.667 to 166.667 GB-month")


def test_too_short_a_past_is_not_judged(make_site: Maker, make_release: Maker) -> None:
    story = Story(make_site, make_release)
    ran = story.price(Window(FIRST, FIRST + 22 * DAY))
    assert score_day(ran.rows, LAST, {"aws": LAST - 6 * DAY}) == ()
    assert score_day(ran.rows, LAST, {}) == ()


def test_a_component_without_a_price_has_no_score(make_site: Maker, make_release: Maker) -> None:
    story = Story(make_site, make_release)
    story.bundles = {1: make_release(make_site("aws", machine="m9.none"), number=1)}
    ran = story.price(Window(FIRST, FIRST + 22 * DAY))
    scored = {it.component for it in score_day(ran.rows, LAST, {"aws": FIRST.date()})}
    assert "machines" not in scored
    assert "control plane" in scored
