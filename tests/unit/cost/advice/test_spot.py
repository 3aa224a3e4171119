from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.cost.advice.advice import Advice, Rules, Silence
from deployer.cost.advice.spot import advise_spot, price_effectively
from deployer.ports import Price, PriceQuery
from deployer.providers.book import load_book
from deployer.values import Cloud, Money

Maker = Callable[..., Any]
TODAY = date(2026, 11, 23)
FAST = Rules(load_seconds=Decimal(20))


def test_interruptions_and_stand_ins_are_part_of_the_price() -> None:
    """Spot 0.08, on demand 0.192; 20 % taken in a month, 60 s lost each, 5 % on demand.

    l = -ln(0.8) / 730 = 0.223144 / 730 = 0.00030568 an hour; t = 1/60 h; so the machine itself
    costs 0.08 x (1 + 0.0000050946) = 0.0800004, the stand-ins 0.05 x 0.112 = 0.0056:
    0.0856004.
    """
    found = price_effectively(
        Money(Decimal("0.08")), Money(Decimal("0.192")), Rules(load_seconds=Decimal(60))
    )
    assert found.amount.quantize(Decimal("1e-7")) == Decimal("0.0856004")


@given(
    spot=st.decimals("0.01", "1", places=3),
    more=st.decimals("0", "1", places=3),
    gone=st.decimals("0", "0.9", places=2),
    load=st.integers(0, 120),
)
@settings(max_examples=40, deadline=None)
def test_what_is_interrupted_more_never_costs_less(
    spot: Decimal, more: Decimal, gone: Decimal, load: int
) -> None:
    def price(gone: Decimal, fallback: str) -> Decimal:
        rules = Rules(interruptions=gone, fallback=Decimal(fallback), load_seconds=Decimal(load))
        return price_effectively(Money(spot), Money(spot + more), rules).amount

    assert price(gone + Decimal("0.05"), "0.1") >= price(gone, "0.1") >= spot
    assert price(gone, "0.2") >= price(gone, "0.1")


def test_spot_machines_save_what_is_left_after_all_that(make_case: Maker) -> None:
    """One m6i.xlarge at 0.192: the saving is 730 h of the difference to the effective price."""
    found = advise_spot(make_case(), FAST, TODAY)
    assert isinstance(found, Advice)
    price = load_book().find(PriceQuery(Cloud.AWS, "us-east-1", "instance", "m6i.xlarge", "spot"))
    assert isinstance(price, Price)
    effective = price_effectively(price.money, Money(Decimal("0.192")), FAST)
    assert found.saving.amount == (Decimal("0.192") - effective.amount) * 730
    assert found.confidence == "low"
    assert any("days old: indicative" in it for it in found.changes)


@pytest.mark.parametrize(
    ("changes", "rules", "why"),
    [
        ({"replicas": 1}, FAST, "nobody serves while that one is lost"),
        ({}, Rules(), "--load-seconds"),
        ({}, Rules(load_seconds=Decimal(121)), "loads in 121 s, and aws tells 120 s before"),
        ({"option": "spot"}, FAST, "on spot machines already"),
        ({"machine": "m9.none"}, FAST, "no price for m9.none"),
        ({"cloud": Cloud.LOCAL}, FAST, "nobody sells"),
        ({}, Rules(fallback=Decimal(1), load_seconds=Decimal(1)), "costs as much as on demand"),
    ],
)
def test_where_spot_is_no_good_it_is_not_advised(
    make_case: Maker, changes: dict[str, Any], rules: Rules, why: str
) -> None:
    found = advise_spot(make_case(**changes), rules, TODAY)
    assert isinstance(found, Silence)
    assert why in found.reason
