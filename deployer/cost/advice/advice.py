"""One proposal, or why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from deployer.cost.component import CURRENCY
from deployer.cost.estimate import TargetEstimate
from deployer.cost.machine import Machine
from deployer.cost.rates import Rates
from deployer.ports import Prices
from deployer.release.records import Bundle, TargetBundle
from deployer.values import Money

__all__ = ["NOTHING", "Advice", "Case", "Confidence", "Kind", "Rules", "Silence", "say_percent"]

Kind = Literal["right-size", "spot", "move", "idle", "old-artifacts", "extra-copies"]
Confidence = Literal["high", "medium", "low"]

NOTHING = Money(Decimal(0), CURRENCY)

_DAYS_PER_MONTH = Decimal(730) / 24


@dataclass(frozen=True, slots=True)
class Rules:
    """What is taken for granted; every proposal says which of it it rests on.

    Attributes:
        percentile: Of a replica's use of processors, what it should be given.
        headroom: On top, as a share. Of memory the most that was seen counts, as what is above
            its limit is killed.
        interruptions: Share of spot machines that are taken away in a month. AWS's Spot Advisor
            puts machines in ranges, the last of them "more than 20 %".
        fallback: Share of the time for which on-demand machines stand in for spot ones.
        load_seconds: How long a replica takes until it serves; None when nobody says.
    """

    percentile: int = 95
    headroom: Decimal = Decimal("0.2")
    interruptions: Decimal = Decimal("0.2")
    fallback: Decimal = Decimal("0.05")
    load_seconds: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One live target as it is.

    Attributes:
        replicas: By target, how many run of the release.
        books: By target, what knows prices.
    """

    bundle: Bundle
    part: TargetBundle
    estimate: TargetEstimate
    machine: Machine
    rates: Rates
    books: Mapping[str, Prices]
    replicas: Mapping[str, int]

    @property
    def target(self) -> str:
        """Its name."""
        return self.part.target


@dataclass(frozen=True, slots=True)
class Advice:
    """One proposal.

    Attributes:
        target: Or the store that it is about.
        do: What to do, in one sentence.
        why: The figures it rests on.
        saving: Of the bill, a month: only what really falls away.
        allocated: Of what the requests stand for, a month; what others could use then.
        touches: What the saving is made of: two that touch the same are never added up.
        changes: What would make it another one, and what it takes for granted.
        one_off: What doing it costs, once.
        blockers: By name, why it can't be done as it is; such a saving is not counted.
    """

    kind: Kind
    target: str
    do: str
    why: str
    saving: Money
    allocated: Money
    confidence: Confidence
    touches: frozenset[str]
    changes: tuple[str, ...] = ()
    one_off: Money = NOTHING
    blockers: tuple[str, ...] = ()

    @property
    def break_even_days(self) -> Decimal | None:
        """After how many days the saving has paid for doing it; None when it saves nothing."""
        if self.saving.amount <= 0:
            return None
        return self.one_off.amount / (self.saving.amount / _DAYS_PER_MONTH)


@dataclass(frozen=True, slots=True)
class Silence:
    """What was considered and is not advised, and what that would take."""

    kind: Kind
    target: str
    reason: str


def say_percent(share: Decimal) -> str:
    """Return ``20 %`` for 0.2."""
    return f"{(100 * share).normalize():f} %"
