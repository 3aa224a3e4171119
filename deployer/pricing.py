"""Where prices come from: the book that ships, one's own file, the vendors' lists; on demand."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from deployer.errors import SetupError
from deployer.ports import Actuals, Prices, PriceSource
from deployer.values import Cloud

if TYPE_CHECKING:
    from deployer.providers.book.entry import Entry

__all__ = ["open_actuals", "open_price_source", "open_prices", "read_price_entries"]


def open_actuals() -> Actuals:
    """Return AWS's own account of what was charged; no I/O yet."""
    from deployer.providers.aws.actuals import connect_actuals

    return connect_actuals()


def open_prices(own: Path | None = None) -> Prices:
    """Return the price book that ships with the package; the prices in the file ``own`` go first.

    Raises:
        SourceError: The file cannot be read, or a row of it is wrong.
    """
    from deployer.providers.book import LayeredPrices, load_book, read_book

    return LayeredPrices(read_book(own), load_book()) if own else load_book()


def read_price_entries(own: Path | None = None) -> "tuple[Entry, ...]":
    """Return the rows of the price book that ships with the package, or of the file ``own``.

    Raises:
        SourceError: The file cannot be read, or a row of it is wrong.
    """
    from deployer.providers.book import load_entries, read_file

    return read_file(own) if own else load_entries()


def open_price_source(cloud: Cloud) -> PriceSource:
    """Return the vendor's own price list.

    Raises:
        SetupError: It has none, or a key for it is missing.
    """
    from deployer.providers.local.clock import SystemClock

    match cloud:
        case Cloud.AWS:
            from deployer.providers.aws.prices import connect_prices as connect_aws

            return connect_aws(SystemClock())
        case Cloud.GCP:
            from deployer.providers.gcp.prices import connect_prices as connect_gcp

            return connect_gcp(SystemClock(), os.environ.get("GOOGLE_API_KEY"))
        case Cloud.AZURE:
            from deployer.providers.azure.prices import connect_prices as connect_azure

            return connect_azure(SystemClock())
        case _:
            raise SetupError(f"{cloud} has no price list to ask")
