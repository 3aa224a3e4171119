"""Azure's retail price list: public, without a login; filters leave the one Linux meter."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from deployer.ports import Clock, Price, PriceQuery, UnknownPrice
from deployer.providers.pages import get_page
from deployer.providers.renewed import renew_price
from deployer.values import Json

if TYPE_CHECKING:
    from urllib3 import PoolManager

__all__ = ["AzurePrices", "connect_prices", "pick_meter"]

_URL = "https://prices.azure.com/api/retail/prices"
_VERSION = "2023-01-01-preview"
_MOST_PAGES = 20


def pick_meter(items: Iterable[Json], query: PriceQuery) -> Decimal | UnknownPrice:
    """Return the hourly price of the one meter that fits; unknown unless it is exactly one.

    Left out are Windows, Cloud Services, low priority, expired and free meters: the same name has
    them all, and the last one would win.
    """
    wanted = [item for item in items if _is_linux(item) and _is_bought(item, query)]
    prices = {Decimal(str(item["retailPrice"])) for item in wanted}
    if len(prices) != 1:
        return UnknownPrice(
            f"Azure lists {len(prices)} prices for {query.sku} in {query.region}, not one"
        )
    return prices.pop()


class AzurePrices:
    """See `PriceSource`."""

    def __init__(self, pool: "PoolManager", clock: Clock, url: str = _URL) -> None:
        """Keep what sends requests, and where to."""
        self._pool = pool
        self._clock = clock
        self._url = url

    def ask(self, query: PriceQuery, known: Price) -> Price | UnknownPrice:
        """See `PriceSource.ask`."""
        found = pick_meter(self._items(query), query)
        if isinstance(found, UnknownPrice):
            return found
        today = self._clock.now().date()
        return renew_price(known, found, query, source="Azure Retail Prices API", as_of=today)

    def _items(self, query: PriceQuery) -> Iterator[Json]:
        wanted = {
            "serviceName": "Virtual Machines",
            "priceType": "Consumption",
            "armRegionName": query.region,
            "armSkuName": query.sku,
        }
        words = " and ".join(f"{key} eq '{value}'" for key, value in wanted.items())
        for number in range(_MOST_PAGES):
            fields = {"api-version": _VERSION, "$filter": words, "$skip": str(100 * number)}
            page = get_page(self._pool, self._url, fields, what="Azure's price list")
            yield from page["Items"]
            if not page.get("NextPageLink"):
                return


def connect_prices(clock: Clock) -> AzurePrices:
    """Return the price list; no I/O yet."""
    import urllib3

    return AzurePrices(urllib3.PoolManager(), clock)


def _is_linux(item: Json) -> bool:
    product, meter = item["productName"], item["meterName"]
    return (
        item["type"] == "Consumption"
        and item["unitOfMeasure"] == "1 Hour"
        and product.startswith("Virtual Machines")
        and not product.endswith((" Windows", " CloudServices"))
        and "Low Priority" not in meter
        and "Expired" not in meter
        and item["currencyCode"] == "USD"
        and item["retailPrice"] > 0
    )


def _is_bought(item: Json, query: PriceQuery) -> bool:
    spot = str(item["skuName"]).endswith(" Spot")
    return str(item["armSkuName"]) == query.sku and spot == (query.option == "spot")
