"""Which nodes the pods may run on: node affinity and tolerations, from what the overlay knows."""

from collections.abc import Iterator, Mapping
from itertools import product

from deployer.ports import Manifest
from deployer.spec.library import NodeChoice, Overlay
from deployer.spec.placement import Nodes
from deployer.values import Json

__all__ = ["place_pods"]


def place_pods(nodes: Nodes, overlay: Overlay, *, gpu: int) -> Manifest:
    """Return the part of a pod's spec that keeps it to ``nodes``; empty when it may go anywhere.

    A choice the overlay has no words for was refused with the spec.
    """
    chosen = list(_chosen(nodes, overlay, gpu=gpu))
    affinity = _affinity([choice for choice in chosen if choice])
    tolerations = list(_tolerations(nodes, overlay, gpu=gpu))
    return {
        **({"affinity": {"nodeAffinity": affinity}} if affinity else {}),
        **({"tolerations": tolerations} if tolerations else {}),
    }


def _chosen(nodes: Nodes, overlay: Overlay, *, gpu: int) -> Iterator[Mapping[str, str]]:
    """Yield for each choice its labels, any of which will do."""
    if nodes.spot and overlay.spot:
        yield _labels(overlay.spot, "")
    if nodes.pool and overlay.pool:
        yield _labels(overlay.pool, nodes.pool)
    if nodes.accelerator and overlay.accelerator and gpu:
        yield _labels(overlay.accelerator, nodes.accelerator)


def _labels(choice: NodeChoice, word: str) -> Mapping[str, str]:
    return {key: word if value is None else value for key, value in choice.labels.items()}


def _affinity(choices: list[Mapping[str, str]]) -> Mapping[str, Json]:
    """Return terms for one label of each choice: between terms is "or", within one is "and"."""
    terms = [
        {
            "matchExpressions": [
                {"key": key, "operator": "In", "values": [value]} for key, value in labels
            ]
        }
        for labels in product(*(choice.items() for choice in choices))
    ]
    if not choices:
        return {}
    return {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}


def _tolerations(nodes: Nodes, overlay: Overlay, *, gpu: int) -> Iterator[Json]:
    if nodes.spot and overlay.spot:
        yield from overlay.spot.tolerations
    if gpu:
        yield from overlay.gpu.tolerations
