"""A price that a cloud's own list said anew."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from deployer.ports import Price, PriceQuery
from deployer.values import Money

__all__ = ["renew_price"]


def renew_price(
    known: Price, hourly: Decimal, query: PriceQuery, *, source: str, as_of: date
) -> Price:
    """Return ``known`` at ``hourly``; a spot price moves all the time: low confidence."""
    return replace(
        known,
        money=Money(hourly),
        unit="hour",
        source=source,
        as_of=as_of,
        confidence="low" if query.option == "spot" else "high",
    )
