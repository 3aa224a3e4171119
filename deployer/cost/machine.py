"""What the replicas of a target cost: by their share of a machine, and by whole machines."""

from dataclasses import dataclass

from deployer.cost.allocatable import Room, room_on
from deployer.cost.component import (
    HOURS_PER_MONTH,
    Component,
    price_component,
    unknown_component,
)
from deployer.cost.quantity import parse_quantity
from deployer.cost.rates import Rates
from deployer.cost.sizing import Size, count_nodes
from deployer.cost.weights import share_of
from deployer.ports import Price, UnknownPrice
from deployer.release.records import TargetBundle

__all__ = ["Machine", "price_nodes", "price_requests", "read_machine"]


@dataclass(frozen=True, slots=True)
class Machine:
    """A target's kind of node and what one replica asks of it.

    Attributes:
        size: None when nobody knows how large the machine is.
        room: What it leaves for pods; None like ``size``.
        hourly: Its price, or why that is unknown.
        hourly_from: ``release`` when the price was frozen into it, else ``book``; empty when it is
            unknown.
        fault: Why replicas cannot be priced on it; empty when they can.
    """

    name: str
    replica: Size
    size: Size | None
    room: Room | None
    hourly: Price | UnknownPrice
    hourly_from: str
    fault: str = ""

    def count(self, replicas: int) -> int | None:
        """Return how many of them hold the replicas; None when that is not known."""
        if self.fault or self.room is None:
            return None
        return count_nodes(self.room.size, self.replica, replicas, pods=self.room.pods)


def read_machine(part: TargetBundle, rates: Rates) -> Machine:
    """Put together what the release asks for and what its machine is and costs."""
    quote = rates.find("instance")
    replica = Size(parse_quantity(part.cpu), parse_quantity(part.memory) / 1024**3, part.gpu)
    size = _size_of(quote.price, rates)
    room = None if isinstance(size, UnknownPrice) else room_on(part.cloud, size)
    return Machine(
        name=part.machine,
        replica=replica,
        size=None if isinstance(size, UnknownPrice) else size,
        room=room,
        hourly=quote.price,
        hourly_from=quote.origin,
        fault=_fault(part, quote.price, size, room, replica),
    )


def price_nodes(machine: Machine, replicas: int) -> tuple[int | None, Component]:
    """Return how many whole machines the replicas need, and what those cost a month."""
    nodes = machine.count(replicas)
    if nodes is None:
        return None, unknown_component("machines", machine.fault)
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


def _size_of(hourly: Price | UnknownPrice, rates: Rates) -> Size | UnknownPrice:
    """Return the size that came with the price; a price without one has the book's."""
    price = hourly
    if isinstance(price, Price) and not price.vcpu:
        price = rates.find_in_book("instance")
    if isinstance(price, UnknownPrice):
        return price
    return Size(price.vcpu, price.memory_gib, price.gpus)


def _fault(
    part: TargetBundle,
    hourly: Price | UnknownPrice,
    size: Size | UnknownPrice,
    room: Room | None,
    replica: Size,
) -> str:
    if isinstance(hourly, UnknownPrice):
        return hourly.reason
    if isinstance(size, UnknownPrice) or room is None:
        reason = size.reason if isinstance(size, UnknownPrice) else ""
        return f"the size of {part.machine or 'the machine'} is unknown: {reason}"
    if count_nodes(room.size, replica, 1, pods=room.pods) is None:
        asks = f"{part.cpu} cpu, {part.memory} memory, {part.gpu} gpu"
        left = f"{room.size.vcpu:.2f} cpu and {room.size.memory_gib:.1f} GiB are left for pods"
        return f"one replica ({asks}) does not fit a {part.machine}, where {left}"
    return ""
