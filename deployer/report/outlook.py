"""Where the month is going: so far, forecast, budget, and yesterday against the days before; pure.

`deployer exporter` shows it, `deployer report alerts` tells of it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from deployer.cost.anomaly import MOST_DAYS, Score, score_day
from deployer.cost.cause import name_cause
from deployer.cost.component import CURRENCY
from deployer.cost.forecast import Forecast, begin_month, forecast_month
from deployer.cost.ran import Ran, Window, price_ran
from deployer.cost.samples import Sample
from deployer.cost.standing import Standing, judge_month
from deployer.cost.sums import Sum, add_sums
from deployer.ports import Prices
from deployer.release.records import Bundle, Head, Span
from deployer.report.cost import CostReport
from deployer.spec.costs import Budget
from deployer.values import Money

__all__ = ["Anomaly", "Outlook", "begin_outlook", "build_outlook"]


@dataclass(frozen=True, slots=True)
class Anomaly:
    """A component that cost far more or less yesterday than it does, and what made it so."""

    score: Score
    cause: str


@dataclass(frozen=True, slots=True)
class Outlook:
    """A deployment's month.

    Attributes:
        day: The last full day, which ``scores`` are of.
        scores: Of every component that has a past to be held against.
        anomalies: Those that somebody should look at.
        gaps: Hours in which nobody looked, though samples were given: priced as releases ask.
    """

    name: str
    at: datetime
    forecasts: tuple[Forecast, ...]
    standings: tuple[Standing, ...]
    day: date
    scores: tuple[Score, ...]
    anomalies: tuple[Anomaly, ...]
    gaps: float = 0.0

    @property
    def so_far(self) -> Sum:
        """What all targets have cost since the first of the month."""
        return add_sums(each.so_far for each in self.forecasts)

    @property
    def month(self) -> Sum:
        """What all targets will have cost at its end."""
        return add_sums(each.month for each in self.forecasts)


def begin_outlook(now: datetime) -> datetime:
    """Return from when on it must be known what ran: the month, and the days that are compared."""
    midnight = datetime.combine(now.date(), time(), tzinfo=UTC)
    return min(begin_month(now), midnight - timedelta(days=MOST_DAYS + 1))


def build_outlook(
    head: Head,
    bundles: Mapping[int, Bundle],
    cost: CostReport,
    *,
    books: Mapping[str, Prices],
    budget: Budget | None,
    samples: Sequence[Sample] = (),
    now: datetime,
) -> Outlook:
    """Price what ran since `begin_outlook`, look ahead, and hold it against the budget.

    Args:
        head: The record.
        bundles: Every release that was live in that time.
        cost: A month of what is live.
        books: By target, what knows the prices that a release lacks.
        budget: The spec's.
        samples: What was seen of the targets, if somebody looked.
        now: The time.
    """

    def price(window: Window) -> Ran:
        return price_ran(head.spans, bundles, window, books=books, samples=samples)

    ran = price(Window(begin_outlook(now), now))
    day = now.date() - timedelta(days=1)
    scores = score_day(ran.rows, day, _first_days(head.spans))
    forecasts = forecast_month(ran, head.spans, _estimates(cost), now)
    return Outlook(
        name=head.name,
        at=now,
        forecasts=forecasts,
        standings=judge_month(budget, forecasts),
        day=day,
        scores=scores,
        anomalies=_find_anomalies(scores, price),
        gaps=sum((gap.ended - gap.began).total_seconds() for gap in ran.gaps) / 3600,
    )


def _find_anomalies(scores: Sequence[Score], price: Callable[[Window], Ran]) -> tuple[Anomaly, ...]:
    odd = [score for score in scores if score.is_anomaly]
    return tuple(Anomaly(score, name_cause(score, price)) for score in odd)


def _first_days(spans: Sequence[Span]) -> dict[str, date]:
    """Return the first full day of each target: the one after it began, but at midnight sharp."""
    began: dict[str, datetime] = {}
    for span in spans:
        began[span.target] = min(span.began, began.get(span.target, span.began))
    return {
        target: (first + timedelta(days=1) - timedelta.resolution).date()
        for target, first in began.items()
    }


def _estimates(cost: CostReport) -> dict[str, Sum]:
    """Return a month of every live target; of one that cannot be read all is unknown."""
    lost = {
        name: Sum(Money(Decimal(0), CURRENCY), (f"{name}: its release cannot be read",))
        for name in cost.left_out
    }
    return lost | {
        target.target: Sum(
            target.known,
            tuple(f"{target.target} {it.name}: {it.unknown}" for it in target.bill if it.unknown),
        )
        for target in cost.targets
    }
