from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.cost.advice.advice import NOTHING, Advice, Silence
from deployer.cost.advice.copies import StoredCopy, advise_copies
from deployer.cost.advice.idle import advise_idle
from deployer.cost.advice.rank import add_savings, rank_advice
from deployer.cost.samples import Sample
from deployer.ports import Price, UnknownPrice
from deployer.release.records import RouteSettings
from deployer.values import Digest, Money

Maker = Callable[..., Any]
FIRST = datetime(2026, 11, 1, tzinfo=UTC)
S3 = Price(Money(Decimal("0.023")), "GB-month", "list", date(2026, 11, 1), "high")


def proposal(saving: int, *touches: str, blocked: bool = False) -> Advice:
    return Advice(
        kind="spot",
        target="aws",
        do="",
        why="",
        saving=Money(Decimal(saving)),
        allocated=NOTHING,
        confidence="low",
        touches=frozenset(touches),
        blockers=("residency",) if blocked else (),
    )


def test_what_saves_of_the_same_thing_is_counted_once() -> None:
    """90 and 40 are of aws's machines, 50 of gcp's, 100 is blocked: 90 + 50 = 140."""
    found = rank_advice(
        [
            proposal(40, "aws machines"),
            proposal(50, "gcp machines"),
            proposal(100, "aws machines", blocked=True),
            proposal(90, "aws machines", "aws rest"),
        ]
    )
    assert [(int(it.advice.saving.amount), it.counted, it.instead_of) for it in found] == [
        (90, True, None),
        (50, True, None),
        (40, False, 1),
        (100, False, None),
    ]
    assert add_savings(found).amount == 140


@given(
    st.lists(
        st.tuples(st.integers(0, 100), st.sets(st.sampled_from("abcd"), min_size=1), st.booleans()),
        max_size=8,
    )
)
@settings(max_examples=50, deadline=None)
def test_no_sum_is_more_than_the_best_of_each_thing(
    given_advice: list[tuple[int, set[str], bool]],
) -> None:
    found = rank_advice(proposal(n, *touches, blocked=b) for n, touches, b in given_advice)
    counted = [it.advice.touches for it in found if it.counted]
    assert sum(map(len, counted)) == len(frozenset().union(*counted))
    best = sum(
        max((n for n, touches, _ in given_advice if each in touches), default=0) for each in "abcd"
    )
    assert add_savings(found).amount <= best


def quiet(answers: int = 0, days: int = 8) -> list[Sample]:
    return [
        Sample(FIRST + timedelta(days=n), "aws", 2, predictions=answers * n)
        for n in range(days + 1)
    ]


def test_a_target_nobody_asked_for_a_week_is_idle(make_case: Maker) -> None:
    case = make_case("aws", "gcp")
    found = advise_idle(case, quiet())
    assert isinstance(found, Advice)
    assert found.saving == case.estimate.known
    assert found.blockers == ()


def test_a_standby_is_idle_on_purpose(make_case: Maker) -> None:
    bundle = make_case("aws", "gcp").bundle
    for changes, why in (
        ({"weights": {"aws": 0, "gcp": 100}}, "it has no weight"),
        ({"routing": RouteSettings(tiers={"aws": 1})}, "it is of tier 1"),
    ):
        found = advise_idle(make_case(bundle=bundle.model_copy(update=changes)), quiet())
        assert isinstance(found, Advice)
        assert why in found.blockers[0]


def test_what_is_asked_or_alone_or_not_counted_is_not_called_idle(make_case: Maker) -> None:
    both = make_case("aws", "gcp")
    for case, samples, why in (
        (both, quiet(answers=5), "it answered 40 predictions"),
        (both, quiet(days=3), "less than a week"),
        (both, [], "nobody counted"),
        (make_case(), quiet(), "the only target"),
    ):
        found = advise_idle(case, samples)
        assert isinstance(found, Silence)
        assert why in found.reason


def test_old_models_and_copies_too_many_cost_what_their_store_asks() -> None:
    """Two old ones of 50 GB: 100 x 0.023 = 2.30 a month; a copy of 10 GB too many: 0.23."""

    def copy(n: int, size: int, *, referred: bool, url: str = "s3://a") -> StoredCopy:
        return StoredCopy(url, Digest(f"{n:064x}"), size * 10**9, referred, expected=False)

    copies = [
        copy(1, 50, referred=False),
        copy(2, 50, referred=False),
        copy(3, 10, referred=True),
        copy(4, 10, referred=False, url="gs://b"),
        StoredCopy("s3://a", Digest(f"{5:064x}"), 10**12, referred=True, expected=True),
    ]
    small = StoredCopy("s3://c", Digest(f"{6:064x}"), 10**6, referred=False, expected=False)
    found = advise_copies(
        [*copies, small], {"s3://a": S3, "gs://b": UnknownPrice("none"), "s3://c": S3}
    )
    unknown, old, extra, cheap = found
    assert isinstance(cheap, Silence)
    assert "less than a cent" in cheap.reason
    assert isinstance(unknown, Silence)
    assert isinstance(old, Advice)
    assert isinstance(extra, Advice)
    assert "1 of 10.000 GB in all: what keeping them costs is unknown: none" in unknown.reason
    assert (old.kind, old.saving.amount) == ("old-artifacts", Decimal("2.300"))
    assert (extra.kind, extra.saving.amount) == ("extra-copies", Decimal("0.230"))
