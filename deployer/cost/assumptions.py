"""What an estimate takes for granted, in words: every figure that was not asked for or measured."""

from collections.abc import Iterable

from deployer.cost.component import HOURS_PER_MONTH
from deployer.cost.estimate import TargetEstimate
from deployer.cost.weights import SCAD
from deployer.spec.costs import Usage

__all__ = ["assume_month", "assume_usage"]


def assume_usage(usage: Usage) -> tuple[str, ...]:
    """Say what a month brings, with the key of the spec that changes it."""
    return (_traffic(usage), _pushes(usage), _gateway(usage), _outage(usage))


def assume_month(estimates: Iterable[TargetEstimate]) -> tuple[str, ...]:
    """Say how machines and what comes with them are counted."""
    return (
        f"list prices, {HOURS_PER_MONTH} hours a month, no taxes, discounts or free tiers",
        f"requests: {SCAD.name}",
        "machines: whole ones for this deployment alone, by what they leave for pods",
        "control plane: one cluster per target, standard tier or support, no free credit",
        "storage: this release's model once per target",
        *_spot(estimates),
    )


def _traffic(usage: Usage) -> str:
    if not usage.predictions:
        return "no traffic: no predictions a month (usage.predictions)"
    logs = f", {usage.log_kib:g} KiB logged" if usage.log_kib else ", nothing logged"
    sizes = f"{usage.request_kib:g} KiB in and {usage.response_kib:g} KiB out each{logs}"
    besides = f" after {usage.egress_used_gb:g} GB" if usage.egress_used_gb else ""
    return f"{usage.predictions:,} predictions a month by weight, {sizes}{besides} (usage)"


def _pushes(usage: Usage) -> str:
    if not usage.pushes:
        return "no model pushed (usage.pushes)"
    place = usage.pushed_from
    source = f"from the cloud of {place}" if place else "from outside the clouds, free to send"
    return f"{usage.pushes} x a month a model is pushed, {source} (usage.pushes, pushed_from)"


def _gateway(usage: Usage) -> str:
    return f"{'a' if usage.nat else 'no'} NAT gateway per target (usage.nat)"


def _outage(usage: Usage) -> str:
    hours = usage.outage_hours
    if not hours:
        return "no outage (usage.outage_hours)"
    return f"{hours:g} h a month the dearest target is lost to the others (usage.outage_hours)"


def _spot(estimates: Iterable[TargetEstimate]) -> tuple[str, ...]:
    """Spot prices move by the hour; one of the book's is a day old at the least."""
    names = sorted(found.target for found in estimates if found.option == "spot")
    if not names:
        return ()
    return (f"spot prices of {', '.join(names)} are indicative only: they change by the hour",)
