"""Google's billing catalogue: a machine is its processors and memory, each a SKU of its own."""

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from deployer.errors import SetupError
from deployer.ports import Clock, Price, PriceQuery, UnknownPrice
from deployer.providers.pages import get_page
from deployer.providers.renewed import renew_price
from deployer.values import Json

if TYPE_CHECKING:
    from urllib3 import PoolManager

__all__ = ["GcpPrices", "connect_prices", "price_machine", "read_rate"]

_URL = "https://cloudbilling.googleapis.com/v1/services/6F81-5844-456A/skus"
_MOST_PAGES = 50
_FAMILIES = {
    "n2": "N2 Instance",
    "n2d": "N2D AMD Instance",
    "e2": "E2 Instance",
    "n1": "N1 Predefined Instance",
    "c2": "Compute optimized",
    "c3": "C3 Instance",
}
"""By series, what its SKUs are called; machines of other series keep the price they have."""


def read_rate(sku: Json) -> Decimal | UnknownPrice:
    """Return a SKU's price per unit: units and nanos of its one rate."""
    expression = sku["pricingInfo"][-1]["pricingExpression"]
    rates = [rate["unitPrice"] for rate in expression["tieredRates"]]
    if len(rates) != 1 or rates[0]["currencyCode"] != "USD":
        return UnknownPrice(f"{sku['description']} has {len(rates)} rates, not one in USD")
    return Decimal(rates[0].get("units") or 0) + Decimal(rates[0].get("nanos") or 0) / 10**9


def price_machine(skus: Iterable[Json], query: PriceQuery, known: Price) -> Decimal | UnknownPrice:
    """Return processors x their SKU and memory x its SKU, both of one region and way to buy."""
    family = _FAMILIES.get(query.sku.partition("-")[0])
    if family is None or known.gpus:
        return UnknownPrice(f"the catalogue's names of {query.sku} are not known here")
    usage = "Preemptible" if query.option == "spot" else "OnDemand"
    offered = [
        sku
        for sku in skus
        if query.region in sku["serviceRegions"] and sku["category"]["usageType"] == usage
    ]
    total = Decimal(0)
    for part, amount in (("Core", known.vcpu), ("Ram", known.memory_gib)):
        rate = _one(offered, family, part, query)
        if isinstance(rate, UnknownPrice):
            return rate
        total += rate * amount
    return total


class GcpPrices:
    """See `PriceSource`. The catalogue is read once."""

    def __init__(self, pool: "PoolManager", clock: Clock, key: str, url: str = _URL) -> None:
        """Keep what sends requests, the API key, and where to."""
        self._pool = pool
        self._clock = clock
        self._key = key
        self._url = url
        self._skus: list[Json] | None = None

    def ask(self, query: PriceQuery, known: Price) -> Price | UnknownPrice:
        """See `PriceSource.ask`."""
        if self._skus is None:
            self._skus = list(self._pages())
        found = price_machine(self._skus, query, known)
        if isinstance(found, UnknownPrice):
            return found
        today = self._clock.now().date()
        return renew_price(known, found, query, source="Google Cloud Billing Catalog", as_of=today)

    def _pages(self) -> Iterator[Json]:
        fields = {"key": self._key, "pageSize": "5000", "pageToken": ""}
        for _ in range(_MOST_PAGES):
            page = get_page(self._pool, self._url, fields, what="Google's price list")
            yield from page.get("skus", ())
            fields["pageToken"] = page.get("nextPageToken") or ""
            if not fields["pageToken"]:
                return


def connect_prices(clock: Clock, key: str | None) -> GcpPrices:
    """Return the catalogue; no I/O yet.

    Raises:
        SetupError: There is no API key.
    """
    import urllib3

    if not key:
        raise SetupError(
            "Google's price list needs an API key",
            hint="Set GOOGLE_API_KEY to one with access to the Cloud Billing API.",
        )
    return GcpPrices(urllib3.PoolManager(), clock, key)


def _one(skus: Iterable[Json], family: str, part: str, query: PriceQuery) -> Decimal | UnknownPrice:
    """Return the rate of the one SKU of a family's processors or memory."""
    form = re.compile(rf"(Spot Preemptible )?{re.escape(family)} {part}( running)? in .+")
    found = [sku for sku in skus if form.fullmatch(sku["description"])]
    if len(found) != 1:
        return UnknownPrice(
            f"Google lists {len(found)} SKUs for {family} {part} in {query.region}, not one"
        )
    return read_rate(found[0])
