from collections.abc import Callable
from decimal import Decimal

import pytest

from deployer.spec.costs import Budget, Usage

Faults = Callable[[str], list[str]]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("budget: {on_exceed: deny}", "budget: expected at least one of monthly and increase"),
        ("budget: {increase: much}", 'budget.increase: expected a percentage such as "20%"'),
        ("budget: {monthly: 900 EUR}", "estimates are in USD, and there is no rate for EUR"),
        ("budget: {targets: {aws: {monthly: 1 USD}}}", "no target is called 'aws'"),
        ("usage: {pushed_from: nowhere}", "usage.pushed_from: no target is called 'nowhere'"),
        ("usage: {predictions: -1}", "usage.predictions: expected"),
    ],
)
def test_what_cannot_be_meant_is_said_so(
    faults: Faults, small: str, more: str, message: str
) -> None:
    assert any(message in line for line in faults(f"{small}{more}\n"))


def test_an_increase_is_a_share() -> None:
    assert Budget.model_validate({"increase": "12.5%"}).increase_share == Decimal("0.125")
    assert Budget.model_validate({"monthly": "5 USD"}).increase_share is None


def test_every_assumption_can_be_set_to_nothing() -> None:
    nothing = dict.fromkeys(
        ("predictions", "request_kib", "response_kib", "log_kib", "pushes", "outage_hours"), 0
    )
    assert Usage.model_validate(nothing).outage_hours == 0
