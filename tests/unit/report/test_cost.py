from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.cost.estimate import TargetEstimate
from deployer.ports import (
    Price,
    PriceQuery,
    Prices,
    PriceTier,
    Readiness,
    UnknownPrice,
    Verdict,
)
from deployer.providers.book import load_book
from deployer.release.records import Bundle, Head, PriceRecord, TargetBundle
from deployer.report.cost import CostReport, build_cost_report
from deployer.snapshot.observe import Observation
from deployer.values import Cloud, Money

Maker = Callable[..., Any]
CENT = Decimal("0.01")


class Priced:
    """A book with one price, for one kind of thing."""

    def __init__(self, answer: Price, kind: str = "instance") -> None:
        self.answer = answer
        self.kind = kind

    @property
    def as_of(self) -> date:
        return date(2026, 11, 1)

    def find(self, query: PriceQuery) -> Price | UnknownPrice:
        return self.answer if query.kind == self.kind else UnknownPrice("no such kind")

    def find_tiers(self, query: PriceQuery) -> tuple[PriceTier, ...] | UnknownPrice:
        found = self.find(query)
        return found if isinstance(found, UnknownPrice) else (PriceTier(Decimal(0), found),)


@pytest.fixture(scope="session")
def price(make_bundle: Maker, now: datetime) -> Callable[..., CostReport]:
    """Return a pricer of one release, live on all its targets."""

    def price_parts(
        *parts: TargetBundle, seen: tuple[Observation, ...] = (), book: Prices | None = None
    ) -> CostReport:
        bundle: Bundle = make_bundle(42, *parts)
        head = Head(name="iris", desired=42, live={part.target: 42 for part in parts})
        books = {part.target: book or load_book() for part in parts}
        return build_cost_report(head, {42: bundle}, books, seen, now=now)

    return price_parts


def cents(money: Money | None) -> Decimal:
    assert money is not None
    return money.amount.quantize(CENT)


def by_name(target: TargetEstimate) -> dict[str, Decimal | None]:
    return {c.name: cents(c.monthly) if c.monthly else None for c in target.bill}


def test_a_target_on_aws_is_priced_as_by_hand(price: Maker, make_part: Maker) -> None:
    """Two replicas of 1 vCPU, 1 GiB on m6i.xlarge (4 vCPU, 16 GiB, 0.192 USD/h).

    requests: 2 x 10/52 x 0.192 x 730 = 53.91
    machines: both fit one: 0.192 x 730 = 140.16
    control plane: 0.10 x 730 = 73.00; balancer: 0.0225 x 730 = 16.425
    storage: 50 GiB = 53.687 GB x 0.023 = 1.2348
    store requests: a push of 6,400 parts of 8 MiB, 2 x 12,800 reads of 4 MiB:
        6.4 x 0.005 + 25.6 x 0.0004 = 0.0422
    surge: 4 replicas need 2 machines (3 fit in 3.92 cpu): 1 x 660 s x 0.192 / 3600 = 0.0352
    bill: 140.16 + 73 + 16.425 + 1.2348 + 0.0422 + 0.0352 = 230.90
    """
    report = price(make_part())
    (target,) = report.targets
    assert cents(target.requests.monthly) == Decimal("53.91")
    assert by_name(target) == {
        "machines": Decimal("140.16"),
        "control plane": Decimal("73.00"),
        "balancer": Decimal("16.42"),
        "storage": Decimal("1.23"),
        "store requests": Decimal("0.04"),
        "surge": Decimal("0.04"),
    }
    assert cents(report.known) == Decimal("230.90")
    assert (target.nodes, target.hourly_from, report.partial) == (1, "book", False)


def test_the_gpu_machine_shares_by_gpu_weights(price: Maker, make_part: Maker) -> None:
    """g5.xlarge at 1.006 USD/h, one replica of 1 GPU, 2 vCPU, 8 GiB.

    share: (9 + 2x0.9 + 8x0.1) / (9 + 4x0.9 + 16x0.1) = 11.6/14.2; x 1.006 x 730 = 599.92
    """
    part = make_part(machine="g5.xlarge", replicas=1, cpu="2", memory="8Gi", gpu=1)
    (target,) = price(part).targets
    assert target.hourly == Money(Decimal("1.006"))
    assert cents(target.requests.monthly) == Decimal("599.92")


def test_parts_are_summed_first_and_rounded_once(price: Maker, make_part: Maker) -> None:
    """Three balancers of 16.425 are 49.275, shown as 49.28: not 3 x 16.42 = 49.26."""
    parts = [make_part(name) for name in ("a", "b", "c")]
    report = price(*parts)
    balancers = sum(
        c.monthly.amount for t in report.targets for c in t.bill if c.name == "balancer"
    )
    assert balancers == Decimal("49.275")
    assert report.known.amount == sum(t.known.amount for t in report.targets)


