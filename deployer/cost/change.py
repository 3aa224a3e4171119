"""What a plan changes of the bill: each target before and after, component by component."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from deployer.cost.assumptions import assume_month, assume_usage
from deployer.cost.component import CURRENCY, Component, known_sum
from deployer.cost.estimate import TargetEstimate, estimate_release
from deployer.cost.load import read_usage
from deployer.cost.warnings import warn_of_prices
from deployer.release.records import Bundle, TargetBundle
from deployer.values import Money

__all__ = ["Delta", "PlanCost", "TargetChange", "compare_releases", "find_deltas"]


@dataclass(frozen=True, slots=True)
class Delta:
    """One component before and after; None where it is not, or not known."""

    component: str
    before: Component | None
    after: Component | None

    @property
    def change(self) -> Money | None:
        """What is added to the bill; None when one side is unknown."""
        amounts = [Decimal(0), Decimal(0)]
        for index, side in enumerate((self.before, self.after)):
            if side is not None and side.monthly is None:
                return None
            amounts[index] = side.monthly.amount if side and side.monthly else Decimal(0)
        return Money(amounts[1] - amounts[0], CURRENCY)


@dataclass(frozen=True, slots=True)
class TargetChange:
    """One target's month before and after; None where nothing is there."""

    target: str
    before: TargetEstimate | None
    after: TargetEstimate | None

    @property
    def deltas(self) -> tuple[Delta, ...]:
        """Every component of either side, in the order of the bill."""
        return find_deltas(self.before, self.after)


@dataclass(frozen=True, slots=True)
class PlanCost:
    """What a month costs before and after a plan.

    Attributes:
        targets: In the order of their names; one that the spec has lost stays as it is.
        left_out: Live targets whose release cannot be read, so that nothing of them is priced.
    """

    targets: tuple[TargetChange, ...]
    left_out: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def before(self) -> Money:
        """What is known of the bill today."""
        return _sum(self.targets, lambda change: change.before)

    @property
    def after(self) -> Money:
        """What is known of the bill after the plan, at the least replicas."""
        return _sum(self.targets, lambda change: change.after)

    @property
    def most(self) -> Money:
        """What is known of the bill after the plan, with every autoscaler at its maximum."""
        found = [change.after.most for change in self.targets if change.after]
        return known_sum(component for bill in found for component in bill)

    @property
    def requests(self) -> Money:
        """What is known of the marginal cost after the plan."""
        return known_sum(change.after.requests for change in self.targets if change.after)

    @property
    def partial(self) -> bool:
        """Whether something of the bill after the plan is unknown."""
        return bool(self.left_out) or any(
            change.after is not None and change.after.partial for change in self.targets
        )

    @property
    def partial_before(self) -> bool:
        """Whether something of today's bill is unknown."""
        return bool(self.left_out) or any(
            change.before is not None and change.before.partial for change in self.targets
        )


def compare_releases(
    after: Bundle, live: Mapping[str, int], bundles: Mapping[int, Bundle], *, today: date
) -> PlanCost:
    """Price ``after`` on its targets against what is ``live``, by target.

    Both sides at the newer release's prices where these are frozen into it, so that what differs is
    what the plan changes and not what a vendor changed meanwhile.
    """
    estimates = {estimate.target: estimate for estimate in estimate_release(after)}
    today_by_number = {
        number: _estimate_today(bundles[number], after)
        for number in set(live.values())
        if number in bundles
    }
    before = {
        name: found
        for name, number in live.items()
        if (found := today_by_number.get(number, {}).get(name))
    }
    names = sorted({*estimates, *before})
    shown = tuple(estimates.values())
    return PlanCost(
        targets=tuple(
            TargetChange(name, before.get(name), estimates.get(name) or before.get(name))
            for name in names
        ),
        left_out=tuple(sorted(set(live) - set(before))),
        assumptions=(*assume_month(shown), *assume_usage(read_usage(after))),
        warnings=warn_of_prices(shown, today),
    )


def find_deltas(before: TargetEstimate | None, after: TargetEstimate | None) -> tuple[Delta, ...]:
    """Pair the components of two bills by their names."""
    old = {component.name: component for component in before.bill} if before else {}
    new = {component.name: component for component in after.bill} if after else {}
    names = dict.fromkeys([*new, *old])
    return tuple(Delta(name, old.get(name), new.get(name)) for name in names)


def _estimate_today(bundle: Bundle, after: Bundle) -> dict[str, TargetEstimate]:
    """Price what is live at today's prices, where its machine is still the same."""
    parts = tuple(_reprice(part, after) for part in bundle.targets)
    today = bundle.model_copy(update={"targets": parts})
    return {found.target: found for found in estimate_release(today)}


def _reprice(part: TargetBundle, after: Bundle) -> TargetBundle:
    newer = after.target(part.target)
    if newer is None or newer.region != part.region or not newer.prices:
        return part
    kept = [price for price in part.prices if price.kind == "instance"]
    fresh = list(newer.prices)
    if newer.machine != part.machine:
        fresh = [*kept, *(price for price in fresh if price.kind != "instance")]
    return part.model_copy(update={"prices": tuple(fresh)})


def _sum(
    targets: Iterable[TargetChange], side: Callable[[TargetChange], TargetEstimate | None]
) -> Money:
    found = [estimate for change in targets if (estimate := side(change))]
    return known_sum(component for estimate in found for component in estimate.bill)
