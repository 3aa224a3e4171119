"""What things cost, or that we do not know."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Protocol

from deployer.values import Cloud, Money

__all__ = ["Price", "PriceQuery", "PriceSource", "PriceTier", "Prices", "UnknownPrice"]


@dataclass(frozen=True, slots=True)
class PriceQuery:
    """What is asked: one (cloud, region, kind, sku, option).

    Attributes:
        kind: ``instance``, ``control_plane_hour``, ``object_storage``, ``lb_hour``,
            ``egress_internet``, … as in the price book.
        sku: The machine type or the vendor's tier; may be empty where the kind has only one.
        option: How it is bought: ``on-demand`` or ``spot``.
    """

    cloud: Cloud
    region: str
    kind: str
    sku: str = ""
    option: str = "on-demand"


@dataclass(frozen=True, slots=True)
class Price:
    """A list price: per ``unit``, from ``source``, true on ``as_of``.

    ``vcpu``, ``memory_gib`` and ``gpus`` are the size of an instance; 0 for anything else.
    """

    money: Money
    unit: str
    source: str
    as_of: date
    confidence: str
    vcpu: Decimal = Decimal(0)
    memory_gib: Decimal = Decimal(0)
    gpus: int = 0


@dataclass(frozen=True, slots=True)
class PriceTier:
    """One step of a graduated price: ``price`` per unit from ``begins`` units a month on."""

    begins: Decimal
    price: Price


@dataclass(frozen=True, slots=True)
class UnknownPrice:
    """No price, and why. Never counted as zero (G8)."""

    reason: str


class Prices(Protocol):
    """A price book. No I/O per question: look-ups are immediate."""

    @property
    def as_of(self) -> date:
        """The date of the newest entry."""
        ...

    def find(self, query: PriceQuery) -> Price | UnknownPrice:
        """Return the price of exactly this, or a named unknown; never a guess from a neighbour."""
        ...

    def find_tiers(self, query: PriceQuery) -> tuple[PriceTier, ...] | UnknownPrice:
        """Return all steps of a graduated price, rising; a flat price has one, from 0 on."""
        ...


class PriceSource(Protocol):
    """A vendor's own price list, asked for one machine at a time."""

    def ask(self, query: PriceQuery, known: Price) -> Price | UnknownPrice:
        """Return what exactly this machine costs now; several answers are an unknown.

        Args:
            query: A machine in a region, and how it is bought.
            known: The price there is: its size is the machine's.

        Raises:
            TransientError, AccessDeniedError, SetupError: The list cannot be asked.
        """
        ...
