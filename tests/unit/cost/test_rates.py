from collections.abc import Callable
from decimal import Decimal
from typing import Any

from deployer.cost.rates import Rates, freeze_prices
from deployer.ports import Price, UnknownPrice
from deployer.providers.book import load_book
from deployer.release.records import PriceRecord
from deployer.values import Cloud, Money

Maker = Callable[..., Any]


def freeze(machine: str = "m6i.xlarge", option: str = "on-demand") -> tuple[PriceRecord, ...]:
    return freeze_prices(load_book(), Cloud.AWS, "us-east-1", machine, option=option)


def test_every_price_that_a_deployment_needs_is_frozen_with_where_it_is_from() -> None:
    found = {price.kind: price for price in freeze()}
    machine = found["instance"]
    assert (machine.amount, machine.vcpu, machine.memory_gib) == (
        Decimal("0.192"),
        Decimal(4),
        Decimal(16),
    )
    assert machine.source
    assert machine.as_of == "2024-08-09"
    assert [tier.begins for tier in found["egress_internet"].tiers] == [0, 10240, 51200, 153600]
    assert found["object_storage"].tiers == ()


def test_what_has_no_price_is_frozen_as_unknown() -> None:
    found = {price.kind: price for price in freeze("m9.large")}
    assert found["instance"].amount is None
    assert "m6i.large" in found["instance"].unknown
    assert found["log_gb"].unknown.endswith("the book has no log_gb of aws")


def test_a_frozen_price_comes_back_as_it_was(make_bundle: Maker, make_part: Maker) -> None:
    part = make_part(prices=freeze())
    rates = Rates(make_bundle(42, part), part)
    quote = rates.find("instance")
    assert quote.origin == "release"
    assert isinstance(quote.price, Price)
    assert quote.price.money == Money(Decimal("0.192"))
    steps = rates.tiers("egress_internet")
    assert not isinstance(steps, UnknownPrice)
    assert [step.price.money.amount for step in steps][1] == Decimal("0.085")
    flat = rates.tiers("object_storage")
    assert not isinstance(flat, UnknownPrice)
    assert len(flat) == 1


def test_without_a_book_a_price_that_was_never_frozen_is_unknown(
    make_bundle: Maker, make_part: Maker
) -> None:
    part = make_part()
    rates = Rates(make_bundle(42, part), part)
    assert rates.find("instance").price == UnknownPrice("no price of it came with release 42")
    assert rates.tiers("egress_internet") == rates.find("instance").price


def test_a_spot_machine_is_priced_as_one(make_bundle: Maker, make_part: Maker) -> None:
    part = make_part(prices=freeze(option="spot"))
    rates = Rates(make_bundle(42, part), part, load_book())
    price = rates.find("instance").price
    assert isinstance(price, Price)
    assert price.money.amount < Decimal("0.192")
    assert price.confidence == "low"


def test_a_source_without_a_date_is_as_old_as_its_release(
    make_bundle: Maker, make_part: Maker
) -> None:
    part = make_part(prices=(PriceRecord(sku="m6i.xlarge", amount=Decimal(1), as_of="once"),))
    bundle = make_bundle(42, part)
    price = Rates(bundle, part).find("instance").price
    assert isinstance(price, Price)
    assert price.as_of == bundle.created.date()
