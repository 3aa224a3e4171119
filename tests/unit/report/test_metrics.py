from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from deployer.cost.anomaly import Score
from deployer.providers.book import load_book
from deployer.release.records import Head, Span
from deployer.report.cost import build_cost_report
from deployer.report.health import build_health_report
from deployer.report.metrics import Facts, FactsCollector
from deployer.report.objectives import Burn, Goal
from deployer.report.outlook import build_outlook
from deployer.spec.costs import Budget
from deployer.values import Money

Maker = Callable[..., Any]
Series = dict[tuple[str, ...], float]
ORDER = ("target", "component", "basis", "state", "severity", "goal")


def scrape(facts: Facts, now: datetime, most_seconds: float = 180) -> Series:
    """Return every series: its name and its labels' values but the deployment's."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(FactsCollector(lambda: facts, lambda: now, most_seconds))
    found: Series = {}
    for family in text_string_to_metric_families(generate_latest(registry).decode()):
        for sample in family.samples:
            labels = dict(sample.labels)
            assert labels.pop("deployment") == "iris"
            found[sample.name, *(labels[key] for key in ORDER if key in labels)] = sample.value
    return found


@pytest.fixture
def facts(make_part: Maker, make_bundle: Maker, make_seen: Maker, now: datetime) -> Facts:
    """Two targets: one is well and priced, of the other neither cluster nor price is known."""
    parts = make_part("aws"), make_part("own", cloud="local", region="", machine="")
    bundle = make_bundle(42, *parts)
    spans = tuple(
        Span(target=it.target, release=42, began=now - timedelta(hours=2)) for it in parts
    )
    head = Head(name="iris", desired=42, live={"aws": 42, "own": 42}, spans=spans)
    silent = make_seen("own", readiness=None, readiness_error="no answer", probe=None, url=None)
    seen = (make_seen("aws"), silent)
    books = {it.target: load_book() for it in parts}
    cost = build_cost_report(head, {42: bundle}, books, seen, now=now)
    budget = Budget.model_validate({"monthly": "1 USD", "targets": {"own": {"monthly": "1 USD"}}})
    return Facts(
        "iris",
        now,
        seconds=0.5,
        health=build_health_report(head, {42: bundle}, seen, now=now),
        cost=cost,
        outlook=build_outlook(head, {42: bundle}, cost, books=books, budget=budget, now=now),
    )


def test_what_is_known_is_a_series_and_what_is_not_is_none_but_says_so(
    facts: Facts, now: datetime
) -> None:
    """A month of one m6i.xlarge: 730 x 0.192 = 140.16."""
    seen = scrape(facts, now)
    assert seen["deployer_cost_monthly_usd", "aws", "machines"] == pytest.approx(140.16)
    assert seen["deployer_cost_monthly_unknown", "aws", "machines"] == 0
    assert ("deployer_cost_monthly_usd", "own", "machines") not in seen
    assert seen["deployer_cost_monthly_unknown", "own", "machines"] == 1
    assert seen["deployer_target_state", "aws", "healthy"] == 1
    assert seen["deployer_target_state", "own", "unknown"] == 1
    assert seen["deployer_target_state", "own", "healthy"] == 0
    assert seen["deployer_target_replicas_ready", "aws"] == 2
    assert ("deployer_target_replicas_ready", "own") not in seen
    assert seen["deployer_target_replicas_ready_unknown", "own"] == 1
    assert seen["deployer_target_answer_unknown", "aws"] == 0
    assert seen["deployer_target_release_live", "own"] == 42
    assert ("deployer_cost_forecast_usd", "own") not in seen
    assert seen["deployer_cost_forecast_unknown", "own"] == 1
    assert seen["deployer_state_unknown",] == 0
    assert not [value for name, value in seen.items() if name[0].endswith("_usd") and not value]


def test_a_budget_has_a_state_on_both_bases_for_all_and_for_one(
    facts: Facts, now: datetime
) -> None:
    seen = scrape(facts, now)
    assert seen["deployer_budget_usd",] == 1
    assert seen["deployer_budget_state", "forecast", "exceeded"] == 1
    assert seen["deployer_budget_state", "own", "forecast", "unknown"] == 1
    assert seen["deployer_budget_state", "own", "forecast", "within"] == 0


def test_a_look_that_is_too_old_says_nothing_of_now(facts: Facts, now: datetime) -> None:
    seen = scrape(facts, now + timedelta(seconds=181))
    assert seen["deployer_state_unknown",] == 1
    assert seen["deployer_exporter_look_timestamp_seconds",] == facts.at.timestamp()
    assert not [name for name in seen if name[0].startswith(("deployer_cost", "deployer_target"))]


def test_a_release_that_cannot_be_read_is_unknown_and_an_odd_day_is_flagged(
    facts: Facts, now: datetime
) -> None:
    assert facts.cost is not None
    assert facts.outlook is not None
    odd = Score(
        "aws", "egress", now.date(), Money(Decimal(9)), Money(Decimal(1)), Decimal(60), now.date()
    )
    seen = scrape(
        replace(
            facts,
            cost=replace(facts.cost, left_out=("lost",)),
            outlook=replace(facts.outlook, scores=(odd,)),
        ),
        now,
    )
    assert seen["deployer_cost_monthly_unknown", "lost"] == 1
    assert seen["deployer_cost_anomaly_score", "aws", "egress"] == 60
    assert seen["deployer_cost_anomaly", "aws", "egress"] == 1


def test_a_promise_has_what_is_left_of_its_budget_and_whether_it_burns(
    facts: Facts, now: datetime
) -> None:
    """Of 10,000 at 99.9 % ten may fail; five did, so half is left. Nobody counted the other."""
    assert facts.health is not None
    burn = Burn("ticket", 259200.0, 21600.0, 1.0, 2.0, 2.0)
    held = Goal("availability", 0.999, 2592000.0, 10_000, 5, 3600.0, (burn,))
    unknown = Goal("latency", 0.99, 2592000.0, unknown="nobody counted")
    first, second = facts.health.targets
    targets = (replace(first, goals=(held, unknown)), second)
    seen = scrape(replace(facts, health=replace(facts.health, targets=targets)), now)
    assert seen["deployer_slo_objective_ratio", "aws", "availability"] == 0.999
    left = seen["deployer_slo_error_budget_left_ratio", "aws", "availability"]
    assert left == pytest.approx(0.5)
    assert seen["deployer_slo_burning", "aws", "ticket", "availability"] == 1
    assert seen["deployer_slo_burning", "aws", "page", "availability"] == 0
    assert ("deployer_slo_error_budget_left_ratio", "aws", "latency") not in seen
    assert seen["deployer_slo_unknown", "aws", "latency"] == 1
