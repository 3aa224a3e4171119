from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from deployer.cost.ran import Ran, Window, price_ran
from deployer.cost.row import Part
from deployer.cost.samples import Sample
from deployer.cost.sizing import Size
from deployer.cost.weights import OPENCOST
from deployer.release.records import Span
from deployer.values import Money

Maker = Callable[..., Any]
FIRST = datetime(2026, 11, 1, tzinfo=UTC)
DAY = timedelta(days=1)
NOVEMBER = Window(FIRST, FIRST + 30 * DAY)
CENT = Decimal("0.01")


def span(release: int, began: datetime, ended: datetime | None = None, on: str = "aws") -> Span:
    return Span(target=on, release=release, began=began, ended=ended)


def add(ran: Ran, *names: str, part: Part | None = None) -> Decimal:
    return sum(
        (
            row.amount.amount
            for row in ran.rows
            if row.amount
            and (row.component in names or not names)
            and (part is None or row.part is part)
        ),
        Decimal(0),
    )


def test_a_month_of_one_release_is_as_by_hand(make_site: Maker, make_release: Maker) -> None:
    """November has 720 hours, not 730; two replicas on one m6i.xlarge.

    machines 720 x 0.192 = 138.24, of which allocated 2 x 10/52 = 53.17; control plane 72.00;
    balancer 720 x 0.0225 = 16.20; 50 GB x 0.023 = 1.15 for the whole month;
    one push of 5,961 parts and 2 x 11,921 reads: 5.961 x 0.005 + 23.842 x 0.0004 = 0.0393
    """
    release = make_release(make_site("aws"))
    ran = price_ran([span(42, FIRST)], {42: release}, NOVEMBER)
    compute = ("cpu", "memory", "idle", "overhead")
    assert add(ran, *compute).quantize(Decimal("1e-20")) == Decimal("138.24")
    assert add(ran, part=Part.ALLOCATED).quantize(CENT) == Decimal("53.17")
    assert add(ran, "control plane") == Decimal("72.0")
    assert add(ran, "balancer").quantize(Decimal("1e-20")) == Decimal("16.20")
    assert add(ran, "storage").quantize(Decimal("1e-20")) == Decimal("1.15")
    assert add(ran, "store requests").quantize(Decimal("1e-4")) == Decimal("0.0393")
    assert sum(use.hours for use in ran.machines) == 720
    assert len({row.day for row in ran.rows}) == 30


def test_each_release_is_priced_for_its_own_time_at_its_own_price(
    make_site: Maker, make_release: Maker
) -> None:
    """Ten days at 0.192 and twenty at the 0.096 that were frozen later: 46.08 + 46.08."""
    site = make_site("aws")
    cheaper = tuple(
        price.model_copy(update={"amount": Decimal("0.096")}) if price.kind == "instance" else price
        for price in site.prices
    )
    bundles = {
        1: make_release(site, number=1),
        2: make_release(site.model_copy(update={"prices": cheaper}), number=2),
    }
    switch = FIRST + 10 * DAY
    ran = price_ran([span(1, FIRST - DAY, switch), span(2, switch)], bundles, NOVEMBER)
    by_release = {
        number: sum(use.hourly.amount * use.hours for use in ran.machines if use.hourly == price)
        for number, price in ((1, Money(Decimal("0.192"))), (2, Money(Decimal("0.096"))))
    }
    assert by_release == {1: Decimal("46.08"), 2: Decimal("46.08")}


def test_samples_say_how_many_replicas_there_were_and_a_gap_is_told(
    make_site: Maker, make_release: Maker
) -> None:
    """Four replicas (two machines) for an hour, nobody looked in the next: 2 + 1 machine-hours."""
    release = make_release(make_site("aws"))
    samples = [Sample(FIRST, "aws", replicas=4)]
    window = Window(FIRST, FIRST + timedelta(hours=2))
    ran = price_ran([span(42, FIRST)], {42: release}, window, samples=samples)
    assert sum(use.hours for use in ran.machines) == 3
    (gap,) = ran.gaps
    assert (gap.target, gap.began) == ("aws", FIRST + timedelta(hours=1))
    assert {row.basis for row in ran.rows if row.component == "cpu"} == {"samples"}


