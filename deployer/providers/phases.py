"""In which order kinds are applied: what others refer to goes first. Pure."""

from collections.abc import Mapping, Sequence
from itertools import groupby

from deployer.ports import Manifest

__all__ = ["in_phases", "is_workload", "phase_of"]

_WORKLOADS = 4

_PHASES: Mapping[str, int] = {
    "Namespace": 0,
    "CustomResourceDefinition": 1,
    "PriorityClass": 2,
    "StorageClass": 2,
    "PersistentVolume": 2,
    "ServiceAccount": 2,
    "ConfigMap": 2,
    "Secret": 2,
    "ResourceQuota": 2,
    "LimitRange": 2,
    "NetworkPolicy": 2,
    "Role": 2,
    "ClusterRole": 2,
    "RoleBinding": 2,
    "ClusterRoleBinding": 2,
    "PersistentVolumeClaim": 2,
    "PodDisruptionBudget": 3,
    "Service": 3,
    "HorizontalPodAutoscaler": 5,
    "ScaledObject": 5,
    "Ingress": 5,
    "HTTPRoute": 5,
    "ServiceMonitor": 5,
}
"""Namespaces, kinds, configuration, services, workloads, what acts on workloads."""


def phase_of(kind: str) -> int:
    """Return the number of the phase in which objects of ``kind`` are applied.

    A kind that nobody foresaw counts as a workload: it may refer to configuration.
    """
    return _PHASES.get(kind, _WORKLOADS)


def is_workload(kind: str) -> bool:
    """Say whether objects of ``kind`` may own others, that end before they do."""
    return phase_of(kind) == _WORKLOADS


def in_phases(manifests: Sequence[Manifest]) -> list[list[Manifest]]:
    """Return the objects by phase, in order; within a phase none depends on another."""
    ordered = sorted(manifests, key=lambda manifest: phase_of(manifest["kind"]))
    return [list(group) for _, group in groupby(ordered, key=lambda m: phase_of(m["kind"]))]
