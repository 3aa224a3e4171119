from datetime import date
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.cost.egress import price_graduated
from deployer.ports import Price, PriceQuery, PriceTier, UnknownPrice
from deployer.providers.book import load_book
from deployer.values import Cloud, Money

AMOUNTS = st.decimals(0, 1_000_000, places=3)


def find_tiers(cloud: Cloud, region: str, sku: str = "") -> tuple[PriceTier, ...]:
    found = load_book().find_tiers(PriceQuery(cloud, region, "egress_internet", sku))
    assert not isinstance(found, UnknownPrice)
    return found


AWS = find_tiers(Cloud.AWS, "us-east-1")


def test_each_tiers_units_cost_its_own_price() -> None:
    """AWS, 57,000 GB: 10,240 x 0.09 + 40,960 x 0.085 + 5,800 x 0.07 = 4,809.20.

    61,440 GB: 921.60 + 3,481.60 + 10,240 x 0.07 = 5,120.00.
    """
    assert price_graduated(AWS, Decimal(57_000)) == Money(Decimal("4809.200"))
    assert price_graduated(AWS, Decimal(61_440)) == Money(Decimal("5120.000"))


def test_the_price_depends_on_what_the_account_has_sent_already() -> None:
    """After 10,000 GB, 1,000 more: 240 x 0.09 + 760 x 0.085 = 86.20."""
    found = price_graduated(AWS, Decimal(1_000), already=Decimal(10_000))
    assert found == Money(Decimal("86.200"))


def test_a_free_tier_is_the_accounts_and_not_a_deployments() -> None:
    """Azure over an ISP: 100 GB are free once per account; 50 GB of ours cost 50 x 0.08."""
    tiers = find_tiers(Cloud.AZURE, "eastus", "isp")
    assert price_graduated(tiers, Decimal(50)) == Money(Decimal("4.00"))


def test_premium_is_what_a_cluster_of_googles_sends_by() -> None:
    """2,048 GiB: 1,024 x 0.12 + 1,024 x 0.11 = 235.52."""
    tiers = find_tiers(Cloud.GCP, "us-central1", "premium")
    assert price_graduated(tiers, Decimal(2048)) == Money(Decimal("235.52"))


def test_what_is_free_throughout_costs_nothing() -> None:
    free = Price(Money(Decimal(0)), "GB", "a list", date(2026, 11, 1), "high")
    assert price_graduated((PriceTier(Decimal(0), free),), Decimal(5)) == Money(Decimal(0))


@given(less=AMOUNTS, more=AMOUNTS, already=AMOUNTS)
@settings(max_examples=60, deadline=None)
def test_more_never_costs_less(less: Decimal, more: Decimal, already: Decimal) -> None:
    fewer, most = sorted((less, more))
    cheap = price_graduated(AWS, fewer, already=already)
    assert cheap.amount <= price_graduated(AWS, most, already=already).amount
    whole = price_graduated(AWS, already + fewer).amount
    assert whole == price_graduated(AWS, already).amount + cheap.amount