def test_a_gap_over_midnight_is_one(make_site: Maker, make_release: Maker) -> None:
    release = make_release(make_site("aws"))
    samples = [Sample(FIRST, "aws", replicas=2)]
    ran = price_ran([span(42, FIRST)], {42: release}, NOVEMBER, samples=samples)
    (gap,) = ran.gaps
    assert (gap.began, gap.ended) == (FIRST + timedelta(hours=1), NOVEMBER.ended)


def test_more_use_than_machines_is_told(make_site: Maker, make_release: Maker) -> None:
    release = make_release(make_site("aws"))
    samples = [Sample(FIRST, "aws", 2, 1, Size(Decimal(9), Decimal(1)))]
    window = Window(FIRST, FIRST + timedelta(hours=1))
    ran = price_ran([span(42, FIRST)], {42: release}, window, samples=samples, weights=OPENCOST)
    assert ran.excess == {"aws"}
    assert all(row.amount is None or row.amount.amount >= 0 for row in ran.rows)


def test_answers_that_were_counted_are_billed_by_the_tier_of_the_month(
    make_site: Maker, make_release: Maker
) -> None:
    """10,000 GB were sent before; 500,000 answers of 1,024 KiB are 524.288 GB:
    240 x 0.09 + 284.288 x 0.085 = 45.76.
    """
    release = make_release(make_site("aws"), egress_used_gb=10_000, response_kib=1024)
    samples = [
        Sample(FIRST, "aws", predictions=0),
        Sample(FIRST + timedelta(minutes=30), "aws", predictions=500_000, failures=10),
    ]
    window = Window(FIRST, FIRST + timedelta(hours=1))
    ran = price_ran([span(42, FIRST)], {42: release}, window, samples=samples)
    assert add(ran, "egress").quantize(CENT) == Decimal("45.76")
    assert ran.tallies[("aws", 42)].successful == 499_990


def test_without_counts_the_months_assumption_is_taken_by_the_hour(
    make_site: Maker, make_release: Maker
) -> None:
    """730 million predictions a month are a million an hour: 1,024 GB-millionths of 0.09 each."""
    release = make_release(make_site("aws"), predictions=730_000_000)
    window = Window(FIRST, FIRST + timedelta(hours=1))
    ran = price_ran([span(42, FIRST)], {42: release}, window)
    assert add(ran, "egress").quantize(Decimal("1e-6")) == Decimal("0.092160")
    assert {row.basis for row in ran.rows if row.component == "egress"} == {"assumed"}
    assert ran.tallies[("aws", 42)].predictions is None


def test_what_the_pusher_sends_is_on_its_bill_once(make_site: Maker, make_release: Maker) -> None:
    """50 GB to one other cloud at 0.09, on the first day alone."""
    release = make_release(make_site("aws"), make_site("gcp"), pushed_from="aws", pushes=9)
    ran = price_ran([span(42, FIRST), span(42, FIRST, on="gcp")], {42: release}, NOVEMBER)
    assert add(ran, "pushes") == Decimal("4.50")


def test_what_cannot_be_priced_is_a_row_without_an_amount(
    make_site: Maker, make_release: Maker
) -> None:
    release = make_release(make_site("aws", machine="m9.large"))
    ran = price_ran([span(42, FIRST), span(7, FIRST)], {42: release}, NOVEMBER)
    unknown = [row for row in ran.rows if row.amount is None]
    assert {row.component for row in unknown} == {"machines"}
    assert all("m9.large" in row.unknown for row in unknown)
    assert [it.release for it in ran.left_out] == [7]


def test_spans_outside_the_time_cost_nothing(make_site: Maker, make_release: Maker) -> None:
    release = make_release(make_site("aws"))
    spans = [span(42, FIRST - DAY, FIRST), span(42, FIRST + 40 * DAY)]
    assert price_ran(spans, {42: release}, NOVEMBER).rows == []


def test_a_gpu_is_a_row_of_its_own(make_site: Maker, make_release: Maker) -> None:
    """g5.xlarge at 1.006, one GPU of one for a day: 24 x 1.006 x 9/14.2 = 15.30."""
    site = make_site("aws", machine="g5.xlarge", replicas=1, gpu=1)
    ran = price_ran([span(42, FIRST)], {42: make_release(site)}, Window(FIRST, FIRST + DAY))
    assert add(ran, "gpu").quantize(CENT) == Decimal("15.30")
