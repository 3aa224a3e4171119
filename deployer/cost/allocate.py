"""An hour of some machines, shared out: what is used, what is idle, what the nodes keep.

By what rules is told in docs/costs.md. The parts are the machines' price again, to the last digit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from deployer.cost.allocatable import Room
from deployer.cost.sizing import Size
from deployer.cost.weights import WeightSet, rate_units
from deployer.values import Money

__all__ = ["Allocation", "Demand", "allocate_hour"]


@dataclass(frozen=True, slots=True)
class Demand:
    """What replicas take of their machines: the larger of what they ask for and what they use.

    Attributes:
        used: What all replicas use together; None when nobody measured it.
    """

    replica: Size
    replicas: int
    used: Size | None = None

    @property
    def taken(self) -> Size:
        """The larger of both, resource by resource."""
        used = self.used or Size(Decimal(0), Decimal(0))
        return Size(
            max(self.replica.vcpu * self.replicas, used.vcpu),
            max(self.replica.memory_gib * self.replicas, used.memory_gib),
            max(self.replica.gpus * self.replicas, used.gpus),
        )


@dataclass(frozen=True, slots=True)
class Allocation:
    """Amounts an hour.

    Attributes:
        idle: Of what pods could have had; never below nothing.
        overhead: Of what the kubelet and the system keep.
        excess: What more than the machines hold was said to be taken, by resource: scaled down, and
            a sign that the count of machines or the measurements are wrong.
    """

    vcpu: Money
    memory: Money
    gpu: Money
    idle: Money
    overhead: Money
    excess: Mapping[str, Decimal]

    @property
    def total(self) -> Money:
        """The machines' price."""
        return self.vcpu + self.memory + self.gpu + self.idle + self.overhead


def allocate_hour(
    hourly: Money, machine: Size, room: Room, nodes: int, *, demand: Demand, weights: WeightSet
) -> Allocation:
    """Share out the price of ``nodes`` machines for an hour.

    More than the machines have room for is scaled down to it, as AWS does, so that idle is never
    negative.
    """
    rates = rate_units(hourly, machine, weights)
    taken, excess = _fit(demand.taken, room.size, nodes)
    used = (
        rates.vcpu * taken.vcpu,
        rates.memory_gib * taken.memory_gib,
        rates.gpu * taken.gpus,
    )
    kept = rates.vcpu * ((machine.vcpu - room.size.vcpu) * nodes)
    kept += rates.memory_gib * ((machine.memory_gib - room.size.memory_gib) * nodes)
    whole = hourly * nodes
    rest = whole.amount - kept.amount - sum(part.amount for part in used)
    idle = Money(max(rest, Decimal(0)), hourly.currency)
    overhead = Money(kept.amount + min(rest, Decimal(0)), hourly.currency)
    return Allocation(*used, idle, overhead, excess)


def _fit(taken: Size, room: Size, nodes: int) -> tuple[Size, dict[str, Decimal]]:
    """Return what fits and, by resource, what does not."""
    pairs = {
        "cpu": (taken.vcpu, room.vcpu * nodes),
        "memory": (taken.memory_gib, room.memory_gib * nodes),
        "gpu": (Decimal(taken.gpus), Decimal(room.gpus * nodes)),
    }
    excess = {name: wants - has for name, (wants, has) in pairs.items() if wants > has}
    fits = {name: min(wants, has) for name, (wants, has) in pairs.items()}
    return Size(fits["cpu"], fits["memory"], int(fits["gpu"])), excess
