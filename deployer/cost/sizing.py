"""How much of a machine some replicas take: by weights for their share, by packing for the bill.

The weights are those of AWS split cost allocation data (its documentation, 2025): 9:1 for a vCPU
against a GiB; on machines with GPUs 9 for a GPU against 0.9 and 0.1. One set for every cloud, so
that two clouds can be compared; OpenCost's defaults would put 83 % of a g5.xlarge on its GPU where
these put 63 %, so a report names them.
"""

from dataclasses import dataclass
from decimal import Decimal

__all__ = ["WEIGHTS", "Size", "count_nodes", "share_of"]

WEIGHTS = "AWS split cost allocation weights (vCPU 9 : GiB 1; with GPUs 9 : 0.9 : 0.1)"


@dataclass(frozen=True, slots=True)
class Size:
    """What a machine has, or what one replica asks for."""

    vcpu: Decimal
    memory_gib: Decimal
    gpus: int = 0


def share_of(machine: Size, replica: Size) -> Decimal:
    """Return the weighted share of ``machine`` that one replica asks for; 1 is all of it."""
    return _weigh(replica, gpus=machine.gpus > 0) / _weigh(machine, gpus=machine.gpus > 0)


def count_nodes(room: Size, replica: Size, replicas: int, *, pods: int | None = None) -> int | None:
    """Return how many machines hold the replicas; None when not even one replica fits.

    Identical replicas on identical machines pack exactly.

    Args:
        room: What one machine leaves for pods.
        replica: What one replica asks for.
        replicas: How many there are.
        pods: How many one machine takes, however small they are.
    """
    pairs = (
        (room.vcpu, replica.vcpu),
        (room.memory_gib, replica.memory_gib),
        (Decimal(room.gpus), Decimal(replica.gpus)),
    )
    fits = [int(has // asks) for has, asks in pairs if asks]
    per_node = min([*fits, *([pods] if pods else [])], default=max(replicas, 1))
    return -(-replicas // per_node) if per_node else None


def _weigh(size: Size, *, gpus: bool) -> Decimal:
    if gpus:
        return size.gpus * Decimal(9) + size.vcpu * Decimal("0.9") + size.memory_gib / 10
    return size.vcpu * 9 + size.memory_gib
