"""A bill against an estimate of the same time: component by component, explained to the cent."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from deployer.cost.component import CURRENCY
from deployer.cost.focus.bill import Bill, BillLine
from deployer.cost.focus.units import read_unit
from deployer.cost.ran import Ran
from deployer.values import Cloud, Money

__all__ = ["Difference", "Reconciliation", "reconcile"]

_MACHINES = frozenset(("cpu", "memory", "gpu", "idle", "overhead", "machines"))
_Key = tuple[Cloud, str, str]
"""Cloud, region, component."""
_EGRESS = frozenset(("egress", "pushes"))


@dataclass(frozen=True, slots=True)
class Difference:
    """One component in one place, estimated and billed.

    Attributes:
        estimated: None when the estimate has no price for all of it.
        billed: Effective cost; None when the bill has no such charge.
        by_quantity: What more or less of it changed, at the estimate's price; None when either side
            does not say how much there was.
        by_price: The rest: another price than the estimate's.
        reasons: In words, where the difference comes from.
    """

    cloud: Cloud
    region: str
    component: str
    estimated: Money | None
    billed: Money | None
    by_quantity: Money | None
    by_price: Money | None
    reasons: tuple[str, ...]

    @property
    def difference(self) -> Money | None:
        """Billed less estimated; None when the estimate is not known."""
        if self.estimated is None:
            return None
        billed = self.billed.amount if self.billed else Decimal(0)
        return Money(billed - self.estimated.amount, CURRENCY)


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """All differences, and what of the bill has no place in the estimate.

    Attributes:
        elsewhere: Charges in other places than the targets'; None of them is compared.
        elsewhere_rows: How many there are.
        uncovered: Clouds that the bill has nothing of: it is another cloud's, so they are left out.
    """

    differences: tuple[Difference, ...]
    elsewhere: Money
    elsewhere_rows: int
    uncovered: tuple[Cloud, ...]
    bill: Bill

    @property
    def estimated(self) -> Money:
        """What is known of the estimate."""
        return _sum(it.estimated for it in self.differences)

    @property
    def billed(self) -> Money:
        """What was billed in the targets' places."""
        return _sum(it.billed for it in self.differences)

    @property
    def partial(self) -> bool:
        """Whether the estimate of something is unknown, or the bill has rows without a cost."""
        nulls = any(line.nulls for line in self.bill.lines.values())
        return nulls or any(it.estimated is None for it in self.differences)


def reconcile(ran: Ran, bill: Bill) -> Reconciliation:
    """Compare what ran with what was billed for the same time and places."""
    estimates = _estimates(ran)
    covered = {cloud for cloud, _, _ in bill.lines if cloud is not None}
    uncovered = sorted({cloud for cloud, _, _ in estimates} - covered)
    estimates = {key: it for key, it in estimates.items() if key[0] in covered}
    places = {(cloud, region) for cloud, region, _ in estimates}
    inside: dict[_Key, BillLine] = {}
    outside = []
    for (cloud, region, component), line in bill.lines.items():
        if cloud is not None and (cloud, region) in places:
            inside[cloud, region, component] = line
        else:
            outside.append(line)
    keys = sorted({*estimates, *inside})
    return Reconciliation(
        differences=tuple(_compare(key, estimates.get(key), inside.get(key)) for key in keys),
        elsewhere=Money(sum((line.effective for line in outside), Decimal(0)), CURRENCY),
        elsewhere_rows=sum(line.rows for line in outside),
        uncovered=tuple(uncovered),
        bill=bill,
    )


@dataclass
class _Estimate:
    """What is estimated of one component; ``quantities`` by unit, None among them when unknown."""

    amount: Decimal = Decimal(0)
    unknown: str = ""
    quantities: dict[str, Decimal] = field(default_factory=dict)
    measured: bool = True

    def count(self, quantity: Decimal | None, unit: str) -> None:
        if quantity is None:
            self.measured = False
            return
        name, factor = read_unit(unit)
        self.quantities[name] = self.quantities.get(name, Decimal(0)) + quantity * factor


