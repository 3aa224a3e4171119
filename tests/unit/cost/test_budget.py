from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from deployer.cost.budget import BudgetVerdict, judge_budget
from deployer.cost.change import PlanCost, compare_releases
from deployer.spec.costs import Budget

Maker = Callable[..., Any]
TODAY = date(2026, 11, 23)


@pytest.fixture
def grown(make_site: Maker, make_release: Maker) -> PlanCost:
    """Return a plan from three replicas (one machine) to four (two), on AWS."""
    return compare(make_release, make_site("aws", replicas=3), make_site("aws", replicas=4))


def compare(make_release: Maker, before: Any, after: Any) -> PlanCost:
    old, new = make_release(before, number=41), make_release(after, number=42)
    return compare_releases(new, {"aws": 41}, {41: old}, today=TODAY)


def judge(cost: PlanCost, **budget: Any) -> list[BudgetVerdict]:
    return list(judge_budget(Budget.model_validate(budget), cost))


def states(verdicts: list[BudgetVerdict]) -> list[tuple[str, str, bool]]:
    return [(found.target, found.state, found.refuses) for found in verdicts]


def test_the_bill_before_and_after_is_as_by_hand(grown: PlanCost) -> None:
    """One machine 140.16 + control plane 73 + balancer 16.425 + storage 1.15 = 230.735; two more
    by 140.16: 370.895.
    """
    assert grown.before.amount == Decimal("230.735")
    assert grown.after.amount == Decimal("370.895")
    (change,) = grown.targets
    assert {
        d.component: d.change.amount for d in change.deltas if d.change and d.change.amount
    } == {"machines": Decimal("140.16")}


@pytest.mark.parametrize(
    ("limit", "state"), [("371 USD", "within"), ("370.90", "within"), ("370 USD", "exceeded")]
)
def test_a_month_is_held_against_its_amount(grown: PlanCost, limit: str, state: str) -> None:
    (found,) = judge(grown, monthly=limit, on_exceed="deny")
    assert (found.state, found.refuses) == (state, state == "exceeded")
    assert "370.90 USD a month" in found.reason or "370.89 USD a month" in found.reason


@pytest.mark.parametrize(("limit", "state"), [("61%", "within"), ("60%", "exceeded")])
def test_an_increase_is_held_against_what_is_live(grown: PlanCost, limit: str, state: str) -> None:
    """370.895 / 230.735 - 1 = 60.7 %."""
    (found,) = judge(grown, increase=limit)
    assert (found.state, found.refuses) == (state, False)
    assert "+60.7 % against 230.7" in found.reason


def test_an_increase_over_nothing_has_no_baseline_and_does_not_refuse(
    make_site: Maker, make_release: Maker
) -> None:
    cost = compare_releases(make_release(make_site("aws")), {}, {}, today=TODAY)
    (found,) = judge(cost, increase="1%", on_exceed="deny")
    assert (found.state, found.refuses) == ("no-baseline", False)


def test_what_is_known_only_in_part_is_no_pass(make_site: Maker, make_release: Maker) -> None:
    cost = compare(make_release, make_site("aws"), make_site("aws", machine="m9.large"))
    found = judge(cost, monthly="9999 USD", increase="1%", on_exceed="deny")
    assert states(found) == [("", "unknown", True), ("", "unknown", True)]
    assert states(judge(cost, monthly="1 USD")) == [("", "exceeded", False)]


def test_each_target_may_have_a_limit_of_its_own(grown: PlanCost) -> None:
    limits: Mapping[str, Any] = {"aws": {"monthly": "100 USD"}, "gone": {"monthly": "1 USD"}}
    found = judge(grown, monthly="999 USD", targets=limits, on_exceed="deny")
    assert states(found) == [
        ("", "within", False),
        ("aws", "exceeded", True),
        ("gone", "unknown", True),
    ]


def test_an_orphan_is_part_of_the_bill(make_site: Maker, make_release: Maker) -> None:
    old = make_release(make_site("aws"), make_site("gcp"), number=41)
    new = make_release(make_site("aws"), number=42)
    cost = compare_releases(new, {"aws": 41, "gcp": 41}, {41: old}, today=TODAY)
    assert [change.target for change in cost.targets] == ["aws", "gcp"]
    assert cost.after == cost.before


def test_a_live_release_that_cannot_be_read_makes_both_bills_partial(
    make_site: Maker, make_release: Maker
) -> None:
    cost = compare_releases(make_release(make_site("aws")), {"lost": 7}, {}, today=TODAY)
    assert cost.left_out == ("lost",)
    assert cost.partial
    assert cost.partial_before


def test_a_vendors_new_price_is_no_change_of_the_plan(
    make_site: Maker, make_release: Maker
) -> None:
    """What was frozen at 0.1 an hour is compared at today's 0.192: the plan changes nothing."""
    before = make_site("aws")
    cheap = tuple(
        price.model_copy(update={"amount": Decimal("0.1")}) if price.kind == "instance" else price
        for price in before.prices
    )
    cost = compare(make_release, before.model_copy(update={"prices": cheap}), make_site("aws"))
    assert cost.before == cost.after


def test_another_machine_is_compared_at_the_price_it_had(
    make_site: Maker, make_release: Maker
) -> None:
    """m6i.large 0.096 (one replica each: two machines, like one m6i.xlarge at 0.192)."""
    cost = compare(make_release, make_site("aws", machine="m6i.large"), make_site("aws"))
    (change,) = cost.targets
    assert change.before is not None
    assert (change.before.nodes, change.before.machine) == (2, "m6i.large")
    assert cost.before == cost.after


def test_doubtful_prices_are_named(make_site: Maker, make_release: Maker) -> None:
    site = make_site("azure", option="spot", region="eastus")
    old = compare_releases(make_release(site), {}, {}, today=date(2026, 11, 23))
    assert any(warning.startswith("prices older than 400 days") for warning in old.warnings)
    assert any("of low confidence: azure requests" in warning for warning in old.warnings)
    assert any("indicative only" in assumption for assumption in old.assumptions)
    early = compare_releases(make_release(site), {}, {}, today=date(2020, 1, 1))
    assert any("dated after 2020-01-01" in warning for warning in early.warnings)


def test_what_was_assumed_is_said_with_the_key_that_changes_it(
    make_site: Maker, make_release: Maker
) -> None:
    site = make_site("aws")
    quiet = compare_releases(make_release(site), {}, {}, today=TODAY).assumptions
    assert "no traffic: no predictions a month (usage.predictions)" in quiet
    assert "no model pushed (usage.pushes)" in quiet
    busy = make_release(
        site, predictions=5_000, log_kib=1, egress_used_gb=7, pushes=2, pushed_from="aws", nat=True
    )
    told = "\n".join(compare_releases(busy, {}, {}, today=TODAY).assumptions)
    assert "5,000 predictions a month by weight, 1 KiB in and 1 KiB out each, 1 KiB logged" in told
    assert "2 x a month a model is pushed, from the cloud of aws" in told
    assert "a NAT gateway per target" in told
