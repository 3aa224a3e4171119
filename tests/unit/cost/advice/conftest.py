"""Targets as advice sees them: a release that is live, priced from the book that ships."""

from collections.abc import Callable
from typing import Any

import pytest

from deployer.cost.advice.advice import Case
from deployer.cost.advice.move import Offer
from deployer.cost.estimate import estimate_release
from deployer.cost.machine import read_machine
from deployer.cost.rates import Rates
from deployer.providers.book import load_book, load_entries

Maker = Callable[..., Any]


@pytest.fixture(scope="session")
def make_case(make_site: Maker, make_release: Maker) -> Callable[..., Case]:
    """Return a maker of the first of some targets of one release, of 1 GB."""

    def make(*names: str, sites: tuple[Any, ...] = (), bundle: Any = None, **changes: Any) -> Case:
        parts = sites or tuple(make_site(name, **changes) for name in names or ("aws",))
        release = bundle or make_release(*parts, size=10**9)
        part = release.targets[0]
        books = {it.target: load_book() for it in release.targets}
        rates = Rates(release, part, books[part.target])
        (found,) = [it for it in estimate_release(release, books) if it.target == part.target]
        replicas = {it.target: it.replicas for it in release.targets}
        return Case(release, part, found, read_machine(part, rates), rates, books, replicas)

    return make


@pytest.fixture(scope="session")
def offers() -> tuple[Offer, ...]:
    """Return every machine of the book that ships."""
    return tuple(
        Offer(it.key.cloud, it.key.region, it.key.sku, it.price)
        for it in load_entries()
        if it.key.kind == "instance" and it.key.option == "on-demand"
    )