def test_an_unknown_machine_makes_the_total_partial_and_never_free(
    price: Maker, make_part: Maker
) -> None:
    report = price(make_part(), make_part("aws-two", machine="m9.large"))
    unknown, known = sorted(report.targets, key=lambda target: not target.partial)
    assert report.partial
    assert report.requests_partial
    assert (unknown.nodes, unknown.hourly, unknown.hourly_from) == (None, None, "")
    assert by_name(unknown)["machines"] is None
    assert "the book knows m6i.large" in unknown.bill[0].unknown
    assert cents(known.known) == Decimal("230.90")


def test_a_component_without_a_price_stays_unknown_beside_known_ones(
    price: Maker, make_part: Maker
) -> None:
    part = make_part("azure-virginia", cloud=Cloud.AZURE, region="eastus", machine="D4s_v5")
    (target,) = price(part).targets
    assert by_name(target)["machines"] == Decimal("140.16")
    assert by_name(target)["storage"] is None
    assert target.partial
    storage = next(c for c in target.bill if c.name == "storage")
    assert storage.unknown == ("no price for blob-hot-lrs in eastus; the book knows it in westus")


@pytest.mark.parametrize(
    ("cloud", "why"),
    [(Cloud.LOCAL, "a local machine"), (Cloud.KUBERNETES, "a cluster of one's own")],
)
def test_a_machine_nobody_sells_has_no_price(
    price: Maker, make_part: Maker, cloud: Cloud, why: str
) -> None:
    report = price(make_part(cloud=cloud, region="", machine=""))
    (target,) = report.targets
    assert all(c.monthly is None for c in target.bill)
    assert {c.unknown for c in target.bill} == {f"{why} has no list price"}
    assert report.partial


def test_the_price_frozen_into_the_release_comes_before_the_book(
    price: Maker, make_part: Maker
) -> None:
    frozen = PriceRecord(
        sku="m6i.xlarge", amount=Decimal("0.2"), source="a list", as_of="2025-05-01"
    )
    report = price(make_part(prices=(frozen,)))
    (target,) = report.targets
    assert (target.hourly, target.hourly_from) == (Money(Decimal("0.2")), "release")
    assert by_name(target)["machines"] == Decimal("146.00")
    assert target.bill[0].as_of == date(2025, 5, 1)
    assert "prices frozen into release 42; the rest from the book" in report.assumptions


def test_what_the_release_could_not_price_then_the_book_may_price_now(
    price: Maker, make_part: Maker
) -> None:
    frozen = PriceRecord(sku="m6i.xlarge", amount=None, unknown="no book")
    (target,) = price(make_part(prices=(frozen,))).targets
    assert (target.hourly, target.hourly_from) == (Money(Decimal("0.192")), "book")


def test_a_frozen_price_without_a_known_size_cannot_be_shared_out(
    price: Maker, make_part: Maker
) -> None:
    frozen = PriceRecord(sku="m9.large", amount=Decimal("0.2"))
    (target,) = price(make_part(machine="m9.large", prices=(frozen,))).targets
    assert target.requests.monthly is None
    assert target.requests.unknown.startswith("the size of m9.large is unknown: no price")


def test_a_replica_that_does_not_fit_the_machine_is_said_so(price: Maker, make_part: Maker) -> None:
    (target,) = price(make_part(cpu="8")).targets
    assert (
        target.bill[0].unknown == "one replica (8 cpu, 1Gi memory, 0 gpu) does not fit a "
        "m6i.xlarge, where 3.92 cpu and 15.0 GiB are left for pods"
    )
    assert target.partial


def test_an_amount_in_another_currency_is_unknown(price: Maker, make_part: Maker) -> None:
    euro = Price(Money(Decimal(1), "EUR"), "hour", "a list", date(2026, 11, 1), "high")
    (target,) = price(make_part(), book=Priced(euro)).targets
    assert target.bill[0].unknown == "it is priced in EUR, without an exchange rate"


def test_storage_in_a_unit_nobody_can_convert_is_unknown(price: Maker, make_part: Maker) -> None:
    odd = Price(Money(Decimal(20)), "TB-year", "a list", date(2026, 11, 1), "high")
    (target,) = price(make_part(), book=Priced(odd, "object_storage")).targets
    storage = next(c for c in target.bill if c.name == "storage")
    assert storage.unknown == "the book prices it per TB-year"


def test_replicas_are_what_the_cluster_wants_where_it_was_seen(
    price: Maker, make_part: Maker, make_seen: Maker
) -> None:
    scaled = make_seen(readiness=Readiness(Verdict.PROGRESSING, 2, 5))
    (target,) = price(make_part(), seen=(scaled,)).targets
    assert (target.replicas, target.replicas_from, target.nodes) == (5, "cluster", 2)


