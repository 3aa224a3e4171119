"""A bill added up: by cloud, region and component; what is odd about it is kept beside."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from deployer.cost.component import CURRENCY
from deployer.cost.exchange import ExchangeRate
from deployer.cost.focus.charge import Charge
from deployer.cost.focus.classify import classify_charge, cloud_of
from deployer.values import Cloud

__all__ = ["Bill", "BillKey", "BillLine", "add_up"]

BillKey = tuple[Cloud | None, str, str]
"""Cloud (None of another provider), region, component."""


@dataclass
class BillLine:
    """What was charged for one component in one place.

    Attributes:
        effective: Amortized; None values are counted in ``nulls``, never as 0.
        billed: On the invoice.
        quantities: By unit; None of a quantity that the bill does not give is left out.
        corrections: How much of ``effective`` corrects earlier invoices.
    """

    effective: Decimal = Decimal(0)
    billed: Decimal = Decimal(0)
    corrections: Decimal = Decimal(0)
    rows: int = 0
    nulls: int = 0
    quantities: dict[str, Decimal] = field(default_factory=dict)

    def add(self, charge: Charge) -> None:
        """Add a row."""
        self.rows += 1
        if charge.effective is None:
            self.nulls += 1
        else:
            self.effective += charge.effective
            self.corrections += charge.effective if charge.correction else 0
        self.billed += charge.billed or 0
        if charge.quantity is not None and charge.unit:
            before = self.quantities.get(charge.unit, Decimal(0))
            self.quantities[charge.unit] = before + charge.quantity


@dataclass
class Bill:
    """All of a file that falls into a time.

    Attributes:
        currencies: Effective cost by currency; amounts of different ones do not add.
        negatives: Usage rows with a negative quantity that are no corrections.
        converted: The rates by which amounts in other currencies were taken in.
        outside: Rows before or after the time.
        last: The end of the last charge: how far the bill reaches.
    """

    lines: dict[BillKey, BillLine] = field(default_factory=dict)
    currencies: dict[str, Decimal] = field(default_factory=dict)
    converted: dict[str, ExchangeRate] = field(default_factory=dict)
    negatives: int = 0
    outside: int = 0
    last: datetime | None = None

    @property
    def foreign(self) -> Mapping[str, Decimal]:
        """What is charged in currencies without a rate, so that nothing is compared in them."""
        known = {CURRENCY, *self.converted}
        return {name: amount for name, amount in self.currencies.items() if name not in known}


def add_up(
    charges: Iterable[Charge],
    began: datetime,
    ended: datetime,
    wanted: Callable[[Charge], bool] = lambda _: True,
    rates: Mapping[str, ExchangeRate] | None = None,
) -> Bill:
    """Add up the charges whose period begins within the time.

    Those in the estimate's currency, or in one that ``rates`` knows, become lines; the others are
    shown by currency.
    """
    bill = Bill()
    for charge in charges:
        if not wanted(charge):
            continue
        if not began <= charge.began < ended:
            bill.outside += 1
            continue
        _add(bill, charge, rates or {})
    return bill


def _add(bill: Bill, charge: Charge, rates: Mapping[str, ExchangeRate]) -> None:
    bill.last = max(bill.last or charge.ended, charge.ended)
    before = bill.currencies.get(charge.currency, Decimal(0))
    bill.currencies[charge.currency] = before + (charge.effective or 0)
    if charge.quantity is not None and charge.quantity < 0:
        bill.negatives += charge.category == "Usage" and not charge.correction
    if charge.currency != CURRENCY:
        rate = rates.get(charge.currency)
        if rate is None:
            return
        bill.converted[charge.currency] = rate
        charge = _convert(charge, rate.usd)
    key = (cloud_of(charge.provider), charge.region, classify_charge(charge))
    bill.lines.setdefault(key, BillLine()).add(charge)


def _convert(charge: Charge, usd: Decimal) -> Charge:
    """Return it in the estimate's currency: 10.00 EUR at 1.08 are 10.80 USD; a null stays one."""
    return replace(
        charge,
        currency=CURRENCY,
        billed=None if charge.billed is None else charge.billed * usd,
        effective=None if charge.effective is None else charge.effective * usd,
    )
