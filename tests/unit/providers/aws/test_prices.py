from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from boto3.session import Session
from botocore.stub import Stubber

from deployer.errors import AccessDeniedError
from deployer.ports import Price, PriceQuery, UnknownPrice
from deployer.providers.aws.prices import AwsPrices, machine_filters, read_product
from deployer.providers.local.clock import ManualClock
from deployer.values import Cloud, Money
from tests.unit.providers.price_pages import aws_product

KNOWN = Price(
    Money(Decimal("0.2")), "hour", "old", date(2024, 8, 9), "low", Decimal(4), Decimal(16)
)
QUERY = PriceQuery(Cloud.AWS, "eu-west-1", "instance", "m6i.xlarge")
NOW = datetime(2026, 11, 23, tzinfo=UTC)
Recorded = Callable[..., AwsPrices]


@pytest.fixture
def recorded() -> Recorded:
    """Return a price list whose real client answers once what was recorded."""

    def make(service: str, method: str, answer: Any, expected: Any = None) -> AwsPrices:
        session = Session(aws_access_key_id="none", aws_secret_access_key="none")
        made: Any = session.client(service, region_name="us-east-1")  # type: ignore[call-overload]
        stubber = Stubber(made)
        if isinstance(answer, str):
            stubber.add_client_error(method, answer)
        else:
            stubber.add_response(method, answer, expected)
        stubber.activate()
        return AwsPrices(lambda name, _: made if name == service else None, ManualClock())

    return make


def test_the_filters_leave_one_product_and_its_price(recorded: Recorded) -> None:
    expected = {
        "ServiceCode": "AmazonEC2",
        "Filters": machine_filters("m6i.xlarge", "eu-west-1"),
        "MaxResults": 100,
    }
    answer = {"PriceList": [aws_product("0.2140000000")]}
    found = recorded("pricing", "get_products", answer, expected).ask(QUERY, KNOWN)
    assert isinstance(found, Price)
    assert found.money == Money(Decimal("0.2140000000"))
    assert (found.vcpu, found.confidence) == (Decimal(4), "high")
    assert found.source == "AWS Pricing API"
    fields = {it["Field"]: it["Value"] for it in machine_filters("m6i.xlarge", "eu-west-1")}
    assert (fields["tenancy"], fields["operatingSystem"]) == ("Shared", "Linux")


@pytest.mark.parametrize(
    ("products", "why"),
    [
        ([], "AWS lists 0 products for m"),
        ([aws_product("0.1"), aws_product("0.11")], "AWS lists 2 products for m, not one"),
        ([aws_product("0.1", unit="Quantity")], "AWS lists 0 hourly prices in USD"),
        ([aws_product("0.1", currency="CNY")], "in USD for m, not one"),
    ],
)
def test_anything_but_one_answer_is_unknown(products: list[str], why: str) -> None:
    found = read_product(products, "m")
    assert isinstance(found, UnknownPrice)
    assert why in found.reason


def test_spot_is_the_dearest_zones_and_indicative(recorded: Recorded) -> None:
    history = [
        {"SpotPrice": "0.0701", "AvailabilityZone": "eu-west-1a"},
        {"SpotPrice": "0.0845", "AvailabilityZone": "eu-west-1b"},
    ]
    source = recorded("ec2", "describe_spot_price_history", {"SpotPriceHistory": history})
    spot = PriceQuery(Cloud.AWS, "eu-west-1", "instance", "m6i.xlarge", "spot")
    found = source.ask(spot, KNOWN)
    assert isinstance(found, Price)
    assert (found.money.amount, found.confidence) == (Decimal("0.0845"), "low")


def test_a_machine_without_spot_is_unknown(recorded: Recorded) -> None:
    source = recorded("ec2", "describe_spot_price_history", {"SpotPriceHistory": []})
    spot = PriceQuery(Cloud.AWS, "eu-west-1", "instance", "m6i.xlarge", "spot")
    assert isinstance(source.ask(spot, KNOWN), UnknownPrice)


def test_a_login_that_may_not_ask_is_said_so(recorded: Recorded) -> None:
    source = recorded("pricing", "get_products", "AccessDeniedException")
    with pytest.raises(AccessDeniedError, match=r"price of m6i\.xlarge in eu-west-1"):
        source.ask(QUERY, KNOWN)
