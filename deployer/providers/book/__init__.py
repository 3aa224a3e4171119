"""The price book that ships with the package: list prices, each with its source and date."""

from deployer.providers.book.book import PriceBook, load_book, load_entries, parse_book
from deployer.providers.book.layers import LayeredPrices, read_book, read_file

__all__ = [
    "LayeredPrices",
    "PriceBook",
    "load_book",
    "load_entries",
    "parse_book",
    "read_book",
    "read_file",
]
