"""Which targets are used first: as the spec says, or the cheapest."""

from deployer.release.records import PriceRecord
from deployer.snapshot.model import Snapshot
from deployer.spec import Spec

__all__ = ["tiers_of"]


def tiers_of(spec: Spec, snapshot: Snapshot) -> dict[str, int]:
    """Return each target's tier, 0 first; empty where the policy knows none.

    By cost, targets of equal hourly price of a replica's machine share a tier; one whose price is
    unknown, or in another currency than most, comes last: what may be dear is not used first.
    """
    match spec.routing.policy:
        case "priority":
            return {name: tier for tier, names in enumerate(spec.routing.tiers) for name in names}
        case "cost":
            return _rank_by_price(
                {
                    target.name: found.price
                    if (found := snapshot.targets.get(target.name))
                    else None
                    for target in spec.targets
                }
            )
        case _:
            return {}


def _rank_by_price(prices: dict[str, PriceRecord | None]) -> dict[str, int]:
    known = [price for price in prices.values() if price is not None and price.amount is not None]
    currencies = sorted(price.currency for price in known)
    currency = max(currencies, key=currencies.count, default="")
    amounts = sorted(
        {price.amount for price in known if price.currency == currency and price.amount}
    )
    tiers = {}
    for name, price in prices.items():
        comparable = price is not None and price.currency == currency
        hourly = price.amount if price is not None and comparable else None
        tiers[name] = amounts.index(hourly) if hourly in amounts else len(amounts)
    return tiers
