"""The price book that ships with the package: list prices, each with its source and date."""

from deployer.providers.book.book import PriceBook, load_book, parse_book

__all__ = ["PriceBook", "load_book", "parse_book"]
