"""What a node leaves for pods: its capacity less what the kubelet and the system keep.

Google's and Azure's documented reservations (GKE "Plan node sizes", AKS "Node resource
reservations", 2025) and the one that EKS's machine images compute (awslabs/amazon-eks-ami). What
DaemonSets take besides is the cluster's own business and not known here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from deployer.cost.sizing import Size
from deployer.values import Cloud

__all__ = ["Room", "room_on"]

_MIB = Decimal(1) / 1024
_EVICTION_GIB = 100 * _MIB
_Steps = Sequence[tuple[Decimal | int, str]]
_CPU_STEPS: _Steps = ((1, "0.06"), (1, "0.01"), (2, "0.005"), (10**9, "0.0025"))
"""GKE's and EKS's: 6 % of the first core, 1 % of the next, 0.5 % of two more, then 0.25 %."""
_GKE_MEMORY_STEPS: _Steps = ((4, "0.25"), (4, "0.2"), (8, "0.1"), (112, "0.06"), (10**9, "0.02"))
_AKS_CPU = ((1, "0.06"), (2, "0.1"), (4, "0.14"), (8, "0.18"), (16, "0.26"), (32, "0.42"))
_AKS_CPU_MOST = Decimal("0.74")
_AKS_PODS, _GKE_PODS = 250, 110
_EKS_PODS = ((2, 29), (8, 58), (48, 234))
"""By vCPU, as the m, c and r families' network interfaces allow; larger ones have 737."""
_EKS_PODS_MOST = 737


@dataclass(frozen=True, slots=True)
class Room:
    """What pods may ask for on one node, and how many there may be at most."""

    size: Size
    pods: int


def room_on(cloud: Cloud, machine: Size) -> Room:
    """Return what a managed node of ``cloud`` leaves; all of it where nothing is documented."""
    match cloud:
        case Cloud.AWS:
            pods = _eks_pods(machine.vcpu)
            memory = (255 + 11 * pods) * _MIB
            return _room(machine, _climb(machine.vcpu, _CPU_STEPS), memory, pods)
        case Cloud.GCP:
            memory = _climb(machine.memory_gib, _GKE_MEMORY_STEPS)
            return _room(machine, _climb(machine.vcpu, _CPU_STEPS), memory, _GKE_PODS)
        case Cloud.AZURE:
            per_pod = (20 * _AKS_PODS + 50) * _MIB
            memory = min(per_pod, machine.memory_gib / 4)
            return _room(machine, _aks_cpu(machine.vcpu), memory, _AKS_PODS)
        case _:
            return Room(machine, _GKE_PODS)


def _room(machine: Size, cpu: Decimal, memory: Decimal, pods: int) -> Room:
    free = machine.memory_gib - memory - _EVICTION_GIB
    return Room(Size(machine.vcpu - cpu, max(free, Decimal(0)), machine.gpus), pods)


def _climb(amount: Decimal, steps: _Steps) -> Decimal:
    """Return the sum of each step's share of the part of ``amount`` that falls on it."""
    kept = Decimal(0)
    for width, share in steps:
        part = min(amount, Decimal(width))
        kept += part * Decimal(share)
        amount -= part
    return kept


def _aks_cpu(vcpu: Decimal) -> Decimal:
    return next((Decimal(kept) for least, kept in _AKS_CPU if vcpu <= least), _AKS_CPU_MOST)


def _eks_pods(vcpu: Decimal) -> int:
    return next((pods for most, pods in _EKS_PODS if vcpu <= most), _EKS_PODS_MOST)
