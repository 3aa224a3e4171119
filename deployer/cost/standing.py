"""How a month stands to its budget: by what it has cost, and by what it will have cost."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from deployer.cost.forecast import Forecast
from deployer.cost.sums import Sum, add_sums
from deployer.spec.costs import Budget, Limit
from deployer.values import Money

__all__ = ["BASES", "STATES", "Basis", "Standing", "StandingState", "judge_month"]

Basis = Literal["actual", "forecast"]
StandingState = Literal["within", "exceeded", "unknown"]
BASES: tuple[Basis, ...] = ("actual", "forecast")
STATES: tuple[StandingState, ...] = ("within", "exceeded", "unknown")


@dataclass(frozen=True, slots=True)
class Standing:
    """One limit of a month and how the month stands to it.

    Attributes:
        target: Whose limit; empty for all targets together.
        figure: What is held against it: the month to date, or the forecast.
    """

    target: str
    basis: Basis
    limit: Money
    figure: Sum

    @property
    def state(self) -> StandingState:
        """``unknown`` when what is known is within, but something is not known: that is no pass."""
        if self.figure.known.amount > self.limit.amount:
            return "exceeded"
        return "unknown" if self.figure.unknown else "within"

    @property
    def share(self) -> Decimal:
        """What is known of the figure, as a share of the limit: 1 is all of it."""
        return self.figure.known.amount / self.limit.amount


def judge_month(budget: Budget | None, forecasts: Sequence[Forecast]) -> tuple[Standing, ...]:
    """Hold every amount that ``budget`` names against the month, on both bases.

    An increase is a plan's and has no meaning for a month.
    """
    if budget is None:
        return ()
    found = list(_judge("", budget, forecasts))
    for name, limit in sorted(budget.targets.items()):
        found += _judge(name, limit, [each for each in forecasts if each.target == name])
    return tuple(found)


def _judge(target: str, limit: Limit, forecasts: Sequence[Forecast]) -> Iterator[Standing]:
    if limit.monthly is None:
        return
    most = Money(limit.monthly.amount, limit.monthly.currency)
    yield Standing(target, "actual", most, add_sums(each.so_far for each in forecasts))
    yield Standing(target, "forecast", most, add_sums(each.month for each in forecasts))
