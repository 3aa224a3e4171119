from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from deployer.cost.samples import Sample
from deployer.providers.book import load_book
from deployer.release.records import Head, Span
from deployer.report.cost import build_cost_report
from deployer.report.outlook import Outlook, begin_outlook, build_outlook

Maker = Callable[..., Any]
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def look(bundles: dict[int, Any], samples: list[Sample] | None = None, **changes: Any) -> Outlook:
    began = NOON - timedelta(days=40)
    spans = tuple(Span(target="aws", release=n, began=began) for n in bundles or [42])
    head = Head(**({"name": "iris", "live": {"aws": 42}, "spans": spans} | changes))
    books = {"aws": load_book()}
    cost = build_cost_report(head, bundles, books, now=NOON)
    return build_outlook(
        head, bundles, cost, books=books, budget=None, samples=samples or [], now=NOON
    )


def test_enough_is_priced_for_the_month_and_for_the_days_that_are_compared() -> None:
    assert begin_outlook(NOON) == datetime(2026, 10, 25, tzinfo=UTC)
    assert begin_outlook(datetime(2026, 10, 31, 23, tzinfo=UTC)) == datetime(
        2026, 10, 1, tzinfo=UTC
    )


def test_an_odd_day_comes_with_its_cause_and_hours_nobody_looked_are_told(
    make_part: Maker, make_bundle: Maker
) -> None:
    """Two replicas on one machine; yesterday eight, on three. Nobody looked on the 10th."""
    hours = [NOON - timedelta(days=30) + timedelta(hours=n) for n in range(24 * 30)]
    samples = [
        Sample(at, "aws", 8 if at.day == 22 else 2)
        for at in hours
        if not (at.month == 11 and at.day == 10)
    ]
    outlook = look({42: make_bundle(42, make_part("aws"))}, samples)
    (found,) = outlook.anomalies
    assert (found.score.component, found.score.day) == ("machines", outlook.day)
    assert "24.0 to 72.0 machine-hours" in found.cause
    assert round(outlook.gaps) == 24
    assert outlook.month.known.amount > outlook.so_far.known.amount


def test_a_live_release_that_cannot_be_read_makes_the_month_unknown() -> None:
    for outlook in (look({}), look({}, spans=())):
        assert outlook.month.nothing
        assert outlook.month.unknown
