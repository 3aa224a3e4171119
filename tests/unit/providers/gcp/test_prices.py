from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import urllib3

from deployer.errors import SetupError
from deployer.ports import Price, PriceQuery, UnknownPrice
from deployer.providers.gcp.prices import GcpPrices, connect_prices, price_machine
from deployer.providers.local.clock import ManualClock
from deployer.values import Cloud, Money
from tests.unit.providers.price_pages import gcp_sku

KNOWN = Price(
    Money(Decimal("0.2")), "hour", "old", date(2024, 8, 9), "low", Decimal(4), Decimal(16)
)
QUERY = PriceQuery(Cloud.GCP, "us-central1", "instance", "n2-standard-4")
SKUS = [
    gcp_sku("N2 Instance Core running in Americas", 31_611_000),
    gcp_sku("N2 Instance Ram running in Americas", 4_237_000),
    gcp_sku("N2 Custom Instance Core running in Americas", 33_174_000),
    gcp_sku("N2 Instance Core running in Paris", 40_000_000, serviceRegions=["europe-west9"]),
    gcp_sku("Spot Preemptible N2 Instance Core running in Americas", 7_000_000, "Preemptible"),
    gcp_sku("Spot Preemptible N2 Instance Ram running in Americas", 1_000_000, "Preemptible"),
]


def ask(sku: str = "n2-standard-4", option: str = "on-demand", known: Price = KNOWN) -> Any:
    return price_machine(SKUS, PriceQuery(Cloud.GCP, "us-central1", "instance", sku, option), known)


def test_a_machine_is_its_processors_and_its_memory() -> None:
    """4 x 0.031611 + 16 x 0.004237 = 0.194236; spot 4 x 0.007 + 16 x 0.001 = 0.044."""
    assert ask() == Decimal("0.194236")
    assert ask(option="spot") == Decimal("0.044")


@pytest.mark.parametrize("sku", ["a2-highgpu-1g", "e2-standard-4"])
def test_what_has_no_sku_of_its_own_is_unknown(sku: str) -> None:
    assert isinstance(ask(sku), UnknownPrice)


def test_two_skus_of_one_name_are_unknown() -> None:
    found = price_machine([*SKUS, SKUS[0]], QUERY, KNOWN)
    assert isinstance(found, UnknownPrice)
    assert "Google lists 2 SKUs for N2 Instance Core" in found.reason


def test_a_graduated_or_foreign_rate_is_unknown() -> None:
    rate = {"unitPrice": {"currencyCode": "EUR", "units": "0", "nanos": 1}}
    odd = gcp_sku(
        "N2 Instance Core running in Americas", 1,
        pricingInfo=[{"pricingExpression": {"tieredRates": [rate]}}],
    )  # fmt: skip
    found = price_machine([odd, SKUS[1]], QUERY, KNOWN)
    assert isinstance(found, UnknownPrice)


def test_the_catalogue_is_read_once_page_by_page(serve_pages: Any) -> None:
    pages = serve_pages({"skus": SKUS[:1], "nextPageToken": "two"}, {"skus": SKUS[1:]})
    with urllib3.PoolManager() as pool:
        source = GcpPrices(pool, ManualClock(), "secret", pages.url)
        found = [source.ask(QUERY, KNOWN) for _ in range(2)]
    assert [it.money.amount for it in found if isinstance(it, Price)] == [Decimal("0.194236")] * 2
    assert len(pages.asked) == 2
    assert "pageToken=two" in pages.asked[1]


def test_a_key_is_asked_for() -> None:
    with pytest.raises(SetupError, match="needs an API key"):
        connect_prices(ManualClock(), None)


def test_a_key_is_in_no_error(serve_pages: Any) -> None:
    pages = serve_pages(403)
    with urllib3.PoolManager() as pool, pytest.raises(Exception, match="answered 403") as caught:
        GcpPrices(pool, ManualClock(), "secret", pages.url).ask(QUERY, KNOWN)
    assert "secret" not in f"{caught.value} {getattr(caught.value, 'hint', '')}"
