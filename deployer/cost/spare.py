"""What runs for a while only: beside the old release, and for a target that is lost."""

from decimal import ROUND_CEILING, Decimal

from deployer.cost.component import Component, price_component
from deployer.cost.load import Load
from deployer.cost.machine import Machine
from deployer.cost.rates import Rates
from deployer.release.records import TargetBundle
from deployer.spec.strategy import Strategy

__all__ = ["price_canary", "price_failover", "price_surge", "replicas_needed"]

_SECONDS_PER_HOUR = 3600


def price_surge(
    strategy: Strategy, part: TargetBundle, machine: Machine, load: Load
) -> tuple[Component, ...]:
    """Price the machines that a new release needs beside the old one, at each push.

    At most: for as long as the target may take to become ready, the steps of a canary, and the
    soak. Nothing where both fit the machines that are there, or where the machine is unknown (that
    is said already).
    """
    rolling = strategy.type == "rolling"
    more = _pods(strategy.max_surge, load.replicas) if rolling else load.replicas
    seconds = part.timeout_seconds + (0 if rolling else _beside_seconds(strategy))
    nodes = _more_nodes(machine, load.replicas, load.replicas + more)
    hours = load.usage.pushes * Decimal(str(seconds)) / _SECONDS_PER_HOUR
    if not nodes or not hours:
        return ()
    basis = f"{nodes} more x {hours:.2f} h, at most"
    return (price_component("surge", machine.hourly, nodes * hours, basis),)


def price_canary(strategy: Strategy, rates: Rates, load: Load) -> tuple[Component, ...]:
    """Price the load balancer that a canary has for itself, at each push.

    At most: for as long as the target may take to give it an address, the steps, and the soak.
    What an Ingress or a Gateway serves besides is the cluster's business.
    """
    part = rates.part
    count = sum(it.get("spec", {}).get("type") == "LoadBalancer" for it in part.canary)
    seconds = part.timeout_seconds + _beside_seconds(strategy)
    hours = load.usage.pushes * Decimal(str(seconds)) / _SECONDS_PER_HOUR
    if not count or not hours:
        return ()
    price = rates.find("lb_hour").price
    return (price_component("canary", price, count * hours, f"{count} x {hours:.2f} h, at most"),)


def price_failover(machine: Machine, load: Load, needed: int) -> tuple[Component, ...]:
    """Price the machines that ``needed`` replicas take while another target is lost."""
    nodes = _more_nodes(machine, load.replicas, needed)
    hours = load.usage.outage_hours
    if not nodes or not hours:
        return ()
    basis = f"{nodes} more x {hours:g} h of outage"
    return (price_component("failover", machine.hourly, nodes * hours, basis),)


def replicas_needed(load: Load, most: int, lost_share: Decimal) -> int:
    """Return how many replicas a target needs once another, with this share, is away.

    In proportion to the traffic that it has then, never above its autoscaler's maximum: without an
    autoscaler nothing starts.
    """
    left = 1 - lost_share
    wanted = _ceiling(load.replicas / left) if left > 0 else most
    return min(max(load.replicas, most), max(load.replicas, wanted))


def _beside_seconds(strategy: Strategy) -> float:
    """Return how long two releases take traffic, or may have to."""
    return len(strategy.canary_steps) * strategy.hold + strategy.soak


def _pods(share: str, replicas: int) -> int:
    """Return how many pods ``share`` is, rounded up as Kubernetes rounds a surge."""
    if share.endswith("%"):
        return _ceiling(replicas * Decimal(share.rstrip("%")) / 100)
    return int(share)


def _ceiling(number: Decimal) -> int:
    return int(number.to_integral_value(ROUND_CEILING))


def _more_nodes(machine: Machine, now: int, then: int) -> int:
    before, after = machine.count(now), machine.count(then)
    return 0 if before is None or after is None else max(after - before, 0)
