"""One line of a bill: a monthly amount with what it rests on, or why it is unknown (G8)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from deployer.ports import Price, UnknownPrice
from deployer.values import Money

__all__ = [
    "CURRENCY",
    "HOURS_PER_MONTH",
    "Component",
    "add_components",
    "known_sum",
    "price_component",
    "unknown_component",
]

CURRENCY = "USD"
"""The report's; an amount in another currency is unknown, for want of an exchange rate."""

HOURS_PER_MONTH = 730
"""365 x 24 / 12, as every cloud's own calculator counts."""


@dataclass(frozen=True, slots=True)
class Component:
    """What one thing costs per month, exact; rounding is for whoever shows it.

    Attributes:
        monthly: None when unknown; ``unknown`` then says why.
        basis: Quantity and unit price, for people.
        as_of: The date of the price.
        confidence: ``high``, ``medium`` or ``low``, as the price's source deserves.
        quantity: In ``unit`` at ``unit_price``; None of a graduated price and of several in one.
    """

    name: str
    monthly: Money | None
    basis: str = ""
    unknown: str = ""
    as_of: date | None = None
    confidence: str = ""
    source: str = ""
    quantity: Decimal | None = None
    unit: str = ""
    unit_price: Money | None = None

    def scale(self, factor: Decimal) -> "Component":
        """Return a part of it, such as a day of a month."""
        if self.monthly is None:
            return self
        return Component(
            self.name,
            self.monthly * factor,
            self.basis,
            as_of=self.as_of,
            confidence=self.confidence,
            source=self.source,
            quantity=None if self.quantity is None else self.quantity * factor,
            unit=self.unit,
            unit_price=self.unit_price,
        )


def price_component(
    name: str, price: Price | UnknownPrice, quantity: Decimal | int, basis: str
) -> Component:
    """Return ``quantity`` units of ``price``, or an unknown with the price's reason."""
    if isinstance(price, UnknownPrice):
        return unknown_component(name, price.reason)
    return Component(
        name=name,
        monthly=price.money * quantity,
        basis=f"{basis} at {price.money.amount.normalize():f} {price.money.currency}/{price.unit}",
        as_of=price.as_of,
        confidence=price.confidence,
        source=price.source,
        quantity=Decimal(quantity),
        unit=price.unit,
        unit_price=price.money,
    )


def unknown_component(name: str, reason: str) -> Component:
    """Return a component nobody has a price for."""
    return Component(name, None, unknown=reason)


def add_components(name: str, parts: Sequence[Component]) -> Component:
    """Return one component of several; unknown as soon as one of them is.

    Its date is the oldest and its confidence the least of theirs.
    """
    unknown = next((part for part in parts if part.monthly is None), None)
    if unknown is not None:
        return unknown_component(name, unknown.unknown)
    if len(parts) == 1:
        return replace(parts[0], name=name)
    return Component(
        name=name,
        monthly=known_sum(parts),
        basis="; ".join(part.basis for part in parts),
        as_of=min((part.as_of for part in parts if part.as_of), default=None),
        confidence=max((part.confidence for part in parts), key=_CONFIDENCE.index, default=""),
        source="; ".join(dict.fromkeys(part.source for part in parts if part.source)),
    )


_CONFIDENCE = ("", "high", "medium", "low")


def known_sum(components: Iterable[Component]) -> Money:
    """Return the sum of what is known; what is not is never counted as zero, but left out."""
    total = Money(Decimal(0), CURRENCY)
    for component in components:
        if component.monthly is not None:
            total += component.monthly
    return total
