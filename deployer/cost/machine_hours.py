"""Machine-hours of a target: states added up first, each priced once."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from deployer.cost.allocate import Allocation, Demand, allocate_hour
from deployer.cost.columns import Look
from deployer.cost.component import CURRENCY, Component, unknown_component
from deployer.cost.machine import Machine
from deployer.cost.row import MachineUse, Part
from deployer.cost.sizing import Size
from deployer.cost.weights import WeightSet
from deployer.ports import UnknownPrice
from deployer.values import Money

__all__ = ["MachineHours", "PricedHours", "State", "price_machine_hours"]


class State(NamedTuple):
    """How many replicas on how many machines, using how much; ``sampled`` when it was seen."""

    replicas: int
    nodes: int | None
    used: Size | None
    sampled: bool


@dataclass
class MachineHours:
    """For how many hours each state held."""

    machine: Machine
    hours: dict[State, Decimal] = field(default_factory=dict)

    def add(self, look: Look | None, replicas: int, hours: Decimal) -> None:
        """Add a time for which ``look`` speaks; without one the release's ``replicas`` count."""
        said, nodes, used = look or (None, None, None)
        seen = replicas if said is None else said
        nodes = self.machine.count(seen) if nodes is None else nodes
        state = State(seen, nodes, used, look is not None)
        self.hours[state] = self.hours.get(state, Decimal(0)) + hours

    @property
    def replica_hours(self) -> Decimal:
        """Replicas times hours."""
        return sum((state.replicas * h for state, h in self.hours.items()), Decimal(0))


@dataclass(frozen=True, slots=True)
class PricedHours:
    """What some machine-hours cost, by whose they are."""

    machine: Machine
    machine_hours: Decimal
    components: tuple[tuple[Component, Part], ...]
    excess: bool

    def use(self, target: str) -> MachineUse:
        """Return the hours as a bill has them."""
        hourly = self.machine.hourly
        money = None if isinstance(hourly, UnknownPrice) else hourly.money
        return MachineUse(target, self.machine.name, self.machine_hours, money)


def price_machine_hours(
    machine: Machine, hours: MachineHours, weights: WeightSet, shares: dict[State, Allocation]
) -> PricedHours:
    """Share out every state's price and add up; all of it is unknown when the machine is.

    Args:
        machine: What the hours are of.
        hours: For how long each state held.
        weights: How its price is shared.
        shares: What states of this machine are known to cost; new ones are added.
    """
    price, size, room = machine.hourly, machine.size, machine.room
    if isinstance(price, UnknownPrice) or size is None or room is None or machine.fault:
        unknown = unknown_component("machines", machine.fault)
        return PricedHours(machine, Decimal(0), ((unknown, Part.ALLOCATED),), excess=False)
    total = _Total()
    for state, time in hours.hours.items():
        nodes = state.nodes or 0
        if state not in shares:
            demand = Demand(machine.replica, state.replicas, state.used)
            shares[state] = allocate_hour(
                price.money, size, room, nodes, demand=demand, weights=weights
            )
        total.add(shares[state], time, nodes)
    return PricedHours(machine, total.machine_hours, total.components, total.excess)


class _Total:
    """Adds up allocations."""

    def __init__(self) -> None:
        self.machine_hours = Decimal(0)
        self.excess = False
        self._amounts = dict.fromkeys(_PARTS, Decimal(0))

    def add(self, share: Allocation, hours: Decimal, nodes: int) -> None:
        self.machine_hours += nodes * hours
        self.excess = self.excess or bool(share.excess)
        for name in _PARTS:
            money: Money = getattr(share, name)
            self._amounts[name] += money.amount * hours

    @property
    def components(self) -> tuple[tuple[Component, Part], ...]:
        """Return each part that there is something of."""
        return tuple(
            (Component(_NAMES.get(name, name), Money(amount, CURRENCY)), part)
            for name, part in _PARTS.items()
            if (amount := self._amounts[name])
        )


_PARTS = {
    "vcpu": Part.ALLOCATED,
    "memory": Part.ALLOCATED,
    "gpu": Part.ALLOCATED,
    "idle": Part.IDLE,
    "overhead": Part.OVERHEAD,
}
_NAMES = {"vcpu": "cpu"}
