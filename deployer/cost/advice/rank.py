"""Proposals in order, and a sum in which nothing is saved twice."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from deployer.cost.advice.advice import Advice
from deployer.cost.component import CURRENCY
from deployer.values import Money

__all__ = ["Ranked", "add_savings", "rank_advice"]


@dataclass(frozen=True, slots=True)
class Ranked:
    """One proposal and its place.

    Attributes:
        instead_of: The place of the one that saves of the same thing, and is counted; None when
            this one is, or is blocked.
    """

    place: int
    advice: Advice
    instead_of: int | None

    @property
    def counted(self) -> bool:
        """Whether its saving is in the sum."""
        return self.instead_of is None and not self.advice.blockers


def rank_advice(advice: Iterable[Advice]) -> tuple[Ranked, ...]:
    """Order by what falls off the bill; what is blocked comes last.

    Two proposals that touch the same are alternatives: only the first of them is counted.
    """
    ordered = sorted(advice, key=_order)
    ranked: list[Ranked] = []
    for place, each in enumerate(ordered, start=1):
        rivals = (it.place for it in ranked if it.counted and it.advice.touches & each.touches)
        ranked.append(Ranked(place, each, None if each.blockers else next(rivals, None)))
    return tuple(ranked)


def add_savings(ranked: Sequence[Ranked]) -> Money:
    """Return what the counted ones save together, a month."""
    amounts = (it.advice.saving.amount for it in ranked if it.counted)
    return Money(sum(amounts, Decimal(0)), CURRENCY)


def _order(advice: Advice) -> tuple[bool, Decimal, Decimal, str, str]:
    return (
        bool(advice.blockers),
        -advice.saving.amount,
        -advice.allocated.amount,
        advice.target,
        advice.kind,
    )
