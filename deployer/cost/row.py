"""What ran, priced: one component of one release on one target for a time within one day (UTC)."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from deployer.values import Cloud, Money

__all__ = ["CostRow", "Gap", "MachineUse", "Part"]


class Part(StrEnum):
    """Whose a cost is: the release's own, or what comes with having it."""

    ALLOCATED = "allocated"
    IDLE = "idle"
    OVERHEAD = "overhead"
    SHARED = "shared"
    OWN = "own"


class CostRow(NamedTuple):
    """One line of what a time cost, exact.

    Attributes:
        part: ``allocated`` to the replicas, ``idle`` and ``overhead`` of their machines; ``shared``
            by all that runs on the cluster; the release's ``own`` storage and traffic.
        amount: None when unknown; ``unknown`` then says why.
        quantity: In ``unit`` at ``unit_price``; None when it is a sum over several prices.
        basis: What the quantity rests on: ``samples``, ``release`` or ``assumed``.
    """

    began: datetime
    ended: datetime
    target: str
    release: int
    cloud: Cloud
    region: str
    component: str
    part: Part
    amount: Money | None
    unknown: str = ""
    quantity: Decimal | None = None
    unit: str = ""
    unit_price: Money | None = None
    sku: str = ""
    basis: str = "release"

    @property
    def day(self) -> date:
        """The day it is in, UTC."""
        return self.began.date()


@dataclass(frozen=True, slots=True)
class MachineUse:
    """Machine-hours of one target at one price: what a bill for machines is compared with."""

    target: str
    machine: str
    hours: Decimal
    hourly: Money | None


@dataclass(frozen=True, slots=True)
class Gap:
    """A time nobody looked at a target, though samples were given: priced as the release asks."""

    target: str
    began: datetime
    ended: datetime
