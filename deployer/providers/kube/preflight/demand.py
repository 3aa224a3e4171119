"""What a release's workloads ask of a cluster: pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from deployer.ports import Manifest

__all__ = ["Amounts", "Demand", "demands_of", "quantity"]

Amounts = Mapping[str, Decimal]
"""By resource: cpu in cores, memory in bytes, nvidia.com/gpu in pieces."""

_WORKLOADS = frozenset({"Deployment", "StatefulSet", "Job"})


@dataclass(frozen=True, slots=True)
class Demand:
    """A workload: how many pods of which size, and what each container asks for."""

    name: str
    pods: int
    requests: Amounts
    limits: Amounts
    containers: tuple[tuple[str, Amounts, Amounts], ...] = ()
    selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Mapping[str, Any], ...] = ()


def demands_of(manifests: Sequence[Manifest]) -> list[Demand]:
    """Return what each workload asks for; DaemonSets go by the nodes and are left out."""
    return [_demand(each) for each in manifests if each["kind"] in _WORKLOADS]


def quantity(value: object) -> Decimal:
    """Return a Kubernetes quantity as a plain number.

    Raises:
        ValueError: It is none.
    """
    from kubernetes.utils.quantity import parse_quantity

    return Decimal(parse_quantity(str(value)))  # type: ignore[no-untyped-call]


def _demand(manifest: Manifest) -> Demand:
    spec = manifest["spec"]
    pod = spec["template"]["spec"]
    replicas = spec.get("parallelism" if manifest["kind"] == "Job" else "replicas")
    containers = tuple(_containers(pod.get("containers") or ()))
    starters = tuple(_containers(pod.get("initContainers") or ()))
    return Demand(
        name=f"{manifest['kind']}/{manifest['metadata']['name']}",
        pods=1 if replicas is None else int(replicas),
        requests=_of_pod([each[1] for each in containers], [each[1] for each in starters]),
        limits=_of_pod([each[2] for each in containers], [each[2] for each in starters]),
        containers=(*starters, *containers),
        selector=pod.get("nodeSelector") or {},
        tolerations=tuple(pod.get("tolerations") or ()),
    )


def _containers(containers: Sequence[Manifest]) -> Iterator[tuple[str, Amounts, Amounts]]:
    for container in containers:
        resources = container.get("resources") or {}
        limits = _amounts(resources.get("limits"))
        # what is limited and not requested is requested as limited (pod defaulting)
        yield container["name"], {**limits, **_amounts(resources.get("requests"))}, limits


def _amounts(values: Mapping[str, object] | None) -> Amounts:
    return {name: quantity(value) for name, value in (values or {}).items()}


def _of_pod(running: Sequence[Amounts], starting: Sequence[Amounts]) -> Amounts:
    """Containers run together; init containers one at a time before them."""
    names = {name for amounts in (*running, *starting) for name in amounts}
    nothing = Decimal(0)
    return {
        name: max(
            sum((each.get(name, nothing) for each in running), nothing),
            max((each.get(name, nothing) for each in starting), default=nothing),
        )
        for name in names
    }
