from dataclasses import replace
from decimal import Decimal

from deployer.ports import Price, PriceQuery, PriceSource, UnknownPrice
from deployer.providers.book import load_entries
from deployer.providers.book.refresh import refresh_entries
from deployer.values import Cloud, Money


class Listed:
    """A list that knows every size of m6i but one."""

    def ask(self, query: PriceQuery, known: Price) -> Price | UnknownPrice:
        if query.sku == "m6i.large":
            return UnknownPrice("two products")
        return replace(known, money=Money(known.money.amount * Decimal("1.02")))


def test_what_is_wanted_is_asked_for_and_the_rest_stays() -> None:
    opened: list[Cloud] = []

    def open_source(cloud: Cloud) -> PriceSource:
        opened.append(cloud)
        return Listed()

    book = load_entries()
    found = refresh_entries(
        book, open_source, lambda it: it.key.sku.startswith("m6i.") and it.key.option == "on-demand"
    )
    changed = [new for old, new in zip(book, found.entries, strict=True) if old != new]
    assert {entry.key.sku for entry in changed} == {"m6i.xlarge", "m6i.2xlarge", "m6i.4xlarge"}
    assert found.asked == len(changed) + len(found.kept)
    assert found.kept[0] == "aws ap-southeast-1 m6i.large: two products"
    assert opened == [Cloud.AWS]
