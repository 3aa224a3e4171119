"""What a target's things cost: frozen when a release is made, found again when it is priced."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from deployer.cost.component import CURRENCY
from deployer.ports import Price, PriceQuery, Prices, PriceTier, UnknownPrice
from deployer.release.records import Bundle, PriceRecord, TargetBundle, TierRecord
from deployer.values import Cloud, Money

__all__ = ["Quote", "Rates", "freeze_prices"]

_SKUS: Mapping[Cloud, Mapping[str, str]] = {
    Cloud.AWS: {
        "control_plane_hour": "eks-standard",
        "lb_hour": "nlb",
        "lb_lcu_hour": "nlb",
        "object_storage": "s3-standard",
        "object_put_1k": "s3-standard",
        "object_get_1k": "s3-standard",
        "block": "gp3",
    },
    Cloud.GCP: {
        "control_plane_hour": "gke",
        "lb_hour": "forwarding-rule",
        "lb_gb": "forwarding-rule",
        "object_storage": "gcs-standard",
        "object_put_1k": "gcs-standard",
        "object_get_1k": "gcs-standard",
        "egress_internet": "premium",
        "block": "pd-ssd",
    },
    Cloud.AZURE: {
        "control_plane_hour": "aks-standard",
        "lb_hour": "standard",
        "lb_gb": "standard",
        "object_storage": "blob-hot-lrs",
        "object_put_1k": "blob-hot-lrs",
        "object_get_1k": "blob-hot",
        "egress_internet": "microsoft",
        "block": "premium-ssd-v2",
    },
}
"""What a deployment of ours uses of each cloud: the vendor's default class and network tier.

Google's default network tier is Premium and Azure's default routing is Microsoft's own network, so
that is what a cluster's traffic is billed at unless somebody chose otherwise.
"""

_KINDS = (
    "control_plane_hour",
    "lb_hour",
    "lb_lcu_hour",
    "lb_gb",
    "nat_hour",
    "nat_gb",
    "object_storage",
    "object_put_1k",
    "object_get_1k",
    "egress_internet",
    "egress_interregion",
    "block",
    "log_gb",
)


@dataclass(frozen=True, slots=True)
class Quote:
    """A price, or why there is none; ``origin`` is ``release``, ``book``, or empty without one."""

    price: Price | UnknownPrice
    origin: str


class Rates:
    """The prices of one target of a release: those frozen into it, then the book's.

    Attributes:
        book: None when the target has left the spec, so that nothing says which book is its.
    """

    def __init__(self, bundle: Bundle, part: TargetBundle, book: Prices | None = None) -> None:
        self.bundle = bundle
        self.part = part
        self.book = book
        self._records = {record.kind: record for record in part.prices}
        self._quotes: dict[str, Quote] = {}
        self._tiers: dict[str, tuple[PriceTier, ...] | UnknownPrice] = {}

    def find(self, kind: str) -> Quote:
        """Return what ``kind`` costs; a frozen price comes before the book's."""
        if kind not in self._quotes:
            self._quotes[kind] = self._look_up(kind)
        return self._quotes[kind]

    def tiers(self, kind: str) -> tuple[PriceTier, ...] | UnknownPrice:
        """Return the steps of a graduated price, in the same order of preference."""
        if kind not in self._tiers:
            self._tiers[kind] = self._look_up_tiers(kind)
        return self._tiers[kind]

    def find_in_book(self, kind: str) -> Price | UnknownPrice:
        """Return what the book says, whatever was frozen."""
        if self.book is None:
            return self._unknown(kind)
        found = self.book.find(self._query(kind))
        if isinstance(found, Price) and found.money.currency != CURRENCY:
            return UnknownPrice(f"it is priced in {found.money.currency}, without an exchange rate")
        return found

    def _look_up(self, kind: str) -> Quote:
        record = self._record(kind)
        if record is not None and record.amount is not None and record.currency == CURRENCY:
            return Quote(_thaw(record, record.amount, self.bundle), "release")
        found = self.find_in_book(kind)
        return Quote(found, "" if isinstance(found, UnknownPrice) else "book")

    def _look_up_tiers(self, kind: str) -> tuple[PriceTier, ...] | UnknownPrice:
        record = self._record(kind)
        if record is not None and record.amount is not None and record.currency == CURRENCY:
            return _thaw_tiers(record, record.amount, self.bundle)
        return self.book.find_tiers(self._query(kind)) if self.book else self._unknown(kind)

    def _record(self, kind: str) -> PriceRecord | None:
        return self._records.get(kind)

    def _query(self, kind: str) -> PriceQuery:
        machine = self.part.price
        option = machine.option if machine is not None and kind == "instance" else "on-demand"
        sku = _sku_of(self.part.cloud, kind, self.part.machine)
        return PriceQuery(self.part.cloud, self.part.region, kind, sku, option)

    def _unknown(self, kind: str) -> UnknownPrice:
        record = self._record(kind)
        if record is not None and record.unknown:
            return UnknownPrice(record.unknown)
        return UnknownPrice(f"no price of it came with release {self.bundle.number}")


def freeze_prices(
    prices: Prices, cloud: Cloud, region: str, machine: str, *, option: str = "on-demand"
) -> tuple[PriceRecord, ...]:
    """Return what everything a deployment uses there costs now, or why that is unknown."""
    queries = [PriceQuery(cloud, region, "instance", machine, option)]
    queries += [PriceQuery(cloud, region, kind, _sku_of(cloud, kind, machine)) for kind in _KINDS]
    return tuple(_freeze(prices, query) for query in queries)


def _sku_of(cloud: Cloud, kind: str, machine: str) -> str:
    return machine if kind == "instance" else _SKUS.get(cloud, {}).get(kind, "")


def _freeze(prices: Prices, query: PriceQuery) -> PriceRecord:
    found, tiers = prices.find(query), prices.find_tiers(query)
    if isinstance(found, UnknownPrice) or isinstance(tiers, UnknownPrice):
        reason = found.reason if isinstance(found, UnknownPrice) else ""
        return PriceRecord(
            kind=query.kind, sku=query.sku, option=query.option, amount=None, unknown=reason
        )
    graduated = len(tiers) > 1 or tiers[0].begins
    return PriceRecord(
        kind=query.kind,
        sku=query.sku,
        option=query.option,
        amount=found.money.amount,
        unit=found.unit,
        currency=found.money.currency,
        source=found.source,
        as_of=found.as_of.isoformat(),
        confidence=found.confidence,
        vcpu=found.vcpu,
        memory_gib=found.memory_gib,
        gpus=found.gpus,
        tiers=tuple(_freeze_tier(tier) for tier in tiers) if graduated else (),
    )


def _freeze_tier(tier: PriceTier) -> TierRecord:
    return TierRecord(begins=tier.begins, amount=tier.price.money.amount)


def _thaw(record: PriceRecord, amount: Decimal, bundle: Bundle) -> Price:
    return Price(
        money=Money(amount, record.currency),
        unit=record.unit,
        source=record.source or f"release {bundle.number}",
        as_of=_date(record.as_of, bundle.created),
        confidence=record.confidence,
        vcpu=record.vcpu,
        memory_gib=record.memory_gib,
        gpus=record.gpus,
    )


def _thaw_tiers(record: PriceRecord, amount: Decimal, bundle: Bundle) -> tuple[PriceTier, ...]:
    if not record.tiers:
        return (PriceTier(Decimal(0), _thaw(record, amount, bundle)),)
    return tuple(
        PriceTier(tier.begins, _thaw(record, tier.amount, bundle)) for tier in record.tiers
    )


def _date(text: str, created: datetime) -> date:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return created.date()
