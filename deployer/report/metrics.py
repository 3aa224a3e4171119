"""Cost and health in the text format that Prometheus reads.

Names and units follow Prometheus' conventions: a prefix, base units at the end, money in the unit
that the report has. What is unknown has no series of its own, never a 0 (G8); beside each series
that can be unknown stands one that ends in ``_unknown`` and is 1 then.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from deployer import __version__
from deployer.cost.standing import STATES
from deployer.cost.sums import Sum
from deployer.report.cost import CostReport
from deployer.report.health import HealthReport, TargetHealth
from deployer.report.outlook import Outlook
from deployer.report.sights import HealthState

__all__ = ["Facts", "FactsCollector"]

_PREFIX = "deployer_"
_GOAL = ("target", "goal")
_SEVERITIES = ("page", "ticket")


@dataclass(frozen=True, slots=True)
class Facts:
    """One look at a deployment.

    Attributes:
        at: When it was taken.
        seconds: How long it took.
        health: With ``cost`` and ``outlook``, None when the record could not be read.
    """

    name: str
    at: datetime
    seconds: float = 0.0
    health: HealthReport | None = None
    cost: CostReport | None = None
    outlook: Outlook | None = None


class FactsCollector(Collector):
    """Shows the newest look; one that is too old says nothing of now, so all is unknown then."""

    def __init__(
        self, latest: Callable[[], Facts], now: Callable[[], datetime], most_seconds: float
    ) -> None:
        self._latest = latest
        self._now = now
        self._most_seconds = most_seconds

    def collect(self) -> Iterable[Metric]:
        """Yield every metric, as the newest look has it."""
        facts = self._latest()
        if (self._now() - facts.at).total_seconds() > self._most_seconds:
            facts = Facts(facts.name, facts.at, facts.seconds)
        return [_with_deployment(metric, facts.name) for metric in _describe(facts)]


def _describe(facts: Facts) -> Iterator[Metric]:
    yield _build()
    text = "When it was looked, Unix time."
    yield _one("exporter_look_timestamp_seconds", text, facts.at.timestamp())
    yield _one("exporter_look_duration_seconds", "How long looking took.", facts.seconds)
    known = facts.health is not None and facts.cost is not None and facts.outlook is not None
    yield _one("state_unknown", "Whether the record could not be read.", float(not known))
    if facts.health is not None:
        yield from _of_health(facts.health)
    if facts.cost is not None:
        yield from _of_cost(facts.cost)
    if facts.outlook is not None:
        yield from _of_outlook(facts.outlook)


def _build() -> Metric:
    family = _family("exporter_build_info", "Always 1.", "version")
    family.add_metric([__version__], 1)
    return family


def _of_health(report: HealthReport) -> Iterator[Metric]:
    states = _family("target_state", "1 for the state it is in.", "target", "state")
    for target in report.targets:
        for state in HealthState:
            states.add_metric([target.target, state.value], float(target.state is state))
    yield states
    yield from _maybe(
        "target_replicas_ready",
        "Replicas that are ready.",
        [(target, target.ready) for target in report.targets],
    )
    yield from _maybe(
        "target_replicas_wanted",
        "Replicas that the cluster wants.",
        [(target, target.replicas) for target in report.targets],
    )
    yield from _maybe(
        "target_answer_seconds",
        "How long its endpoint took to answer.",
        [(target, target.probe_seconds) for target in report.targets],
    )
    yield _present(
        "target_release_live",
        "The release that is live; no series where none is.",
        [(target.target, target.live) for target in report.targets],
    )
    yield _present(
        "target_release_wanted",
        "The release that is wanted; no series where none is.",
        [(target.target, target.desired) for target in report.targets],
    )
    seen = [(it.target, it.seen.timestamp() if it.seen else None) for it in report.targets]
    yield _present("target_seen_timestamp_seconds", "When it was last seen, Unix time.", seen)
    yield from _of_goals(report.targets)


def _of_goals(targets: Sequence[TargetHealth]) -> Iterator[Metric]:
    """Yield what is promised, what of the error budget is left, and what goes too fast."""
    objective = _family("slo_objective_ratio", "The share that is promised.", *_GOAL)
    left = _family("slo_error_budget_left_ratio", "Of the error budget; below 0: gone.", *_GOAL)
    unknown = _family("slo_unknown", "Whether what was held is unknown.", *_GOAL)
    burning = _family("slo_burning", "1 where the budget goes too fast.", *_GOAL, "severity")
    for target in targets:
        for goal in target.goals:
            labels = [target.target, goal.name]
            objective.add_metric(labels, goal.objective)
            if goal.budget_left is not None:
                left.add_metric(labels, goal.budget_left)
            unknown.add_metric(labels, float(bool(goal.unknown)))
            for severity in _SEVERITIES:
                burning.add_metric([*labels, severity], float(goal.alarm == severity))
    yield from (objective, left, unknown, burning)


def _of_cost(report: CostReport) -> Iterator[Metric]:
    amounts = _family("cost_monthly_usd", "A month of what is live.", "target", "component")
    unknown = _family("cost_monthly_unknown", "Whether it is unknown.", "target", "component")
    for target in report.targets:
        for part in target.bill:
            if part.monthly is not None:
                amounts.add_metric([target.target, part.name], float(part.monthly.amount))
            unknown.add_metric([target.target, part.name], float(part.monthly is None))
    for name in report.left_out:
        unknown.add_metric([name, ""], 1.0)
    yield amounts
    yield unknown
    requests = [
        (it.target, float(it.requests.monthly.amount) if it.requests.monthly else None)
        for it in report.targets
    ]
    yield _present("cost_requests_monthly_usd", "The requests' share of the machines.", requests)
    yield _unknown("cost_requests_monthly_unknown", requests)
    if report.book_as_of is not None:
        midnight = datetime.combine(report.book_as_of, time(), tzinfo=UTC)
        text = "The date of the price book's newest price, Unix time."
        yield _one("price_book_timestamp_seconds", text, midnight.timestamp())


def _of_outlook(outlook: Outlook) -> Iterator[Metric]:
    so_far = {it.target: it.so_far for it in outlook.forecasts}
    month = {it.target: it.month for it in outlook.forecasts}
    yield from _of_sums("cost_month_to_date", "Since the first of the month.", so_far)
    yield from _of_sums("cost_forecast", "Of the month, at its end.", month)
    yield from _of_budget(outlook)
    yield from _of_scores(outlook)


def _of_sums(name: str, text: str, sums: Mapping[str, Sum]) -> Iterator[Metric]:
    """Yield what is known of each; ``_unknown`` is 1 as soon as a part of it is not."""
    known = [(key, None if it.nothing else float(it.known.amount)) for key, it in sums.items()]
    yield _present(f"{name}_usd", text, known)
    partial = _family(f"{name}_unknown", "Whether some of it is unknown.", "target")
    for target, each in sums.items():
        partial.add_metric([target], float(bool(each.unknown)))
    yield partial


def _of_scores(outlook: Outlook) -> Iterator[Metric]:
    scores = _family("cost_anomaly_score", "Yesterday's modified z-score.", "target", "component")
    odd = _family("cost_anomaly", "1 where yesterday was odd.", "target", "component")
    for score in outlook.scores:
        scores.add_metric([score.target, score.component], float(score.score))
        odd.add_metric([score.target, score.component], float(score.is_anomaly))
    yield scores
    yield odd


def _of_budget(outlook: Outlook) -> Iterator[Metric]:
    """Yield the limits; the one of all targets together has no target."""
    limits = _family("budget_usd", "What a month may cost.", "target")
    states = _family("budget_state", "1 for how the month stands.", "target", "basis", "state")
    for it in outlook.standings:
        if it.basis == "actual":
            limits.add_metric([it.target], float(it.limit.amount))
        for state in STATES:
            states.add_metric([it.target, it.basis, state], float(it.state == state))
    yield limits
    yield states


def _maybe(
    name: str, text: str, values: Sequence[tuple[TargetHealth, float | None]]
) -> Iterator[Metric]:
    by_name = [(target.target, value) for target, value in values]
    yield _present(name, text, by_name)
    base = name.removesuffix("_seconds")
    yield _unknown(f"{base}_unknown", by_name)


def _present(name: str, text: str, values: Sequence[tuple[str, float | None]]) -> Metric:
    family = _family(name, text, "target")
    for target, value in values:
        if value is not None:
            family.add_metric([target], float(value))
    return family


def _unknown(name: str, values: Sequence[tuple[str, float | None]]) -> Metric:
    family = _family(name, "Whether it is unknown.", "target")
    for target, value in values:
        family.add_metric([target], float(value is None))
    return family


def _one(name: str, text: str, value: float) -> Metric:
    family = _family(name, text)
    family.add_metric([], value)
    return family


def _family(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(_PREFIX + name, text, labels=labels)


def _with_deployment(metric: Metric, name: str) -> Metric:
    """Label every series with its deployment: exporters of several end up in one Prometheus."""
    for index, sample in enumerate(metric.samples):
        labels = {"deployment": name, **{k: v for k, v in sample.labels.items() if v}}
        metric.samples[index] = sample._replace(labels=labels)
    return metric
