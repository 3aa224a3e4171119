from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from deployer.cost.exchange import ExchangeRate
from deployer.cost.focus.actuals import make_charge
from deployer.cost.focus.bill import Bill, add_up
from deployer.cost.focus.charge import Charge
from deployer.cost.focus.classify import classify_charge, cloud_of
from deployer.cost.focus.reconcile import reconcile
from deployer.cost.focus.units import read_unit
from deployer.cost.ran import Ran, Window, price_ran
from deployer.ports import Charged
from deployer.release.records import Span
from deployer.values import Cloud

Maker = Callable[..., Any]
FIRST = datetime(2026, 11, 1, tzinfo=UTC)
WINDOW = Window(FIRST, FIRST + timedelta(days=30))
CENT = Decimal("0.01")
EC2 = Charge(
    provider="Amazon Web Services", region="us-east-1", began=FIRST,
    ended=FIRST + timedelta(hours=1), currency="USD", category="Usage", service_category="Compute",
    service="Amazon Elastic Compute Cloud", description="$0.192 per On Demand Linux m6i.xlarge",
    meter="BoxUsage:m6i.xlarge", sku="S1", resource="i-1", billed=Decimal("140.00"),
    effective=Decimal("140.00"), quantity=Decimal(732), unit="Hrs", tags={},
)  # fmt: skip


@pytest.fixture
def ran(make_site: Maker, make_release: Maker) -> Ran:
    """Return a November of one m6i.xlarge: 720 h x 0.192 = 138.24."""
    release = make_release(make_site("aws"))
    spans = [Span(target="aws", release=42, began=FIRST - timedelta(days=1))]
    return price_ran(spans, {42: release}, WINDOW)


def bill(*charges: Charge) -> Bill:
    return add_up(charges, WINDOW.began, WINDOW.ended)


def test_a_bill_is_explained_component_by_component_to_the_cent(ran: Ran) -> None:
    """Machines: billed 140.00 for 732 h, estimated 138.24 for 720 h: + 1.76, of which
    12 h x 0.192 = + 2.30 and the rest, a lower price, 140.00 - 732 x 0.192 = - 0.54.
    Control plane: 72.00 as estimated. Balancer: nothing billed, - 16.20. Storage 1.20: + 0.05.
    All: 213.20 - 227.59 = - 14.39.
    """
    plane = replace(
        EC2, service="Amazon Elastic Kubernetes Service", description="", meter="perCluster",
        effective=Decimal("72.00"), quantity=Decimal(720),
    )  # fmt: skip
    stored = replace(
        EC2, service="Amazon Simple Storage Service", description="", meter="TimedStorage-ByteHrs",
        effective=Decimal("1.20"), quantity=Decimal(50), unit="GB-Mo", service_category="Storage",
    )  # fmt: skip
    found = reconcile(ran, bill(EC2, plane, stored))
    rows = {it.component: it for it in found.differences}
    machines = rows["machines"]
    assert machines.by_quantity is not None
    assert machines.by_price is not None
    assert machines.by_quantity.amount.quantize(CENT) == Decimal("2.30")
    assert machines.by_price.amount.quantize(CENT) == Decimal("-0.54")
    assert machines.reasons == (
        "+12.000 hour: +2.30",
        "another price than the estimate's: -0.54",
    )
    cents = {
        name: it.difference and it.difference.amount.quantize(CENT) for name, it in rows.items()
    }
    assert cents == {
        "machines": Decimal("1.76"),
        "control plane": Decimal("0.00"),
        "balancer": Decimal("-16.20"),
        "storage": Decimal("0.05"),
    }
    assert rows["balancer"].reasons == ("not in the bill",)
    assert (found.estimated.amount.quantize(CENT), found.billed.amount) == (
        Decimal("227.59"),
        Decimal("213.20"),
    )
    total = sum(it.difference.amount for it in found.differences if it.difference)
    assert total == found.billed.amount - found.estimated.amount
    assert not found.partial


def test_what_only_one_side_knows_is_told(ran: Ran) -> None:
    other = replace(
        EC2, service="Amazon Braket", service_category="Analytics", meter="", description=""
    )
    found = {it.component: it for it in reconcile(ran, bill(other)).differences}
    assert found["other"].reasons == ("not in the estimate",)
    assert found["other"].difference == found["other"].billed
    assert found["machines"].reasons == ("not in the bill",)


def test_a_row_without_a_cost_makes_the_comparison_partial(ran: Ran) -> None:
    found = reconcile(ran, bill(EC2, replace(EC2, effective=None, quantity=None, sku="2")))
    assert found.partial
    (machines,) = [it for it in found.differences if it.component == "machines"]
    assert "1 rows without a cost, which is not 0" in machines.reasons


def test_a_cloud_that_the_bill_has_nothing_of_is_left_out_and_named(
    make_site: Maker, make_release: Maker
) -> None:
    release = make_release(make_site("aws"), make_site("gcp"))
    spans = [Span(target=name, release=42, began=FIRST) for name in ("aws", "gcp")]
    found = reconcile(price_ran(spans, {42: release}, WINDOW), bill(EC2))
    assert {it.cloud for it in found.differences} == {Cloud.AWS}
    assert found.uncovered == (Cloud.GCP,)


def test_a_correction_is_counted_and_named(ran: Ran) -> None:
    back = replace(EC2, effective=Decimal(-5), quantity=None, correction=True)
    (machines,) = [
        it for it in reconcile(ran, bill(EC2, back)).differences if it.component == "machines"
    ]
    assert machines.billed is not None
    assert machines.billed.amount == Decimal("135.00")
    assert "corrections of earlier invoices: -5.00" in machines.reasons


