from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.cost.forecast import Forecast, forecast_month
from deployer.cost.ran import Ran, Window, price_ran
from deployer.cost.row import CostRow, Part
from deployer.cost.standing import judge_month
from deployer.cost.sums import Sum
from deployer.release.records import Span
from deployer.spec.costs import Budget
from deployer.values import Cloud, Money

Maker = Callable[..., Any]
DAY = timedelta(days=1)
FIRST = datetime(2026, 11, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
CENT = Decimal("0.01")


def row(began: datetime, amount: str | None, *, target: str = "aws", hours: int = 24) -> CostRow:
    return CostRow(
        began=began,
        ended=began + timedelta(hours=hours),
        target=target,
        release=42,
        cloud=Cloud.AWS,
        region="us-east-1",
        component="machines",
        part=Part.OWN,
        amount=None if amount is None else Money(Decimal(amount)),
        unknown="" if amount else "no price",
    )


def span(began: datetime, ended: datetime | None = None, target: str = "aws") -> Span:
    return Span(target=target, release=42, began=began, ended=ended)


def forecast(
    rows: list[CostRow], spans: list[Span], estimates: dict[str, Sum] | None = None
) -> Forecast:
    (found,) = forecast_month(Ran(rows=rows), spans, estimates or {}, NOW)
    return found


def test_the_forecast_is_the_month_to_date_and_the_mean_of_seven_days_for_the_rest() -> None:
    """22 full days and a half: 15 x 10 + 7 x 17 + 8.50 = 277.50 until noon of the 23rd.

    The last seven full days had 17 each, 7.5 days are left: 277.50 + 17 x 7.5 = 405.00.
    """
    rows = [row(FIRST + n * DAY, "10" if n < 15 else "17") for n in range(22)]
    rows.append(row(FIRST + 22 * DAY, "8.50", hours=12))
    found = forecast(rows, [span(FIRST - 40 * DAY)])
    assert found.so_far == Sum(Money(Decimal("277.50")))
    assert found.month.known.amount.quantize(CENT) == Decimal("405.00")
    assert found.method == "month to date + mean of the last 7 full days x 7.5 days left"


def test_days_before_the_target_was_there_are_no_days_of_it() -> None:
    """It began at 18:00 on the 20th: the 21st and 22nd are full, (10 + 20) / 2 x 7.5 = 112.50."""
    began = datetime(2026, 11, 20, 18, tzinfo=UTC)
    rows = [row(began, "3", hours=6)]
    rows += [row(FIRST + 20 * DAY, "10"), row(FIRST + 21 * DAY, "20")]
    found = forecast(rows, [span(began)])
    assert found.month.known.amount.quantize(CENT) == Decimal("145.50")
    assert "2 full days" in found.method


def test_without_a_full_day_the_estimate_of_a_month_stands_for_the_rest() -> None:
    """An estimate of 365.00 for 730 h is 0.50 an hour; 180 h are left: 1 + 90 = 91.00."""
    estimates = {"aws": Sum(Money(Decimal(365)))}
    found = forecast([row(NOW - timedelta(hours=2), "1")], [span(NOW - DAY / 4)], estimates)
    assert found.month.known.amount.quantize(CENT) == Decimal("91.00")
    assert "no full day yet" in found.method


def test_what_has_ended_costs_no_more() -> None:
    found = forecast([row(FIRST, "10")], [span(FIRST, FIRST + DAY)])
    assert found.month == found.so_far
    assert found.method == "nothing is live any more"


def test_what_is_unknown_stays_unknown_and_is_never_a_nought() -> None:
    lost = Ran(left_out=[span(FIRST)])
    (found,) = forecast_month(lost, [span(FIRST)], {}, NOW)
    assert found.month.nothing
    assert found.month.unknown == ("aws: release 42 cannot be read",)
    partly = forecast([row(FIRST, "10"), row(NOW - DAY, None)], [span(FIRST)])
    assert partly.month.unknown == ("aws machines: no price",)


def test_real_machines_are_forecast_by_the_hours_of_the_month(
    make_site: Maker, make_release: Maker
) -> None:
    """An m6i.xlarge at 0.192, an EKS cluster at 0.10 and a balancer at 0.0225 an hour, live since
    October: 0.3145 x 720 h = 226.44, and 1.15 for 50 GB in the bucket, whatever the day is.
    """
    release, spans = make_release(make_site("aws")), [span(FIRST - 40 * DAY)]
    ran = price_ran(spans, {42: release}, Window(FIRST - 8 * DAY, NOW))
    (found,) = forecast_month(ran, spans, {}, NOW)
    assert abs(found.month.known.amount - Decimal("227.59")) < CENT  # October's GB-month is longer


@given(
    amounts=st.lists(st.integers(0, 1000), min_size=22, max_size=22),
    more=st.integers(1, 1000),
)
@settings(max_examples=25, deadline=None)
def test_a_forecast_is_never_below_the_month_to_date_and_grows_with_what_ran(
    amounts: list[int], more: int
) -> None:
    def total(amounts: list[int]) -> Forecast:
        rows = [row(FIRST + n * DAY, str(amount)) for n, amount in enumerate(amounts)]
        return forecast(rows, [span(FIRST)])

    found, dearer = total(amounts), total([*amounts[:-1], amounts[-1] + more])
    assert found.month.known.amount >= found.so_far.known.amount
    assert dearer.month.known.amount > found.month.known.amount


@pytest.mark.parametrize(
    ("so_far", "month", "unknown", "states"),
    [
        ("50", "90", (), ["within", "within"]),
        ("50", "100.01", (), ["within", "exceeded"]),
        ("100", "100", (), ["within", "within"]),
        ("101", "150", ("no price",), ["exceeded", "exceeded"]),
        ("50", "90", ("no price",), ["unknown", "unknown"]),
    ],
)
def test_a_month_is_held_against_its_budget_on_both_bases(
    so_far: str, month: str, unknown: tuple[str, ...], states: list[str]
) -> None:
    """Of 100 a month; what is partly unknown and within is no pass."""
    actual, end = (Sum(Money(Decimal(amount)), unknown) for amount in (so_far, month))
    budget = Budget.model_validate({"monthly": "100 USD", "targets": {"gcp": {"monthly": "1 USD"}}})
    found = judge_month(budget, [Forecast("aws", actual, end, "")])
    assert [(it.target, it.basis, it.state) for it in found] == [
        ("", "actual", states[0]),
        ("", "forecast", states[1]),
        ("gcp", "actual", "within"),
        ("gcp", "forecast", "within"),
    ]
    assert judge_month(None, []) == ()
    assert judge_month(Budget.model_validate({"increase": "5%"}), []) == ()
