"""Graduated prices: each step's units at its own price."""

from collections.abc import Sequence
from decimal import Decimal

from deployer.ports import PriceTier
from deployer.values import Money

__all__ = ["UNIT_BYTES", "price_graduated"]

UNIT_BYTES = {"GB": 10**9, "GiB": 1024**3, "GB-month": 10**9, "GiB-month": 1024**3}
"""What one unit of a price is in bytes: vendors bill both."""


def price_graduated(
    tiers: Sequence[PriceTier], quantity: Decimal, *, already: Decimal = Decimal(0)
) -> Money:
    """Return what ``quantity`` units cost on top of those that the account has used ``already``.

    Never less for more. Steps that cost nothing are a vendor's free tier, which is granted once per
    account and not per deployment: their units cost what the first paid step asks.
    """
    steps = _without_free(tiers)
    currency = tiers[0].price.money.currency
    return Money(_total(steps, already + quantity) - _total(steps, already), currency)


def _without_free(tiers: Sequence[PriceTier]) -> list[tuple[Decimal, Decimal]]:
    """Return (begin, price) of each paid step, the first of them from 0 on."""
    paid = [(tier.begins, tier.price.money.amount) for tier in tiers if tier.price.money.amount]
    if not paid:
        return [(Decimal(0), Decimal(0))]
    return [(Decimal(0), paid[0][1]), *paid[1:]]


def _total(steps: Sequence[tuple[Decimal, Decimal]], units: Decimal) -> Decimal:
    ends = [begin for begin, _ in steps[1:]]
    total = Decimal(0)
    for (begin, price), end in zip(steps, [*ends, units], strict=True):
        total += max(min(units, end) - begin, Decimal(0)) * price
    return total
