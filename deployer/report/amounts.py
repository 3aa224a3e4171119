"""Money in documents: decimal strings with six places, null where nothing is known."""

from decimal import Decimal

from deployer.cost.component import Component
from deployer.values import Json, Money

__all__ = ["describe_amount", "describe_component", "describe_total"]

_PRECISION = Decimal("0.000001")


def describe_amount(money: Money | None) -> str | None:
    """Return the amount with six decimals; None stays None."""
    return None if money is None else f"{money.amount.quantize(_PRECISION):f}"


def describe_component(component: Component) -> dict[str, Json]:
    """Describe one line of a bill."""
    return {
        "name": component.name,
        "monthly": describe_amount(component.monthly),
        "unknown": component.unknown or None,
        "basis": component.basis,
        "as_of": component.as_of.isoformat() if component.as_of else None,
        "confidence": component.confidence or None,
        "source": component.source or None,
    }


def describe_total(known: Money, *, partial: bool, most: Money | None = None) -> dict[str, Json]:
    """Describe a sum; null when it is partial and nothing of it is known."""
    total: dict[str, Json] = {
        "monthly": None if partial and not known.amount else describe_amount(known),
        "currency": known.currency,
        "partial": partial,
    }
    return total if most is None else {**total, "most": describe_amount(most)}
