"""What the replicas of a target cost: by their share of a machine, and by whole machines."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from deployer.ports import Price, UnknownPrice
from deployer.release.records import Bundle, PriceRecord, TargetBundle
from deployer.report.component import (
    CURRENCY,
    HOURS_PER_MONTH,
    Component,
    price_component,
    unknown_component,
)
from deployer.report.quantity import parse_quantity
from deployer.report.sizing import Size, count_nodes, share_of
from deployer.values import Money

__all__ = ["Machine", "price_nodes", "price_requests", "read_machine"]


@dataclass(frozen=True, slots=True)
class Machine:
    """A target's kind of node and what one replica asks of it.

    Attributes:
        size: None when the book does not know the machine.
        hourly: Its price, or why that is unknown.
        hourly_from: ``release`` when the price was frozen into it, else ``book``; empty when it is
            unknown.
        fault: Why replicas cannot be priced on it; empty when they can.
    """

    name: str
    replica: Size
    size: Size | None
    hourly: Price | UnknownPrice
    hourly_from: str
    fault: str = ""


def read_machine(bundle: Bundle, part: TargetBundle, book: Price | UnknownPrice) -> Machine:
    """Put together what the release froze and what the book knows.

    The frozen price comes first: it is what the release was decided on. Sizes are the book's.
    """
    hourly, hourly_from = _hourly(bundle, part, book)
    replica = Size(parse_quantity(part.cpu), parse_quantity(part.memory) / 1024**3, part.gpu)
    size = None if isinstance(book, UnknownPrice) else _size_of(book)
    fault = _fault(part, hourly, book, replica)
    return Machine(part.machine, replica, size, hourly, hourly_from, fault)


def price_nodes(machine: Machine, replicas: int) -> tuple[int | None, Component]:
    """Return how many whole machines the replicas need, and what those cost a month."""
    if machine.fault or machine.size is None:
        return None, unknown_component("machines", machine.fault)
    nodes = count_nodes(machine.size, machine.replica, replicas) or 0
    basis = f"{nodes} x {machine.name}"
    return nodes, price_component("machines", machine.hourly, nodes * HOURS_PER_MONTH, basis)


def price_requests(machine: Machine, replicas: int) -> Component:
    """Return what the replicas' requests stand for of the machine's price, a month."""
    if machine.fault or machine.size is None:
        return unknown_component("requests", machine.fault)
    share = share_of(machine.size, machine.replica)
    basis = f"{replicas} x {100 * share:.1f} % of {machine.name}"
    quantity = share * replicas * HOURS_PER_MONTH
    return price_component("requests", machine.hourly, quantity, basis)


def _hourly(
    bundle: Bundle, part: TargetBundle, book: Price | UnknownPrice
) -> tuple[Price | UnknownPrice, str]:
    record = part.price
    if record is not None and record.hourly is not None and record.currency == CURRENCY:
        return _thaw(record, record.hourly, bundle), "release"
    return book, "" if isinstance(book, UnknownPrice) else "book"


def _thaw(record: PriceRecord, hourly: Decimal, bundle: Bundle) -> Price:
    return Price(
        money=Money(hourly, record.currency),
        unit="hour",
        source=record.source or f"release {bundle.number}",
        as_of=_date(record.as_of) or bundle.created.date(),
        confidence="",
    )


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def _size_of(price: Price) -> Size:
    return Size(price.vcpu, price.memory_gib, price.gpus)


def _fault(
    part: TargetBundle, hourly: Price | UnknownPrice, book: Price | UnknownPrice, replica: Size
) -> str:
    if isinstance(hourly, UnknownPrice):
        return hourly.reason
    if isinstance(book, UnknownPrice):
        return f"the size of {part.machine or 'the machine'} is unknown: {book.reason}"
    if count_nodes(_size_of(book), replica, 1) is None:
        asks = f"{part.cpu} cpu, {part.memory} memory, {part.gpu} gpu"
        return f"one replica ({asks}) does not fit a {part.machine}"
    return ""
