"""What the live releases cost a month, per target and in all; pure.

Two figures per target. *Requests* is the marginal cost: the share of the machine's price that the
replicas' requests stand for. The *bill* is what the account sees: whole machines, the control
plane, the load balancer, the model in the bucket. Sums are exact and rounded once, when shown.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from deployer.cost.assumptions import assume_month, assume_usage
from deployer.cost.component import CURRENCY, known_sum
from deployer.cost.estimate import TargetEstimate, estimate_release
from deployer.cost.load import read_usage
from deployer.ports import Prices, Verdict
from deployer.release.records import Bundle, Head
from deployer.snapshot.observe import Observation
from deployer.spec.costs import Usage
from deployer.values import Money

__all__ = ["CostReport", "build_cost_report"]


@dataclass(frozen=True, slots=True)
class CostReport:
    """Every live target's month, in the order of their names, and what was assumed.

    Attributes:
        left_out: Live targets whose release cannot be read, so that nothing of them is priced.
    """

    name: str
    at: datetime
    targets: tuple[TargetEstimate, ...]
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
        return sum((target.known_most for target in self.targets), Money(Decimal(0), CURRENCY))

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
    live = {target: number for target, number in head.live.items() if number in bundles}
    estimates = {
        (number, found.target): found
        for number in sorted(set(live.values()))
        for found in estimate_release(bundles[number], prices, replicas=wanted)
    }
    keys = ((number, target) for target, number in sorted(live.items()))
    targets = tuple(estimates[key] for key in keys if key in estimates)
    book_as_of = max((book.as_of for book in prices.values()), default=None)
    left_out = tuple(sorted(set(head.live) - {target.target for target in targets}))
    usages = [read_usage(bundles[number]) for number in sorted(set(live.values()))]
    report = CostReport(head.name, now, targets, left_out, book_as_of, ())
    return replace(report, assumptions=_assume(report, usages))


def _replicas_seen(seen: Observation) -> tuple[str, int] | None:
    """Return what the cluster wants; of a missing workload the release says more."""
    if seen.readiness is None or seen.readiness.verdict is Verdict.MISSING:
        return None
    return seen.target, seen.readiness.desired


def _assume(report: CostReport, usages: Iterable[Usage]) -> tuple[str, ...]:
    book = (
        f"the price book's newest price is of {report.book_as_of}, {report.book_age_days} days old"
        if report.book_as_of
        else "no price book"
    )
    frozen = sorted({t.release for t in report.targets if t.hourly_from == "release"})
    numbers = ", ".join(map(str, frozen))
    return (
        "at the current replicas",
        book,
        *([f"prices frozen into release {numbers}; the rest from the book"] * bool(frozen)),
        *assume_month(report.targets),
        *dict.fromkeys(line for usage in usages for line in assume_usage(usage)),
    )
