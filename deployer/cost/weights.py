"""How a machine's price is shared between its processors, memory and GPUs.

AWS's split cost allocation (its documentation, 2025) weighs a vCPU 9 to a GiB's 1; on machines with
GPUs 9 a GPU, 0.9 a vCPU, 0.1 a GiB. OpenCost's defaults (configs/aws.json) put 83 % of a g5.xlarge
on its GPU where these put 63 %, so whoever shares a price says by which weights.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from deployer.cost.sizing import Size
from deployer.values import Money

__all__ = ["OPENCOST", "SCAD", "WEIGHT_SETS", "UnitRates", "WeightSet", "rate_units", "share_of"]


@dataclass(frozen=True, slots=True)
class WeightSet:
    """Weights of one unit each; ``with_gpus`` are those of machines that have some."""

    key: str
    name: str
    plain: Size
    with_gpus: Size
    gpu: Decimal

    def weigh(self, size: Size, *, gpus: bool) -> Decimal:
        """Return the weight of all of ``size`` on a machine with or without ``gpus``."""
        weights = self.with_gpus if gpus else self.plain
        total = size.vcpu * weights.vcpu + size.memory_gib * weights.memory_gib
        return total + (size.gpus * self.gpu if gpus else 0)


@dataclass(frozen=True, slots=True)
class UnitRates:
    """What an hour of one vCPU, GiB and GPU of a machine costs."""

    vcpu: Money
    memory_gib: Money
    gpu: Money


SCAD = WeightSet(
    key="scad",
    name="AWS split cost allocation weights (vCPU 9 : GiB 1; with GPUs 9 : 0.9 : 0.1)",
    plain=Size(Decimal(9), Decimal(1)),
    with_gpus=Size(Decimal("0.9"), Decimal("0.1")),
    gpu=Decimal(9),
)
_OPENCOST_SIZE = Size(Decimal("0.031611"), Decimal("0.004237"))
OPENCOST = WeightSet(
    key="opencost",
    name="OpenCost's default weights (vCPU 0.031611 : GiB 0.004237 : GPU 0.95)",
    plain=_OPENCOST_SIZE,
    with_gpus=_OPENCOST_SIZE,
    gpu=Decimal("0.95"),
)
WEIGHT_SETS: Mapping[str, WeightSet] = {weights.key: weights for weights in (SCAD, OPENCOST)}
"""By the word that chooses them."""


def rate_units(hourly: Money, machine: Size, weights: WeightSet = SCAD) -> UnitRates:
    """Return what a unit of each resource costs: together they are the machine's price."""
    gpus = machine.gpus > 0
    unit = hourly * (1 / weights.weigh(machine, gpus=gpus))
    each = weights.with_gpus if gpus else weights.plain
    return UnitRates(unit * each.vcpu, unit * each.memory_gib, unit * (weights.gpu if gpus else 0))


def share_of(machine: Size, replica: Size, weights: WeightSet = SCAD) -> Decimal:
    """Return the weighted share of ``machine`` that one replica asks for; 1 is all of it."""
    gpus = machine.gpus > 0
    return weights.weigh(replica, gpus=gpus) / weights.weigh(machine, gpus=gpus)
