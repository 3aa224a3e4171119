"""One's own prices over the book that ships: a negotiated price, a machine nobody sells."""

from datetime import date
from pathlib import Path

from deployer.errors import SourceError
from deployer.ports import Price, PriceQuery, Prices, PriceTier, UnknownPrice
from deployer.providers.book.book import PriceBook
from deployer.providers.book.entry import Entry, read_entries

__all__ = ["LayeredPrices", "read_book", "read_file"]


class LayeredPrices:
    """See `Prices`. What ``own`` knows comes first; for all else ``book`` answers."""

    def __init__(self, own: Prices, book: Prices) -> None:
        self._own = own
        self._book = book

    @property
    def as_of(self) -> date:
        """See `Prices.as_of`; the newer of the two."""
        return max(self._own.as_of, self._book.as_of)

    def find(self, query: PriceQuery) -> Price | UnknownPrice:
        """See `Prices.find`."""
        found = self._own.find(query)
        return self._book.find(query) if isinstance(found, UnknownPrice) else found

    def find_tiers(self, query: PriceQuery) -> tuple[PriceTier, ...] | UnknownPrice:
        """See `Prices.find_tiers`."""
        found = self._own.find_tiers(query)
        return self._book.find_tiers(query) if isinstance(found, UnknownPrice) else found


def read_book(file: Path) -> Prices:
    """Read a price book of the user's own, in the form of the one that ships.

    Raises:
        SourceError: It cannot be read, or a row is wrong; the line is named.
    """
    return PriceBook(read_file(file))


def read_file(file: Path) -> tuple[Entry, ...]:
    """Read the rows of a price book of the user's own.

    Raises:
        SourceError: As `read_book` does.
    """
    try:
        entries = tuple(read_entries(file.read_text("utf-8")))
        PriceBook(entries)
    except OSError as error:
        raise SourceError(f"the prices of {file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SourceError(
            f"{file}: {error}", hint="deployer prices show -o csv prints rows of the right form."
        ) from error
    return entries