@pytest.mark.parametrize("readiness", [None, Readiness(Verdict.MISSING, 0, 0)])
def test_a_cluster_that_says_nothing_of_replicas_leaves_those_of_the_release(
    price: Maker, make_part: Maker, make_seen: Maker, readiness: Readiness | None
) -> None:
    (target,) = price(make_part(), seen=(make_seen(readiness=readiness),)).targets
    assert (target.replicas, target.replicas_from) == (2, "release")


def test_a_service_without_a_load_balancer_is_not_charged_for_one(
    price: Maker, make_part: Maker, make_service: Maker
) -> None:
    (target,) = price(make_part(shift=make_service("ClusterIP"))).targets
    assert "balancer" not in by_name(target)
    assert not target.partial


def test_what_an_ingress_brings_is_unknown(price: Maker, make_part: Maker) -> None:
    (target,) = price(
        make_part(objects=({"kind": "Ingress", "metadata": {"name": "iris"}},))
    ).targets
    assert by_name(target)["balancer"] is None
    assert target.partial


@pytest.mark.parametrize(
    ("kind", "field"),
    [("HorizontalPodAutoscaler", "maxReplicas"), ("ScaledObject", "maxReplicaCount")],
)
def test_the_autoscaler_says_what_a_month_may_cost_at_most(
    price: Maker, make_part: Maker, kind: str, field: str
) -> None:
    """Six replicas need two machines: one more than two replicas do, and 51,200 more reads.

    More: 140.16 + 4 x 12,800 x 0.0004 / 1000 = 140.18; surge: 12 need 4, 2 more: + 0.0352.
    """
    scaler = {"kind": kind, "spec": {field: 6}}
    report = price(make_part(objects=(scaler,)))
    (target,) = report.targets
    assert (target.replicas, target.max_replicas) == (2, 6)
    assert report.most.amount - report.known.amount == Decimal("140.2156800")


def test_a_live_target_whose_release_is_not_known_makes_the_total_partial(
    make_bundle: Maker, make_part: Maker, now: datetime
) -> None:
    head = Head(name="iris", desired=42, live={"aws-virginia": 42, "lost": 7})
    books = {"aws-virginia": load_book()}
    report = build_cost_report(head, {42: make_bundle(42, make_part())}, books, now=now)
    assert report.left_out == ("lost",)
    assert report.partial
    assert report.requests_partial


def test_a_target_that_left_the_spec_is_shown_as_unknown(
    make_bundle: Maker, make_part: Maker, now: datetime
) -> None:
    head = Head(name="iris", desired=42, live={"aws-virginia": 42})
    report = build_cost_report(head, {42: make_bundle(42, make_part())}, {}, now=now)
    assert report.targets[0].bill[0].unknown == "no price of it came with release 42"
    assert report.book_age_days is None


def test_nothing_live_costs_nothing_and_that_is_known(now: datetime) -> None:
    report = build_cost_report(Head(name="iris"), {}, {"a": load_book()}, now=now)
    assert not report.targets
    assert not report.partial
    assert report.known == Money(Decimal(0))


def test_the_book_and_its_age_are_assumptions(price: Maker, make_part: Maker) -> None:
    report = price(make_part())
    assert report.book_age_days == 116  # 2026-07-30 to 2026-11-23
    assert "the price book's newest price is of 2026-07-30, 116 days old" in report.assumptions


COUNTS = st.integers(0, 40)


@given(counts=st.tuples(COUNTS, COUNTS))
def test_more_replicas_are_never_cheaper(
    price: Maker, make_part: Maker, counts: tuple[int, int]
) -> None:
    fewer, more = (price(make_part(replicas=n)) for n in sorted(counts))
    assert fewer.known.amount <= more.known.amount
    assert fewer.requests.amount <= more.requests.amount


@given(replicas=COUNTS)
def test_requests_never_cost_more_than_the_machines_they_need(
    price: Maker, make_part: Maker, replicas: int
) -> None:
    (target,) = price(make_part(replicas=replicas)).targets
    # Division rounds in the 28th digit.
    assert target.requests.monthly.amount <= target.bill[0].monthly.amount + Decimal("1e-18")


@given(machines=st.lists(st.sampled_from(["m6i.xlarge", "m9.large", ""]), max_size=5))
def test_the_total_is_the_sum_of_its_parts_and_partial_when_one_is_unknown(
    price: Maker, make_part: Maker, machines: list[str]
) -> None:
    report = price(*(make_part(f"t{i}", machine=m) for i, m in enumerate(machines)))
    every = [c for target in report.targets for c in target.bill]
    assert report.known.amount == sum(c.monthly.amount for c in every if c.monthly)
    assert report.partial == any(machine != "m6i.xlarge" for machine in machines)
