from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from deployer.cost.advice.advice import Advice, Silence
from deployer.cost.advice.areas import find_area
from deployer.cost.advice.move import Offer, advise_move
from deployer.ports import Price
from deployer.values import Cloud, Money

Maker = Callable[..., Any]
CENT = Decimal("0.01")


def offer(cloud: Cloud, region: str, machine: str, amount: str, vcpu: int = 4) -> Offer:
    price = Price(
        Money(Decimal(amount)),
        "hour",
        "test",
        date(2026, 11, 1),
        "high",
        Decimal(vcpu),
        Decimal(16),
    )
    return Offer(cloud, region, machine, price)


def test_a_cheaper_region_is_weighed_against_the_way_there(
    make_case: Maker, offers: Sequence[Offer]
) -> None:
    """m6i.xlarge: 0.230 an hour in Frankfurt, 0.214 in Ireland: 0.016 x 730 = 11.68 a month.

    Storage there is 0.023 instead of 0.0245 for 1 GB. The model goes there once for 0.02, which
    11.68 / 30.4 a day pays back after 0.052 days.
    """
    found = advise_move(make_case(region="eu-central-1"), of(Cloud.AWS, offers))
    assert isinstance(found, Advice)
    assert "m6i.xlarge in aws eu-west-1" in found.do
    assert found.saving.amount.quantize(CENT) == Decimal("11.68")
    assert found.one_off.amount == Decimal("0.02")
    assert found.break_even_days is not None
    assert found.break_even_days.quantize(Decimal("0.001")) == Decimal("0.052")
    assert found.blockers == ()


def test_a_cheaper_place_that_is_blocked_comes_after_one_that_is_not(
    make_case: Maker, offers: Sequence[Offer]
) -> None:
    """Virginia is cheaper than Ireland, 0.192: 27.74 a month; but the data would leave Europe."""
    away = [it for it in of(Cloud.AWS, offers) if it.region != "eu-west-1"]
    found = advise_move(make_case(region="eu-central-1"), away)
    assert isinstance(found, Advice)
    assert found.saving.amount.quantize(CENT) == Decimal("27.74")
    assert found.blockers == ("residency: from Europe to North America",)


def of(cloud: Cloud, offers: Sequence[Offer]) -> list[Offer]:
    return [it for it in offers if it.cloud is cloud]


def test_another_cloud_is_priced_with_all_that_is_known_here_and_there(make_case: Maker) -> None:
    """From Frankfurt to Google's n2-standard-4 in Belgium: (0.23 - 0.213668) x 730 = 11.9224;
    1 GB costs 0.0245 here and 0.9313 GiB x 0.020 = 0.0186 there: 11.93 a month in all. The way
    costs 1 GB x 0.09. What EKS and a balancer cost in Frankfurt the book does not know.
    """
    there = offer(Cloud.GCP, "europe-west1", "n2-standard-4", "0.213668")
    found = advise_move(make_case(region="eu-central-1"), [there])
    assert isinstance(found, Advice)
    assert found.saving.amount.quantize(CENT) == Decimal("11.93")
    assert found.one_off.amount == Decimal("0.09")
    assert found.blockers == ()
    assert "not compared: control plane, balancer" in found.why
    assert found.confidence == "low"
    assert found.touches == {"aws machines", "aws rest", "gcp europe-west1"}


def test_the_last_target_of_a_cloud_keeps_the_others_from_failing_with_it(
    make_case: Maker, make_site: Maker
) -> None:
    sites = make_site("gcp", region="asia-southeast1"), make_site("aws")
    found = advise_move(
        make_case(sites=sites), [offer(Cloud.AWS, "us-west-2", "m6i.xlarge", "0.192")]
    )
    assert isinstance(found, Advice)
    assert found.blockers == (
        "residency: from Asia to North America",
        "one cloud less: it is the only target on gcp",
    )


def test_what_pushing_there_costs_another_target_counts_against_it(
    make_case: Maker, make_site: Maker, make_release: Maker
) -> None:
    """Models of 1 GB are pushed 10 times a month from the other target, in Ireland.

    Frankfurt is another region of the same cloud: 10 x 0.02; Belgium is another cloud: 10 x 0.09.
    The machine beside the old one at each push runs 660 s: 10 x 0.1833 h x 0.016332 = 0.03 less.
    So moving there saves 11.93 + 0.03 - 0.70 = 11.26.
    """
    sites = make_site("aws", region="eu-central-1"), make_site("aws-two", region="eu-west-1")
    there = offer(Cloud.GCP, "europe-west1", "n2-standard-4", "0.213668")
    bundle = make_release(*sites, size=10**9, pushes=10, pushed_from="aws-two")
    found = advise_move(make_case(bundle=bundle), [there])
    assert isinstance(found, Advice)
    assert found.saving.amount.quantize(CENT) == Decimal("11.26")


@pytest.mark.parametrize(
    ("candidate", "why"),
    [
        (offer(Cloud.AWS, "us-east-1", "m6i.large", "0.01"), "no place"),
        (offer(Cloud.AWS, "us-west-2", "c6i.xlarge", "0.01"), "no place"),
        (offer(Cloud.GCP, "us-central1", "n2-standard-2", "0.01", vcpu=2), "no place"),
        (offer(Cloud.GCP, "nowhere", "n2-standard-4", "0.01"), "no place"),
    ],
)
def test_what_cannot_be_compared_is_passed_over(
    make_case: Maker, candidate: Offer, why: str
) -> None:
    """The same region, another machine, a smaller one, a place without prices."""
    found = advise_move(make_case(), [candidate])
    assert isinstance(found, Silence)
    assert why in found.reason


def test_a_machine_without_a_price_is_not_compared(
    make_case: Maker, offers: Sequence[Offer]
) -> None:
    found = advise_move(make_case(machine="m9.none"), offers)
    assert isinstance(found, Silence)


@pytest.mark.parametrize(
    ("cloud", "region", "area"),
    [
        (Cloud.AWS, "eu-central-1", "Europe"),
        (Cloud.AZURE, "westeurope", "Europe"),
        (Cloud.GCP, "europe-west4", "Europe"),
        (Cloud.AZURE, "eastus2", "North America"),
        (Cloud.AWS, "ap-southeast-2", "Australia"),
        (Cloud.AWS, "ap-southeast-1", "Asia"),
        (Cloud.AZURE, "centralindia", "Asia"),
        (Cloud.AZURE, "southafricanorth", "Africa"),
        (Cloud.GCP, "southamerica-east1", "South America"),
        (Cloud.LOCAL, "the-cellar", ""),
    ],
)
def test_a_regions_name_says_where_it_is(cloud: Cloud, region: str, area: str) -> None:
    assert find_area(cloud, region) == area
