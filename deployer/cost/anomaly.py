"""Days that cost far more or less than the days before, and what made them so; pure.

The score is the modified z-score of Iglewicz and Hoaglin ("How to Detect and Handle Outliers",
1993): 0.6745 x (x - median) / MAD, told from 3.5 on. Median and MAD, the median of the absolute
deviations, are not moved by earlier outliers, as mean and standard deviation are.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from statistics import median

from deployer.cost.component import CURRENCY
from deployer.cost.row import CostRow, Part
from deployer.values import Money

__all__ = ["LEAST_DAYS", "MOST_DAYS", "THRESHOLD", "Score", "score_day", "score_value"]

THRESHOLD = Decimal("3.5")
"""Beyond it, on either side, a day is an anomaly: the value that Iglewicz and Hoaglin give."""

MOST_DAYS = 28
LEAST_DAYS = 7
"""Days before that are compared with: four weeks at most, and none is judged by less than one."""

_CONSISTENT = Decimal("0.6745")
"""The MAD of a normal distribution with a standard deviation of 1."""

_LEAST_SCALE = Decimal("0.01")
_LEAST_SHARE = Decimal("0.01")
"""Costs are often the same every day, so that the MAD is 0: a cent, or 1 % of the median, is the
least deviation that is reckoned with."""

_LEAST_DIFFERENCE = Decimal(1)
"""A day that differs by less, in the report's currency, is not worth anybody's time."""

_MACHINE_PARTS = (Part.ALLOCATED, Part.IDLE, Part.OVERHEAD)


@dataclass(frozen=True, slots=True)
class Score:
    """One component of a target on one day, against the days before.

    Attributes:
        usual: The median of the days before.
        score: Of the day; its sign says whether it cost more or less.
        like: The day before whose cost is nearest to the median.
    """

    target: str
    component: str
    day: date
    cost: Money
    usual: Money
    score: Decimal
    like: date

    @property
    def is_anomaly(self) -> bool:
        """Whether somebody should look: far from usual, and by enough to matter."""
        difference = abs(self.cost.amount - self.usual.amount)
        return abs(self.score) > THRESHOLD and difference >= _LEAST_DIFFERENCE


def score_day(rows: Iterable[CostRow], day: date, first: Mapping[str, date]) -> tuple[Score, ...]:
    """Score every component of every target on ``day``, by the `MOST_DAYS` days before.

    A component with an unknown amount on one of these days is not scored, and a target that was
    there for less than `LEAST_DAYS` full days before neither. A machine's cpu, memory, gpu, idle
    and overhead are one component, ``machines``: they only move among one another.

    Args:
        rows: What ran in these days.
        day: A full day.
        first: By target, the first full day on which it was there.
    """
    costs = _add_up(rows)
    found = []
    for (target, component), by_day in sorted(costs.items()):
        begun = max(first.get(target, day), day - timedelta(days=MOST_DAYS))
        days = [begun + timedelta(days=n) for n in range((day - begun).days)]
        if len(days) < LEAST_DAYS or any(by_day.get(it, _NOTHING) is None for it in (*days, day)):
            continue
        before = {it: by_day.get(it) or _NOTHING for it in days}
        found.append(_score(target, component, day, before, by_day.get(day) or _NOTHING))
    return tuple(found)


def score_value(value: Decimal, before: Sequence[Decimal]) -> Decimal:
    """Return the modified z-score of ``value`` among the values ``before``."""
    middle = median(before)
    deviation = median([abs(each - middle) for each in before])
    least = max(_LEAST_SCALE, _LEAST_SHARE * abs(middle))
    return _CONSISTENT * (value - middle) / max(deviation, least)


_NOTHING = Decimal(0)


def _add_up(rows: Iterable[CostRow]) -> dict[tuple[str, str], dict[date, Decimal | None]]:
    """Return the cost by target and component, day by day; None where some of it is unknown."""
    costs: dict[tuple[str, str], dict[date, Decimal | None]] = {}
    for row in rows:
        name = "machines" if row.part in _MACHINE_PARTS else row.component
        by_day = costs.setdefault((row.target, name), {})
        before = by_day.get(row.day, _NOTHING)
        by_day[row.day] = (
            None if before is None or row.amount is None else before + row.amount.amount
        )
    return costs


def _score(
    target: str, component: str, day: date, before: Mapping[date, Decimal], cost: Decimal
) -> Score:
    values = list(before.values())
    middle = median(values)
    return Score(
        target=target,
        component=component,
        day=day,
        cost=Money(cost, CURRENCY),
        usual=Money(middle, CURRENCY),
        score=score_value(cost, values),
        like=min(before, key=lambda it: (abs(before[it] - middle), it)),
    )
