"""Everything that could cost less, put together, ranked, and added up without counting twice."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from deployer.cost.advice.advice import Advice, Case, Rules, Silence, say_percent
from deployer.cost.advice.copies import StoredCopy, advise_copies
from deployer.cost.advice.idle import advise_idle
from deployer.cost.advice.move import Offer, advise_move
from deployer.cost.advice.rank import Ranked, add_savings, rank_advice
from deployer.cost.advice.right_size import advise_size
from deployer.cost.advice.spot import advise_spot
from deployer.cost.machine import read_machine
from deployer.cost.rates import Rates
from deployer.cost.samples import Sample
from deployer.ports import Price, Prices, UnknownPrice
from deployer.release.records import Bundle
from deployer.report.cost import CostReport
from deployer.upkeep import Survey
from deployer.values import Money

__all__ = ["AdviceReport", "build_advice"]


@dataclass(frozen=True, slots=True)
class AdviceReport:
    """What could cost less.

    Attributes:
        silent: What was considered and is not advised, each with the reason.
        unseen: Stores that did not answer, each with the reason: of them nothing is said.
    """

    name: str
    at: datetime
    ranked: tuple[Ranked, ...]
    silent: tuple[Silence, ...]
    unseen: Mapping[str, str]
    assumptions: tuple[str, ...]

    @property
    def saving(self) -> Money:
        """What all that is counted saves together, a month."""
        return add_savings(self.ranked)


def build_advice(
    cost: CostReport,
    bundles: Mapping[int, Bundle],
    books: Mapping[str, Prices],
    *,
    offers: Sequence[Offer] = (),
    samples: Sequence[Sample] = (),
    survey: Survey | None = None,
    rules: Rules | None = None,
) -> AdviceReport:
    """Consider everything for every live target, and every store.

    Args:
        cost: A month of what is live.
        bundles: The live releases.
        books: By target, what knows prices.
        offers: The machines there are to move to.
        samples: What was seen of the targets over time.
        survey: What lies in the stores; None says nothing of it.
        rules: What is taken for granted.
    """
    rules = rules or Rules()
    cases = _open_cases(cost, bundles, books)
    seen: dict[str, list[Sample]] = {}
    for sample in sorted(samples, key=lambda it: it.at):
        seen.setdefault(sample.target, []).append(sample)
    found = [
        each
        for case in cases
        for each in _consider(case, seen.get(case.target, []), offers, rules, cost.at)
    ]
    if survey is not None:
        found += advise_copies(list(_copies(survey)), _price_stores(cases, survey))
    return AdviceReport(
        name=cost.name,
        at=cost.at,
        ranked=rank_advice(each for each in found if isinstance(each, Advice)),
        silent=tuple(each for each in found if isinstance(each, Silence)),
        unseen=dict(survey.unknown) if survey else {},
        assumptions=_assume(cost, rules),
    )


def _consider(
    case: Case, samples: Sequence[Sample], offers: Sequence[Offer], rules: Rules, at: datetime
) -> Iterator[Advice | Silence]:
    yield advise_size(case, samples, rules)
    yield advise_spot(case, rules, at.date())
    yield advise_move(case, offers)
    yield advise_idle(case, samples)


def _open_cases(
    cost: CostReport, bundles: Mapping[int, Bundle], books: Mapping[str, Prices]
) -> list[Case]:
    replicas = {it.target: it.replicas for it in cost.targets}
    cases = []
    for estimate in cost.targets:
        bundle = bundles[estimate.release]
        part = bundle.target(estimate.target)
        if part is not None:
            rates = Rates(bundle, part, books.get(part.target))
            machine = read_machine(part, rates)
            cases.append(Case(bundle, part, estimate, machine, rates, books, replicas))
    return cases


def _copies(survey: Survey) -> Iterator[StoredCopy]:
    for holding in survey.holdings:
        for copy in holding.copies:
            if copy.stored is not None:
                yield StoredCopy(
                    copy.url,
                    holding.digest,
                    copy.stored.size,
                    referred=bool(holding.releases),
                    expected=copy.expected,
                )


def _price_stores(cases: Iterable[Case], survey: Survey) -> dict[str, Price | UnknownPrice]:
    """Return what each store costs: as the live target says that keeps its model there."""
    urls = {copy.url for holding in survey.holdings for copy in holding.copies}
    found: dict[str, Price | UnknownPrice] = {}
    for case in cases:
        for url in urls:
            if case.part.uri.startswith(f"{url}/"):
                found[url] = case.rates.find("object_storage").price
    return found


def _assume(cost: CostReport, rules: Rules) -> tuple[str, ...]:
    gone, stand_in = say_percent(rules.interruptions), say_percent(rules.fallback)
    return (
        "list prices, 730 h a month, at the replicas that run now; no discounts or commitments",
        f"p{rules.percentile} of cpu, the most of memory, {say_percent(rules.headroom)} headroom",
        f"spot: {gone} taken away in a month, on-demand for {stand_in} of the time",
        "two proposals that save of the same thing are alternatives: one of them is counted",
        *(f"{name}: nothing of it is priced, so nothing is advised" for name in cost.left_out),
    )
