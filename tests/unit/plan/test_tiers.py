from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from deployer.plan.tiers import tiers_of
from deployer.release.records import PriceRecord
from deployer.snapshot import Snapshot

World = Any
Look = Callable[[], Snapshot]
ROUTING = "gates: {smoke"


def price(hourly: str | None, currency: str = "USD") -> PriceRecord:
    return PriceRecord(sku="m", amount=Decimal(hourly) if hourly else None, currency=currency)


def rank(world: World, look: Look, **prices: PriceRecord | None) -> dict[str, int]:
    world.write_spec((ROUTING, f"routing: {{policy: cost}}\n{ROUTING}"))
    snapshot = look()
    targets = {
        name: replace(found, prices=(wanted,) if (wanted := prices[name]) else ())
        for name, found in snapshot.targets.items()
    }
    return tiers_of(world.load_spec(), replace(snapshot, targets=targets))


def test_the_cheapest_comes_first(world: World, look: Look) -> None:
    found = rank(world, look, aws=price("0.2"), azure=price("0.3"), gcp=price("0.1"))
    assert found == {"gcp": 0, "aws": 1, "azure": 2}


def test_equal_prices_share_a_tier(world: World, look: Look) -> None:
    found = rank(world, look, aws=price("0.10"), azure=price("0.2"), gcp=price("0.1"))
    assert found == {"aws": 0, "gcp": 0, "azure": 1}


def test_what_has_no_price_comes_last(world: World, look: Look) -> None:
    found = rank(world, look, aws=price(None), azure=price("0.3"), gcp=None)
    assert found == {"azure": 0, "aws": 1, "gcp": 1}


def test_another_currency_is_not_compared(world: World, look: Look) -> None:
    found = rank(world, look, aws=price("0.2"), azure=price("0.1", "EUR"), gcp=price("0.3"))
    assert found == {"aws": 0, "gcp": 1, "azure": 2}


def test_without_any_price_all_are_equal(world: World, look: Look) -> None:
    assert set(rank(world, look, aws=None, azure=None, gcp=None).values()) == {0}


def test_the_spec_says_it_by_priority_and_routers_are_told(world: World) -> None:
    tiers = "routing: {policy: priority, tiers: [[azure], [aws, gcp]], max_in_flight: 7}"
    world.write_spec((ROUTING, f"{tiers}\n{ROUTING}"))
    world.start().deploy()
    routes = world.start().state.read_routes()
    assert {backend.target: backend.tier for backend in routes.backends} == {
        "azure": 0,
        "aws": 1,
        "gcp": 1,
    }
    assert routes.settings.max_in_flight == 7


def test_by_weight_there_are_no_tiers(world: World, look: Look) -> None:
    assert tiers_of(world.load_spec(), look()) == {}
