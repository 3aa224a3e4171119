"""What traffic costs a target: its load balancer, its NAT gateway, what it sends out and logs.

A component that has nothing to bill is left out; the assumptions say of what there is none.
"""

from collections.abc import Mapping
from decimal import Decimal

from deployer.cost.component import (
    HOURS_PER_MONTH,
    Component,
    add_components,
    price_component,
    unknown_component,
)
from deployer.cost.egress import UNIT_BYTES, price_graduated
from deployer.cost.load import Load
from deployer.cost.rates import Rates
from deployer.ports import UnknownPrice
from deployer.release.records import TargetBundle
from deployer.values import Cloud

__all__ = ["price_bytes", "price_egress", "price_gateways", "price_network", "price_traffic"]


def price_network(rates: Rates, load: Load) -> tuple[Component, ...]:
    """Return what applies of: balancer, nat, egress, logs."""
    parts: dict[str, list[Component]] = {}
    for component in (*price_gateways(rates, load), *price_traffic(rates, load)):
        parts.setdefault(component.name, []).append(component)
    return tuple(add_components(name, found) for name, found in parts.items())


def price_gateways(rates: Rates, load: Load) -> tuple[Component, ...]:
    """Price a month of what is there without any traffic: balancer, nat."""
    return (*_price_balancer(rates), *_price_nat(rates, load))


def price_traffic(rates: Rates, load: Load) -> tuple[Component, ...]:
    """Price what predictions bring in, send out and log: balancer, egress, logs."""
    return (
        *_price_balanced_bytes(rates, load),
        *price_egress("egress", rates, load.bytes_out, load.begun_bytes),
        *_price_logs(rates, load),
    )


def price_egress(
    name: str, rates: Rates, sent: Decimal, begun: Decimal = Decimal(0)
) -> tuple[Component, ...]:
    """Price bytes sent to the internet, or to another cloud, by the account's tiers."""
    if not sent:
        return ()
    tiers = rates.tiers("egress_internet")
    if isinstance(tiers, UnknownPrice):
        return (unknown_component(name, tiers.reason),)
    first = tiers[0].price
    unit = UNIT_BYTES[first.unit]
    money = price_graduated(tiers, sent / unit, already=begun / unit)
    basis = f"{sent / unit:,.3f} {first.unit} after {begun / unit:,.0f} {first.unit}"
    return (
        Component(
            name, money, basis, as_of=first.as_of, confidence=first.confidence, source=first.source
        ),
    )


def price_bytes(name: str, rates: Rates, kind: str, amount: Decimal, basis: str) -> Component:
    """Price bytes at a flat price per GB or GiB, a month of them where they are kept."""
    price = rates.find(kind).price
    if isinstance(price, UnknownPrice):
        return unknown_component(name, price.reason)
    if price.unit not in UNIT_BYTES:
        return unknown_component(name, f"the book prices it per {price.unit}")
    units = amount / UNIT_BYTES[price.unit]
    named = f"{units:,.3f} {price.unit.partition('-')[0]}{basis}"
    return price_component(name, price, units, named)


def _price_balancer(rates: Rates) -> tuple[Component, ...]:
    """Price the Services that bring a load balancer, by the hour.

    What an Ingress or a Gateway brings is the cluster's business and unknown here.
    """
    part = rates.part
    if {manifest.get("kind", "") for manifest in part.objects} & {"Ingress", "Gateway"}:
        why = "what serves the Ingress or Gateway is not known here"
        return (unknown_component("balancer", why),)
    count = len(_balanced_services(part))
    if not count:
        return ()
    price = rates.find("lb_hour").price
    return (price_component("balancer", price, HOURS_PER_MONTH * count, f"{count} x"),)


def _price_balanced_bytes(rates: Rates, load: Load) -> list[Component]:
    """Price what the balancer handles: GB in (Google), both ways (Azure), capacity units (AWS).

    A network load balancer's unit is a GB an hour, so that its traffic costs by the GB unless
    connections weigh more (AWS's pricing page, 2024).
    """
    handled = load.bytes_in + (0 if rates.part.cloud is Cloud.GCP else load.bytes_out)
    if not handled or not _balanced_services(rates.part):
        return []
    if rates.part.cloud is not Cloud.AWS:
        return [price_bytes("balancer", rates, "lb_gb", handled, " handled")]
    units = handled / UNIT_BYTES["GB"]
    price = rates.find("lb_lcu_hour").price
    return [price_component("balancer", price, units, f"{units:,.3f} GB in capacity units")]


def _balanced_services(part: TargetBundle) -> set[str]:
    return {
        manifest["metadata"]["name"]
        for manifest in (*part.objects, part.shift)
        if _brings_balancer(manifest)
    }


def _brings_balancer(manifest: Mapping[str, object]) -> bool:
    spec = manifest.get("spec")
    balanced = isinstance(spec, Mapping) and spec.get("type") == "LoadBalancer"
    return balanced and manifest.get("kind") == "Service"


def _price_nat(rates: Rates, load: Load) -> tuple[Component, ...]:
    if not load.usage.nat:
        return ()
    price = rates.find("nat_hour").price
    return (price_component("nat", price, HOURS_PER_MONTH, "one gateway, without its traffic"),)


def _price_logs(rates: Rates, load: Load) -> tuple[Component, ...]:
    if not load.bytes_logged:
        return ()
    return (price_bytes("logs", rates, "log_gb", load.bytes_logged, " taken in"),)
