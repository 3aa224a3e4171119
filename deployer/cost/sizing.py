"""How large machines and replicas are, and how many machines hold some replicas."""

from dataclasses import dataclass
from decimal import Decimal

__all__ = ["Size", "count_nodes"]


@dataclass(frozen=True, slots=True)
class Size:
    """What a machine has, or what one replica asks for."""

    vcpu: Decimal
    memory_gib: Decimal
    gpus: int = 0


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
