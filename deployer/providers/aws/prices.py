"""AWS's price list: the Pricing API on demand, EC2's own history for spot."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from deployer.errors import SetupError
from deployer.ports import Clock, Price, PriceQuery, UnknownPrice
from deployer.providers.aws.errors import translated
from deployer.providers.renewed import renew_price
from deployer.values import Json

__all__ = ["AwsPrices", "connect_prices", "machine_filters", "read_product"]

_HOME = "us-east-1"
"""The Pricing API is one service for all regions; it answers here."""


def machine_filters(machine: str, region: str) -> list[dict[str, str]]:
    """Return the filters that leave one row: Linux, shared tenancy, no licence, used capacity.

    Without tenancy and capacity the API answers with dedicated hosts and reservations, too, which
    are dearer by a twentieth or cost nothing.
    """
    wanted = {
        "instanceType": machine,
        "regionCode": region,
        "operatingSystem": "Linux",
        "preInstalledSw": "NA",
        "licenseModel": "No License required",
        "capacitystatus": "Used",
        "tenancy": "Shared",
    }
    return [{"Type": "TERM_MATCH", "Field": key, "Value": text} for key, text in wanted.items()]


def read_product(products: list[str], machine: str) -> Decimal | UnknownPrice:
    """Return the hourly price of what one answer lists; unknown unless it is exactly one."""
    found = [json.loads(product) for product in products]
    if len(found) != 1:
        return UnknownPrice(f"AWS lists {len(found)} products for {machine}, not one")
    dimensions = [
        dimension
        for term in found[0].get("terms", {}).get("OnDemand", {}).values()
        for dimension in term["priceDimensions"].values()
    ]
    hourly = [it for it in dimensions if it["unit"] == "Hrs"]
    if len(hourly) != 1 or "USD" not in hourly[0]["pricePerUnit"]:
        return UnknownPrice(f"AWS lists {len(hourly)} hourly prices in USD for {machine}, not one")
    return Decimal(hourly[0]["pricePerUnit"]["USD"])


class AwsPrices:
    """See `PriceSource`."""

    def __init__(self, client: Callable[[str, str], Any], clock: Clock) -> None:
        """Keep how to make a client: of a service, in a region."""
        self._client = client
        self._clock = clock
        self._clients: dict[tuple[str, str], Any] = {}

    def ask(self, query: PriceQuery, known: Price) -> Price | UnknownPrice:
        """See `PriceSource.ask`; of spot prices that differ by zone, the dearest."""
        with translated("ask for the price of", f"{query.sku} in {query.region}"):
            spot = query.option == "spot"
            found = self._spot(query) if spot else self._on_demand(query)
        if isinstance(found, UnknownPrice):
            return found
        source = "EC2 spot price history" if spot else "AWS Pricing API"
        today = self._clock.now().date()
        return renew_price(known, found, query, source=source, as_of=today)

    def _on_demand(self, query: PriceQuery) -> Decimal | UnknownPrice:
        answer = self._open("pricing", _HOME).get_products(
            ServiceCode="AmazonEC2",
            Filters=machine_filters(query.sku, query.region),
            MaxResults=100,
        )
        return read_product(answer["PriceList"], query.sku)

    def _spot(self, query: PriceQuery) -> Decimal | UnknownPrice:
        answer = self._open("ec2", query.region).describe_spot_price_history(
            InstanceTypes=[query.sku],
            ProductDescriptions=["Linux/UNIX"],
            StartTime=self._clock.now(),
        )
        prices: list[Json] = answer["SpotPriceHistory"]
        if not prices:
            return UnknownPrice(f"AWS has no spot price of {query.sku} in {query.region}")
        return max(Decimal(it["SpotPrice"]) for it in prices)

    def _open(self, service: str, region: str) -> Any:
        key = service, region
        if key not in self._clients:
            self._clients[key] = self._client(service, region)
        return self._clients[key]


def connect_prices(clock: Clock) -> AwsPrices:
    """Return the price list by the login that boto3 finds; no I/O yet."""

    def make(service: str, region: str) -> Any:
        try:
            from boto3.session import Session
        except ImportError as error:
            raise SetupError(
                "AWS's prices need its SDK, which is not installed",
                hint="pip install 'deployer[aws]'",
            ) from error
        return Session().client(service, region_name=region)  # type: ignore[call-overload]

    return AwsPrices(make, clock)
