"""What a target costs however many replicas it runs: control plane, load balancer, storage."""

from collections.abc import Mapping
from decimal import Decimal

from deployer.ports import Price, PriceQuery, Prices, UnknownPrice
from deployer.release.records import Bundle, TargetBundle
from deployer.report.component import (
    CURRENCY,
    HOURS_PER_MONTH,
    Component,
    price_component,
    unknown_component,
)
from deployer.values import Cloud

__all__ = ["find_price", "price_fixed"]

_CONTROL_PLANE = {Cloud.AWS: "eks-standard", Cloud.GCP: "gke", Cloud.AZURE: "aks-standard"}
_BALANCER = {Cloud.AWS: "nlb", Cloud.GCP: "forwarding-rule", Cloud.AZURE: "standard"}
_STORAGE = {Cloud.AWS: "s3-standard", Cloud.GCP: "gcs-standard", Cloud.AZURE: "blob-hot-lrs"}
_STORAGE_BYTES = {"GB-month": 10**9, "GiB-month": 1024**3}


def find_price(
    prices: Prices | None, part: TargetBundle, kind: str, sku: str
) -> Price | UnknownPrice:
    """Ask the target's price book; ``prices`` None means the target has left the spec."""
    if prices is None:
        return UnknownPrice("the spec has no target of this name any more")
    found = prices.find(PriceQuery(part.cloud, part.region, kind, sku))
    if isinstance(found, Price) and found.money.currency != CURRENCY:
        return UnknownPrice(f"it is priced in {found.money.currency}, without an exchange rate")
    return found


def price_fixed(bundle: Bundle, part: TargetBundle, prices: Prices | None) -> tuple[Component, ...]:
    """Return the components that apply: control plane, load balancer (if any), storage."""
    plane = find_price(prices, part, "control_plane_hour", _CONTROL_PLANE.get(part.cloud, ""))
    balancer = _price_balancer(part, prices)
    return (
        price_component("control plane", plane, HOURS_PER_MONTH, "one cluster"),
        *([balancer] if balancer else []),
        _price_storage(bundle, part, prices),
    )


def _price_balancer(part: TargetBundle, prices: Prices | None) -> Component | None:
    """Price the Services that bring a load balancer; None when the release brings none.

    What an Ingress or a Gateway brings is the cluster's business and unknown here.
    """
    kinds = {manifest.get("kind", "") for manifest in part.objects}
    if kinds & {"Ingress", "Gateway"}:
        return unknown_component("balancer", "what serves the Ingress or Gateway is not known here")
    services = {
        manifest["metadata"]["name"]
        for manifest in (*part.objects, part.shift)
        if _brings_balancer(manifest)
    }
    if not services:
        return None
    price = find_price(prices, part, "lb_hour", _BALANCER.get(part.cloud, ""))
    hours = HOURS_PER_MONTH * len(services)
    return price_component("balancer", price, hours, f"{len(services)} x, without traffic")


def _brings_balancer(manifest: Mapping[str, object]) -> bool:
    spec = manifest.get("spec")
    balanced = isinstance(spec, Mapping) and spec.get("type") == "LoadBalancer"
    return balanced and manifest.get("kind") == "Service"


def _price_storage(bundle: Bundle, part: TargetBundle, prices: Prices | None) -> Component:
    price = find_price(prices, part, "object_storage", _STORAGE.get(part.cloud, ""))
    if isinstance(price, UnknownPrice):
        return unknown_component("storage", price.reason)
    if price.unit not in _STORAGE_BYTES:
        return unknown_component("storage", f"the book prices it per {price.unit}")
    amount = Decimal(bundle.artifact.size) / _STORAGE_BYTES[price.unit]
    return price_component("storage", price, amount, f"{amount:.3f} {price.unit.split('-')[0]}")
