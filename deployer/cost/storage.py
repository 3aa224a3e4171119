"""What keeping and moving the model costs: in the bucket, by requests, between clouds, on disks.

How is told in docs/costs.md.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from deployer.cost.component import (
    Component,
    add_components,
    price_component,
    unknown_component,
)
from deployer.cost.load import Load
from deployer.cost.network import price_bytes, price_egress
from deployer.cost.quantity import parse_quantity
from deployer.cost.rates import Rates
from deployer.release.records import TargetBundle
from deployer.transfer import Limits
from deployer.values import Json

__all__ = ["price_kept", "price_pushes", "price_requests", "price_storage"]


def price_storage(rates: Rates, load: Load) -> tuple[Component, ...]:
    """Return what applies of: storage, store requests, disks."""
    kept, *disks = price_kept(rates, load)
    return (kept, *price_requests(rates, load), *disks)


def price_kept(rates: Rates, load: Load) -> tuple[Component, ...]:
    """Price a month of what is kept: the model in the bucket, the disks that pods bring for it."""
    kept = price_bytes("storage", rates, "object_storage", Decimal(load.model_bytes), "")
    return (kept, *_price_disks(rates, load))


def price_requests(rates: Rates, load: Load) -> tuple[Component, ...]:
    """Price each push's parts and each pod's reads; a part is as large as uploads make it."""
    limits = Limits()
    pushed = load.usage.pushes * _count(load.model_bytes, limits.part_length(load.model_bytes))
    read = load.usage.pushes * load.replicas * _count(load.model_bytes, limits.range_bytes)
    if not pushed:
        return ()
    asked = (("object_put_1k", pushed, "put"), ("object_get_1k", read, "get"))
    parts = [
        price_component(
            "store requests", rates.find(kind).price, Decimal(count) / 1000, f"{count:,} {word}"
        )
        for kind, count, word in asked
        if count
    ]
    return (add_components("store requests", parts),)


def price_pushes(
    rates: Rates, load: Load, destinations: Iterable[TargetBundle]
) -> tuple[Component, ...]:
    """Price the bytes that leave the cloud of ``rates`` when the model is pushed from there.

    To another cloud they cost what the internet does, to another region of the same cloud that
    traffic's own price; within a region, and for whoever receives them, nothing.
    """
    own, sent = rates.part, Decimal(load.model_bytes * load.usage.pushes)
    others = [part for part in destinations if (part.cloud, part.region) != (own.cloud, own.region)]
    near = sum(part.cloud is own.cloud for part in others)
    far = len(others) - near
    parts = [*price_egress("pushes", rates, sent * far, load.begun_bytes)]
    if near and sent:
        words = f" to {near} x another region"
        parts.append(price_bytes("pushes", rates, "egress_interregion", sent * near, words))
    if far and sent and load.usage.nat:
        parts.append(price_bytes("pushes", rates, "nat_gb", sent * far, " through NAT"))
    return (add_components("pushes", parts),) if parts else ()


def _count(size: int, step: int) -> int:
    return max(-(-size // step), 1)


def _price_disks(rates: Rates, load: Load) -> tuple[Component, ...]:
    """Price the disks that pods bring for the model: one of each per replica."""
    texts = [text for manifest in rates.part.objects for text in _claimed(manifest)]
    if not texts:
        return ()
    try:
        size = sum((parse_quantity(text) for text in texts), Decimal(0))
    except ValueError as error:
        return (unknown_component("disks", str(error)),)
    words = f" for {load.replicas} replicas"
    return (price_bytes("disks", rates, "block", size * load.replicas, words),)


def _claimed(manifest: Mapping[str, Json]) -> Iterable[str]:
    """Yield the size of each disk that a Deployment's pods claim for themselves."""
    if manifest.get("kind") != "Deployment":
        return
    spec = (manifest.get("spec") or {}).get("template", {}).get("spec", {})
    for volume in spec.get("volumes") or ():
        claim = (volume.get("ephemeral") or {}).get("volumeClaimTemplate")
        if claim:
            yield str(claim["spec"]["resources"]["requests"]["storage"])
