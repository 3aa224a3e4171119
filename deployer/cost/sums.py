"""Sums of what ran: what is known of them, and why the rest is not."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from deployer.cost.component import CURRENCY
from deployer.cost.row import CostRow
from deployer.values import Money

__all__ = ["Sum", "add_sums", "sum_rows"]


@dataclass(frozen=True, slots=True)
class Sum:
    """A sum of what is known, and why the rest is not."""

    known: Money
    unknown: tuple[str, ...] = ()

    @property
    def nothing(self) -> bool:
        """Whether nothing at all is known of it."""
        return bool(self.unknown) and not self.known.amount

    def scale(self, factor: Decimal) -> "Sum":
        """Return a part or a multiple of it."""
        return Sum(self.known * factor, self.unknown)


def sum_rows(rows: Iterable[CostRow]) -> Sum:
    """Add up what is known; every reason why something is not is kept once."""
    amount, reasons = Decimal(0), dict[str, None]()
    for row in rows:
        if row.amount is None:
            reasons[f"{row.target} {row.component}: {row.unknown}"] = None
        else:
            amount += row.amount.amount
    return Sum(Money(amount, CURRENCY), tuple(reasons))


def add_sums(sums: Iterable[Sum]) -> Sum:
    """Return all together."""
    total, reasons = Money(Decimal(0), CURRENCY), dict[str, None]()
    for each in sums:
        total += each.known
        reasons |= dict.fromkeys(each.unknown)
    return Sum(total, tuple(reasons))
