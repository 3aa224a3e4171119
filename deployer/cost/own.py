"""What an hour of a machine of one's own costs: its purchase over its years, and its power."""

from datetime import date
from decimal import Decimal

from deployer.cost.component import CURRENCY
from deployer.ports import Price
from deployer.values import Money

__all__ = ["price_own_machine"]

_HOURS_PER_YEAR = 8760


def price_own_machine(
    purchase: Decimal, years: Decimal, watts: Decimal, per_kwh: Decimal, *, as_of: date
) -> Price:
    """Return the price per hour of a machine that runs all the time.

    Args:
        purchase: What it cost.
        years: How long it serves, to be worth nothing afterwards.
        watts: What it draws on average.
        per_kwh: What a kWh costs, cooling and all.
        as_of: When these figures were true.
    """
    hourly = purchase / (years * _HOURS_PER_YEAR) + watts / 1000 * per_kwh
    words = f"{purchase:f} {CURRENCY} over {years:f} years, {watts:f} W at {per_kwh:f} per kWh"
    money = Money(hourly.quantize(Decimal("0.000001")), CURRENCY)
    return Price(money, "hour", words, as_of, "medium")
