"""A month of a release: every target's components, at its least and its most replicas."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from deployer.cost.component import (
    HOURS_PER_MONTH,
    Component,
    known_sum,
    price_component,
)
from deployer.cost.load import Load, read_strategy, read_usage, share_of_traffic
from deployer.cost.machine import Machine, price_nodes, price_requests, read_machine
from deployer.cost.network import price_network
from deployer.cost.rates import Rates
from deployer.cost.spare import price_canary, price_failover, price_surge, replicas_needed
from deployer.cost.storage import price_pushes, price_storage
from deployer.ports import Prices, UnknownPrice
from deployer.release.records import Bundle, TargetBundle
from deployer.spec.strategy import Strategy
from deployer.values import Cloud, Money

__all__ = ["TargetEstimate", "autoscaler_maximum", "estimate_release"]


@dataclass(frozen=True, slots=True)
class TargetEstimate:
    """One target's month.

    Attributes:
        option: How the machine is bought: ``on-demand`` or ``spot``.
        replicas: What is priced as the least: `most` is at ``max_replicas``.
        replicas_from: ``cluster`` when it said how many it wants, else ``release``.
        nodes: Whole machines; None when unknown.
        hourly: The machine's price; None when unknown.
        hourly_from: ``release`` when it was frozen into it, else ``book``; empty when unknown.
        requests: The marginal cost; not part of the bill.
        bill: The bill's components; one of which there is nothing is left out.
        most: The same at the autoscaler's maximum.
    """

    target: str
    release: int
    cloud: Cloud
    region: str
    machine: str
    option: str
    replicas: int
    max_replicas: int
    nodes: int | None
    max_nodes: int | None
    hourly: Money | None
    hourly_from: str
    requests: Component
    bill: tuple[Component, ...]
    most: tuple[Component, ...]
    replicas_from: str = "release"

    @property
    def known(self) -> Money:
        """The sum of the bill's known components."""
        return known_sum(self.bill)

    @property
    def known_most(self) -> Money:
        """The same at the autoscaler's maximum."""
        return known_sum(self.most)

    @property
    def partial(self) -> bool:
        """Whether some of the bill is unknown, so that it is more than `known`."""
        return any(component.monthly is None for component in self.bill)


@dataclass(frozen=True, slots=True)
class _Site:
    """One target as it is priced."""

    part: TargetBundle
    rates: Rates
    machine: Machine
    load: Load
    maximum: int
    strategy: Strategy
    seen: bool


def estimate_release(
    bundle: Bundle,
    books: Mapping[str, Prices] | None = None,
    *,
    replicas: Mapping[str, int] | None = None,
) -> tuple[TargetEstimate, ...]:
    """Price a month of every target of ``bundle``.

    Args:
        bundle: The release; its frozen prices come first, its spec's ``usage`` is what is assumed.
        books: By target, what else knows prices.
        replicas: By target, how many run; what the release asks for where nothing is said.
    """
    sites = _open_sites(bundle, books or {}, replicas or {})
    needed = _worst_loss(sites)
    return tuple(_estimate(bundle, site, needed, sites) for site in sites.values())


def autoscaler_maximum(part: TargetBundle) -> int:
    """Return the largest maximum of the release's autoscalers; 0 without one."""
    found = (
        manifest.get("spec", {}).get(_MAXIMA[manifest["kind"]], 0)
        for manifest in part.objects
        if manifest.get("kind") in _MAXIMA
    )
    return max(map(int, found), default=0)


_MAXIMA = {"HorizontalPodAutoscaler": "maxReplicas", "ScaledObject": "maxReplicaCount"}
"""Kinds that scale, and the field with how far."""


def _open_sites(
    bundle: Bundle, books: Mapping[str, Prices], replicas: Mapping[str, int]
) -> dict[str, _Site]:
    """Put together what each target is priced from; targets of one cloud share its egress tiers."""
    usage, strategy = read_usage(bundle), read_strategy(bundle)
    sent: dict[Cloud, Decimal] = {}
    sites = {}
    for part in sorted(bundle.targets, key=lambda part: part.target):
        rates = Rates(bundle, part, books.get(part.target))
        begun = sent.setdefault(part.cloud, usage.egress_used_gb * 10**9)
        count = replicas.get(part.target, part.replicas)
        share = share_of_traffic(bundle, part.target)
        load = Load(usage, share, bundle.artifact.size, count, begun)
        sent[part.cloud] = begun + load.bytes_out
        seen = part.target in replicas
        maximum = max(count, autoscaler_maximum(part))
        sites[part.target] = _Site(
            part, rates, read_machine(part, rates), load, maximum, strategy, seen
        )
    return sites


def _worst_loss(sites: Mapping[str, _Site]) -> dict[str, int]:
    """Return what the survivors need when that target is lost which costs most to replace.

    Targets of one share ask the same of the others, so each share is priced once.
    """
    if all(site.maximum <= site.load.replicas for site in sites.values()):
        return {}
    by_share: dict[Decimal, dict[str, Decimal]] = {}
    for site in sites.values():
        share = site.load.share
        if share not in by_share:
            by_share[share] = {name: _price_of_loss(it, share) for name, it in sites.items()}
    worst = max(
        sorted(sites),
        key=lambda lost: _without(by_share[sites[lost].load.share], lost),
    )
    share = sites[worst].load.share
    return {
        name: replicas_needed(site.load, site.maximum, share)
        for name, site in sites.items()
        if name != worst
    }


def _without(amounts: Mapping[str, Decimal], lost: str) -> Decimal:
    return sum(amounts.values(), Decimal(0)) - amounts[lost]


def _price_of_loss(site: _Site, lost_share: Decimal) -> Decimal:
    needed = replicas_needed(site.load, site.maximum, lost_share)
    return known_sum(price_failover(site.machine, site.load, needed)).amount


def _estimate(
    bundle: Bundle, site: _Site, needed: Mapping[str, int], sites: Mapping[str, _Site]
) -> TargetEstimate:
    part, machine, load = site.part, site.machine, site.load
    nodes, _ = price_nodes(machine, load.replicas)
    max_nodes, _ = price_nodes(machine, site.maximum)
    machine_price = part.price
    count = needed.get(part.target, load.replicas)
    return TargetEstimate(
        target=part.target,
        release=bundle.number,
        cloud=part.cloud,
        region=part.region,
        machine=part.machine,
        option=machine_price.option if machine_price else "on-demand",
        replicas=load.replicas,
        max_replicas=site.maximum,
        nodes=nodes,
        max_nodes=max_nodes,
        hourly=None if isinstance(machine.hourly, UnknownPrice) else machine.hourly.money,
        hourly_from=machine.hourly_from,
        requests=price_requests(machine, load.replicas),
        bill=_bill(site, load, count, sites),
        most=_bill(site, replace(load, replicas=site.maximum), count, sites),
        replicas_from="cluster" if site.seen else "release",
    )


def _bill(
    site: _Site, load: Load, needed: int, sites: Mapping[str, _Site]
) -> tuple[Component, ...]:
    part, rates, machine = site.part, site.rates, site.machine
    plane = price_component(
        "control plane", rates.find("control_plane_hour").price, HOURS_PER_MONTH, "one cluster"
    )
    pushes = load.usage.pushed_from == part.target
    others = [other.part for other in sites.values() if other is not site]
    return (
        price_nodes(machine, load.replicas)[1],
        plane,
        *price_network(rates, load),
        *price_storage(rates, load),
        *(price_pushes(rates, load, others) if pushes else ()),
        *price_surge(site.strategy, part, machine, load),
        *price_canary(site.strategy, rates, load),
        *price_failover(machine, load, needed),
    )
