from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import urllib3

from deployer.errors import AccessDeniedError, ProviderError, TransientError
from deployer.ports import Price, PriceQuery, UnknownPrice
from deployer.providers.azure.prices import AzurePrices, pick_meter
from deployer.providers.local.clock import ManualClock
from deployer.values import Cloud, Money
from tests.unit.providers.price_pages import azure_item

KNOWN = Price(
    Money(Decimal("0.2")), "hour", "old", date(2024, 8, 9), "low", Decimal(4), Decimal(16)
)
QUERY = PriceQuery(Cloud.AZURE, "eastus", "instance", "Standard_D4s_v5")
SPOT = PriceQuery(Cloud.AZURE, "eastus", "instance", "Standard_D4s_v5", "spot")
OTHERS = [
    azure_item(0.376, productName="Virtual Machines Dsv5 Series Windows"),
    azure_item(0.4, productName="Virtual Machines Dsv5 Series CloudServices"),
    azure_item(0.05, meterName="D4s v5 Low Priority"),
    azure_item(0.0384, skuName="D4s v5 Spot"),
    azure_item(0.1, type="Reservation"),
    azure_item(0.0),
    azure_item(0.5, armSkuName="Standard_D4as_v5"),
]


def test_of_all_meters_of_one_name_the_linux_one_is_the_price() -> None:
    """The same name has Windows (0.376), Cloud Services, low priority, spot and a free meter."""
    assert pick_meter([*OTHERS, azure_item(0.192)], QUERY) == Decimal("0.192")
    assert pick_meter(OTHERS, SPOT) == Decimal("0.0384")


@pytest.mark.parametrize("items", [[], [azure_item(0.192), azure_item(0.21)]])
def test_none_or_two_prices_are_unknown(items: list[Any]) -> None:
    found = pick_meter(items, QUERY)
    assert isinstance(found, UnknownPrice)
    assert "prices for Standard_D4s_v5 in eastus, not one" in found.reason


def ask(url: str) -> Price | UnknownPrice:
    with urllib3.PoolManager() as pool:
        return AzurePrices(pool, ManualClock(), url).ask(QUERY, KNOWN)


def test_every_page_is_read_before_one_is_chosen(serve_pages: Any) -> None:
    first = {"Items": OTHERS[:3], "NextPageLink": "https://prices.azure.com/next"}
    pages = serve_pages(first, {"Items": [azure_item(0.192)], "NextPageLink": None})
    found = ask(pages.url)
    assert isinstance(found, Price)
    assert (found.money.amount, found.source) == (Decimal("0.192"), "Azure Retail Prices API")
    assert [
        next(word for word in asked.split("&") if "skip" in word).replace("%24", "$")
        for asked in pages.asked
    ] == ["$skip=0", "$skip=100"]
    assert "armSkuName" in pages.asked[0]


@pytest.mark.parametrize(
    ("status", "kind"), [(403, AccessDeniedError), (429, TransientError), (400, ProviderError)]
)
def test_a_status_is_an_error_of_its_kind(
    serve_pages: Any, status: int, kind: type[Exception]
) -> None:
    with pytest.raises(kind, match=f"Azure's price list: it answered {status}"):
        ask(serve_pages(status).url)


def test_what_is_no_json_is_said_so(serve_pages: Any) -> None:
    with pytest.raises(ProviderError, match="the page is no JSON"):
        ask(serve_pages("<html>").url)


def test_a_list_that_does_not_answer_is_transient(unused_port: int) -> None:
    with pytest.raises(TransientError, match="Azure's price list"):
        ask(f"http://127.0.0.1:{unused_port}/")