def test_other_places_currencies_times_and_clouds_are_not_compared_but_told(ran: Ran) -> None:
    away = replace(EC2, region="eu-west-1")
    euros = replace(EC2, currency="EUR")
    early = replace(EC2, began=FIRST - timedelta(days=40))
    nobody = replace(EC2, provider="Datadog")
    odd = replace(EC2, quantity=Decimal(-1))
    found = reconcile(ran, bill(away, euros, early, nobody, odd))
    assert (found.elsewhere.amount, found.elsewhere_rows) == (Decimal("280.00"), 2)
    assert found.bill.foreign == {"EUR": Decimal("140.00")}
    assert (found.bill.outside, found.bill.negatives) == (1, 1)


def test_what_the_estimate_does_not_know_has_no_difference(
    make_site: Maker, make_release: Maker
) -> None:
    release = make_release(make_site("aws", machine="m9.large"))
    ran = price_ran([Span(target="aws", release=42, began=FIRST)], {42: release}, WINDOW)
    found = reconcile(ran, bill(EC2))
    (machines,) = [it for it in found.differences if it.component == "machines"]
    assert (machines.estimated, machines.difference) == (None, None)
    assert machines.reasons[0].startswith("the estimate is unknown: no price for m9.large")
    assert found.partial


@pytest.mark.parametrize(
    ("service", "meter", "component"),
    [
        ("Amazon Elastic Compute Cloud", "NatGateway-Hours", "nat"),
        ("AWSELB", "LoadBalancerUsage", "balancer"),
        ("Amazon Elastic Compute Cloud", "EBS:VolumeUsage.gp3", "disks"),
        ("Amazon Elastic Compute Cloud", "DataTransfer-Out-Bytes", "egress"),
        ("Compute Engine", "N2 Instance Core running in Americas", "machines"),
        ("Compute Engine", "Network Internet Data Transfer Out from Americas", "egress"),
        ("Kubernetes Engine", "Regional Kubernetes Clusters", "control plane"),
        ("Cloud Storage", "Standard Storage US Regional", "storage"),
        ("Azure Kubernetes Service", "Standard Uptime SLA", "control plane"),
        ("Virtual Machines", "D4s v5", "machines"),
        ("Storage", "Hot LRS Data Stored", "storage"),
        ("Amazon Simple Storage Service", "Requests-Tier1", "store requests"),
    ],
)
def test_the_clouds_own_names_are_known(service: str, meter: str, component: str) -> None:
    category = "Storage" if service == "Storage" else ""
    charge = replace(EC2, service=service, meter=meter, description="", service_category=category)
    assert classify_charge(charge) == component


def test_taxes_credits_and_unused_commitments_stay_visible() -> None:
    assert classify_charge(replace(EC2, category="Tax")) == "tax"
    assert classify_charge(replace(EC2, category="Credit")) == "credit"
    assert classify_charge(replace(EC2, unused=True)) == "unused commitment"
    assert [cloud_of(it) for it in ("Google Cloud", "Microsoft", "Oracle")] == [
        Cloud.GCP,
        Cloud.AZURE,
        None,
    ]


@pytest.mark.parametrize(
    ("text", "unit", "factor"),
    [
        ("Hrs", "hour", "1"),
        ("1 Hour", "hour", "1"),
        ("100 Hours", "hour", "100"),
        ("10K", "", "10000"),
        ("GB-Mo", "gb-month", "1"),
        ("1 GB/Month", "gb-month", "1"),
        ("GiB-month", "gib-month", "1"),
        ("Gigabytes", "gb", "1"),
    ],
)
def test_units_are_spelled_alike_and_blocks_are_counted(text: str, unit: str, factor: str) -> None:
    assert read_unit(text) == (unit, Decimal(factor))


def test_a_currency_with_a_rate_is_compared_and_one_without_is_named(ran: Ran) -> None:
    """128 EUR at 1.08 are 138.24 USD, which is what is estimated; 90 GBP stay 90 GBP."""
    euros = replace(EC2, currency="EUR", effective=Decimal(128), billed=None, quantity=Decimal(720))
    pounds = replace(EC2, currency="GBP", effective=Decimal(90))
    rate = ExchangeRate("EUR", Decimal("1.08"), FIRST.date(), "ECB")
    mixed = add_up([euros, pounds], WINDOW.began, WINDOW.ended, rates={"EUR": rate})
    assert (dict(mixed.foreign), mixed.converted) == ({"GBP": Decimal(90)}, {"EUR": rate})
    (machines,) = [it for it in reconcile(ran, mixed).differences if it.component == "machines"]
    assert machines.billed is not None
    assert machines.billed.amount == Decimal("138.24")
    assert machines.difference is not None
    assert machines.difference.amount == 0


def test_what_aws_says_it_charged_is_compared_as_a_bill_is(ran: Ran) -> None:
    """30 days of 24 h at 0.192: 138.24, as estimated; tax is none of the machines'."""
    line = Charged(
        day=FIRST.date(), region="us-east-1", service="Amazon Elastic Compute Cloud - Compute",
        usage="BoxUsage:m6i.xlarge", billed=Decimal("4.608"), effective=Decimal("4.608"),
        currency="USD", quantity=Decimal(24), unit="Hrs", estimated=False,
    )  # fmt: skip
    days = [replace(line, day=FIRST.date() + timedelta(days=n)) for n in range(30)]
    tax = replace(line, service="Tax", usage="NoUsageType", quantity=Decimal(0), unit="")
    found = reconcile(ran, bill(*(make_charge(it, "AWS") for it in [*days, tax])))
    rows = {it.component: it for it in found.differences}
    assert rows["machines"].billed is not None
    assert rows["machines"].billed.amount == Decimal("138.24")
    assert rows["tax"].reasons == ("not in the estimate",)
