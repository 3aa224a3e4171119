"""What the live releases cost a month, per target and in all; pure.

Two figures per target. *Requests* is the marginal cost: the share of the machine's price that the
replicas' requests stand for. The *bill* is what the account sees: whole machines, the control
plane, the load balancer, the model in the bucket. Sums are exact and rounded once, when shown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from deployer.ports import Prices, UnknownPrice, Verdict
from deployer.release.records import Bundle, Head, TargetBundle
from deployer.report.component import CURRENCY, HOURS_PER_MONTH, Component, known_sum
from deployer.report.fixed import find_price, price_fixed
from deployer.report.machine import price_nodes, price_requests, read_machine
from deployer.report.sizing import WEIGHTS
from deployer.snapshot.observe import Observation
from deployer.values import Cloud, Money

__all__ = ["CostReport", "TargetCost", "build_cost_report"]


@dataclass(frozen=True, slots=True)
class TargetCost:
    """One target's month.

    Attributes:
        replicas_from: ``cluster`` when it said how many it wants, else ``release``.
        nodes: Whole machines; None when unknown.
        hourly: The machine's price; None when unknown.
        hourly_from: ``release`` when it was frozen into it, else ``book``; empty when unknown.
        requests: The marginal cost; not part of the bill.
        bill: The bill's components; one that does not apply here is left out.
        most: The known bill at the autoscaler's maximum; the same as `known` without one.
    """

    target: str
    release: int
    cloud: Cloud
    region: str
    machine: str
    replicas: int
    replicas_from: str
    max_replicas: int
    nodes: int | None
    hourly: Money | None
    hourly_from: str
    requests: Component
    bill: tuple[Component, ...]
    most: Money

    @property
    def known(self) -> Money:
        """The sum of the bill's known components."""
        return known_sum(self.bill)

    @property
    def partial(self) -> bool:
        """Whether some of the bill is unknown, so that it is more than `known`."""
        return any(component.monthly is None for component in self.bill)


@dataclass(frozen=True, slots=True)
class CostReport:
    """Every live target's month, in the order of their names, and what was assumed.

    Attributes:
        left_out: Live targets whose release cannot be read, so that nothing of them is priced.
    """

    name: str
    at: datetime
    targets: tuple[TargetCost, ...]
    left_out: tuple[str, ...]
    book_as_of: date | None
    assumptions: tuple[str, ...]

    @property
    def known(self) -> Money:
        """The sum of all known components of every bill."""
        return sum((target.known for target in self.targets), Money(Decimal(0), CURRENCY))

    @property
    def requests(self) -> Money:
        """The sum of the known marginal costs."""
        return known_sum(target.requests for target in self.targets)

    @property
    def most(self) -> Money:
        """The sum of the known bills at every autoscaler's maximum."""
        return sum((target.most for target in self.targets), Money(Decimal(0), CURRENCY))

    @property
    def partial(self) -> bool:
        """Whether something is unknown, so that the month costs more than `known`."""
        return bool(self.left_out) or any(target.partial for target in self.targets)

    @property
    def requests_partial(self) -> bool:
        """Whether a marginal cost is unknown."""
        unknown = any(target.requests.monthly is None for target in self.targets)
        return bool(self.left_out) or unknown

    @property
    def book_age_days(self) -> int | None:
        """How old the newest price of the book is."""
        return (self.at.date() - self.book_as_of).days if self.book_as_of else None


def build_cost_report(
    head: Head,
    bundles: Mapping[int, Bundle],
    prices: Mapping[str, Prices],
    observations: Sequence[Observation] = (),
    *,
    now: datetime,
) -> CostReport:
    """Price what is live. ``prices`` is the price book of each target.

    Replicas are what the cluster wants now where it was seen, else what the release asks for. The
    machine's price is the one frozen into the release; the book serves for what that lacks.
    """
    wanted = dict(filter(None, map(_replicas_seen, observations)))
    targets = tuple(
        _price_target(bundles[number], part, prices.get(target), wanted.get(target))
        for target, number in sorted(head.live.items())
        if number in bundles and (part := bundles[number].target(target))
    )
    book_as_of = max((book.as_of for book in prices.values()), default=None)
    left_out = tuple(sorted(set(head.live) - {target.target for target in targets}))
    report = CostReport(head.name, now, targets, left_out, book_as_of, ())
    return replace(report, assumptions=_assume(report))


def _replicas_seen(seen: Observation) -> tuple[str, int] | None:
    """Return what the cluster wants; of a missing workload the release says more."""
    if seen.readiness is None or seen.readiness.verdict is Verdict.MISSING:
        return None
    return seen.target, seen.readiness.desired


def _price_target(
    bundle: Bundle, part: TargetBundle, prices: Prices | None, wanted: int | None
) -> TargetCost:
    machine = read_machine(bundle, part, find_price(prices, part, "instance", part.machine))
    replicas = part.replicas if wanted is None else wanted
    max_replicas = max(replicas, _autoscaler_maximum(part))
    nodes, compute = price_nodes(machine, replicas)
    _, most_compute = price_nodes(machine, max_replicas)
    fixed = price_fixed(bundle, part, prices)
    return TargetCost(
        target=part.target,
        release=bundle.number,
        cloud=part.cloud,
        region=part.region,
        machine=part.machine,
        replicas=replicas,
        replicas_from="release" if wanted is None else "cluster",
        max_replicas=max_replicas,
        nodes=nodes,
        hourly=None if isinstance(machine.hourly, UnknownPrice) else machine.hourly.money,
        hourly_from=machine.hourly_from,
        requests=price_requests(machine, replicas),
        bill=(compute, *fixed),
        most=known_sum((most_compute, *fixed)),
    )


def _autoscaler_maximum(part: TargetBundle) -> int:
    """Return the largest maximum of the release's autoscalers; 0 without one."""
    found = (
        manifest.get("spec", {}).get(_MAXIMA[manifest["kind"]], 0)
        for manifest in part.objects
        if manifest.get("kind") in _MAXIMA
    )
    return max(map(int, found), default=0)


_MAXIMA = {"HorizontalPodAutoscaler": "maxReplicas", "ScaledObject": "maxReplicaCount"}
"""Kinds that scale, and the field with how far."""


def _assume(report: CostReport) -> tuple[str, ...]:
    book = (
        f"list prices; the book's newest is of {report.book_as_of}, {report.book_age_days} days old"
        if report.book_as_of
        else "list prices; no price book"
    )
    frozen = sorted({t.release for t in report.targets if t.hourly_from == "release"})
    numbers = ", ".join(map(str, frozen))
    return (
        f"a month of {HOURS_PER_MONTH} hours at the current replicas",
        book,
        *([f"machine prices frozen into release {numbers}; the rest from the book"] * bool(frozen)),
        f"requests: {WEIGHTS}",
        "machines: whole ones for this deployment alone, by capacity (not allocatable)",
        "control plane: one cluster per target, standard tier or support, no free credit",
        "storage: the live release's model once per target, without requests",
        "not counted: egress and load balancer traffic, disks, taxes, discounts",
    )