def _estimates(ran: Ran) -> dict[_Key, _Estimate]:
    found: dict[_Key, _Estimate] = {}
    places: dict[str, tuple[Cloud, str]] = {}
    for row in ran.rows:
        component = _component(row.component)
        places[row.target] = (row.cloud, row.region)
        estimate = found.setdefault((row.cloud, row.region, component), _Estimate())
        estimate.unknown = estimate.unknown or row.unknown
        estimate.amount += row.amount.amount if row.amount else Decimal(0)
        if component != "machines":
            estimate.count(row.quantity, row.unit)
    for use in ran.machines:
        found[(*places[use.target], "machines")].count(use.hours, "hour")
    return found


def _component(name: str) -> str:
    """Return the name under which a bill has it: it knows machines, not what is idle of them."""
    if name in _MACHINES:
        return "machines"
    return "egress" if name in _EGRESS else name


def _compare(key: _Key, estimate: _Estimate | None, line: BillLine | None) -> Difference:
    cloud, region, component = key
    known = estimate is not None and not estimate.unknown
    estimated = Money(estimate.amount, CURRENCY) if estimate and known else None
    if estimate is None:
        estimated = Money(Decimal(0), CURRENCY)
    billed = Money(line.effective, CURRENCY) if line else None
    by_quantity = _quantity_effect(estimate, line) if estimated else None
    by_price = _price_effect(estimated, billed, by_quantity)
    return Difference(
        cloud=cloud,
        region=region,
        component=component,
        estimated=estimated,
        billed=billed,
        by_quantity=by_quantity,
        by_price=by_price,
        reasons=tuple(_explain(estimate, line, by_quantity, by_price)),
    )


def _shared_quantity(
    estimate: _Estimate | None, line: BillLine | None
) -> tuple[Decimal, Decimal, str] | None:
    """Return both quantities when both sides count in one and the same unit."""
    if estimate is None or line is None or not estimate.measured or len(estimate.quantities) != 1:
        return None
    billed: dict[str, Decimal] = {}
    for text, quantity in line.quantities.items():
        unit, factor = read_unit(text)
        billed[unit] = billed.get(unit, Decimal(0)) + quantity * factor
    (unit, ours), *_ = estimate.quantities.items()
    return (ours, billed[unit], unit) if set(billed) == {unit} and ours else None


def _quantity_effect(estimate: _Estimate | None, line: BillLine | None) -> Money | None:
    both = _shared_quantity(estimate, line)
    if both is None or estimate is None:
        return None
    ours, theirs, _ = both
    return Money((theirs - ours) * (estimate.amount / ours), CURRENCY)


def _price_effect(
    estimated: Money | None, billed: Money | None, by_quantity: Money | None
) -> Money | None:
    if estimated is None or billed is None or by_quantity is None:
        return None
    return Money(billed.amount - estimated.amount - by_quantity.amount, CURRENCY)


def _explain(
    estimate: _Estimate | None,
    line: BillLine | None,
    by_quantity: Money | None,
    by_price: Money | None,
) -> Iterator[str]:
    if estimate is None:
        yield "not in the estimate"
    elif estimate.unknown:
        yield f"the estimate is unknown: {estimate.unknown}"
    if line is None:
        yield "not in the bill"
    both = _shared_quantity(estimate, line)
    if both and by_quantity and by_price:
        ours, theirs, unit = both
        yield f"{theirs - ours:+,.3f} {unit}: {by_quantity.amount:+,.2f}"
        yield f"another price than the estimate's: {by_price.amount:+,.2f}"
    if line is not None and line.corrections:
        yield f"corrections of earlier invoices: {line.corrections:+,.2f}"
    if line is not None and line.nulls:
        yield f"{line.nulls} rows without a cost, which is not 0"


def _sum(amounts: Iterable[Money | None]) -> Money:
    return sum((amount for amount in amounts if amount), Money(Decimal(0), CURRENCY))
