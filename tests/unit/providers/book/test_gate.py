from dataclasses import replace
from decimal import Decimal

import pytest

from deployer.providers.book import load_entries
from deployer.providers.book.entry import Entry, read_entries, write_entries
from deployer.providers.book.gate import find_implausible
from deployer.values import Cloud, Money

BOOK = load_entries()


def change(sku: str, region: str, factor: str) -> list[Entry]:
    """Return the book with one on-demand price changed."""
    return [
        replace(entry, price=replace(entry.price, money=entry.price.money * Decimal(factor)))
        if (entry.key.sku, entry.key.region, entry.key.option) == (sku, region, "on-demand")
        else entry
        for entry in BOOK
    ]


def test_the_book_that_ships_can_be_right() -> None:
    assert find_implausible(BOOK, BOOK) == []


@pytest.mark.parametrize(
    ("sku", "region", "factor", "words"),
    [
        ("m6i.xlarge", "us-east-1", "1.1", "another system, tenancy or licence?"),  # dedicated
        ("Standard_D4s_v5", "eastus", "1.958", "another system, tenancy or licence?"),  # Windows
        ("g5.xlarge", "us-east-1", "2", "x the median of its regions"),
        ("g5.xlarge", "us-east-1", "0.6", "moves from 1.006 to 0.6036, by -40 %"),
    ],
)
def test_what_a_filter_let_through_is_refused(
    sku: str, region: str, factor: str, words: str
) -> None:
    faults = find_implausible(change(sku, region, factor), BOOK)
    assert any(sku in fault and words in fault for fault in faults)


def test_a_move_that_is_allowed_is_none() -> None:
    moved = change("g5.xlarge", "us-east-1", "0.7")
    assert any("moves" in fault for fault in find_implausible(moved, BOOK))
    faults = find_implausible(moved, BOOK, most_move=Decimal("0.5"))
    assert not any("moves" in fault for fault in faults)


def test_rows_that_vanish_are_named() -> None:
    faults = find_implausible(BOOK[1:], BOOK)
    assert faults == [f"{_words(BOOK[0])} is there no more"]


def _words(entry: Entry) -> str:
    return " ".join((entry.key.cloud, entry.key.region, entry.key.sku or entry.key.kind))


def test_rows_are_written_as_they_are_read() -> None:
    again = list(read_entries(write_entries(BOOK)))
    assert [(it.key, it.from_gb, it.price) for it in again] == [
        (it.key, it.from_gb, it.price) for it in BOOK
    ]


def test_a_price_that_was_nothing_may_become_any() -> None:
    (free,) = [entry for entry in BOOK if entry.key.sku == "aks-free"]
    dear = replace(free, price=replace(free.price, money=Money(Decimal(9))))
    assert find_implausible([dear], [free]) == []
    assert free.key.cloud is Cloud.AZURE
