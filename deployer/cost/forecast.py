"""What the month has cost so far and what it will have cost at its end, target by target; pure.

The forecast is the month to date and the mean of the last full days times the days that are left:
the method of the vendors' own budgets in its plainest form, which anybody can check by hand.
"""

from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from deployer.cost.component import HOURS_PER_MONTH
from deployer.cost.ran import Ran, hours_between
from deployer.cost.row import CostRow
from deployer.cost.sums import Sum, add_sums, sum_rows
from deployer.release.records import Span

__all__ = ["MEAN_DAYS", "Forecast", "begin_month", "end_month", "forecast_month"]

MEAN_DAYS = 7
"""Full days whose mean is taken: a week, so that every weekday counts once."""

_HOURS_PER_DAY = 24


@dataclass(frozen=True, slots=True)
class Forecast:
    """One target's month.

    Attributes:
        so_far: From the first of the month until now.
        month: At its end, if the days that are left are like those that ``method`` names.
    """

    target: str
    so_far: Sum
    month: Sum
    method: str


def forecast_month(
    ran: Ran, spans: Sequence[Span], estimates: Mapping[str, Sum], now: datetime
) -> tuple[Forecast, ...]:
    """Return every target's month to date and forecast, in the order of their names.

    Args:
        ran: What ran from `MEAN_DAYS` days ago or the first of the month, the earlier of both.
        spans: What was live when; a target where nothing is live any more costs no more.
        estimates: By target, what a month of 730 h of what is live costs: what the days that are
            left are taken for while there was no full day yet.
        now: The time.
    """
    rows: dict[str, list[CostRow]] = {}
    for row in ran.rows:
        rows.setdefault(row.target, []).append(row)
    lost = _reasons_of_lost(ran.left_out)
    return tuple(
        _forecast(
            target,
            rows.get(target, []),
            [span for span in spans if span.target == target],
            estimate=estimates.get(target),
            lost=lost.get(target, ()),
            now=now,
        )
        for target in sorted({*rows, *lost, *estimates})
    )


def begin_month(now: datetime) -> datetime:
    """Return the first moment of the month, UTC, as bills have it."""
    return datetime(now.year, now.month, 1, tzinfo=UTC)


def end_month(now: datetime) -> datetime:
    """Return the first moment of the next month, UTC."""
    return begin_month(now) + timedelta(days=monthrange(now.year, now.month)[1])


def _forecast(
    target: str,
    rows: Sequence[CostRow],
    spans: Sequence[Span],
    *,
    estimate: Sum | None,
    lost: tuple[str, ...],
    now: datetime,
) -> Forecast:
    month = begin_month(now)
    so_far = _with(sum_rows(row for row in rows if row.began >= month), lost)
    if spans and all(span.ended is not None for span in spans):
        return Forecast(target, so_far, so_far, "nothing is live any more")
    left = hours_between(now, end_month(now))
    days = _full_days(spans, now)
    if days:
        mean = sum_rows(row for row in rows if row.day in days).scale(1 / Decimal(len(days)))
        rest = mean.scale(left / _HOURS_PER_DAY)
        method = f"month to date + mean of the last {_count(days)} x {left / 24:.1f} days left"
    else:
        rest = estimate.scale(left / HOURS_PER_MONTH) if estimate else Sum(so_far.known * 0, lost)
        method = f"month to date + the estimate of a month for {left:.0f} h left; no full day yet"
    return Forecast(target, so_far, add_sums([so_far, rest]), method)


def _full_days(spans: Sequence[Span], now: datetime) -> frozenset[date]:
    """Return the last days before today that began when the target was there already."""
    first = min((span.began for span in spans), default=now)
    past = (now.date() - timedelta(days=back) for back in range(1, MEAN_DAYS + 1))
    return frozenset(day for day in past if datetime.combine(day, time(), tzinfo=UTC) >= first)


def _reasons_of_lost(spans: Iterable[Span]) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for span in spans:
        reason = f"{span.target}: release {span.release} cannot be read"
        found.setdefault(span.target, {})[reason] = None
    return {target: tuple(reasons) for target, reasons in found.items()}


def _with(total: Sum, reasons: tuple[str, ...]) -> Sum:
    return Sum(total.known, (*total.unknown, *reasons))


def _count(days: frozenset[date]) -> str:
    return "full day" if len(days) == 1 else f"{len(days)} full days"
