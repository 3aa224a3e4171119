from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.cost.advice.advice import Advice, Rules, Silence
from deployer.cost.advice.right_size import advise_size, take_percentile
from deployer.cost.samples import Sample
from deployer.cost.sizing import Size

Maker = Callable[..., Any]
FIRST = datetime(2026, 11, 1, tzinfo=UTC)
CENT = Decimal("0.01")


def looks(*used: tuple[str, str], days: int = 14, replicas: int = 6) -> list[Sample]:
    """Return hourly looks at so many replicas; what one uses, in turn."""
    return [
        Sample(
            FIRST + timedelta(hours=hour),
            "aws",
            replicas,
            used=Size(
                Decimal(used[hour % len(used)][0]) * replicas,
                Decimal(used[hour % len(used)][1]) * replicas,
            ),
        )
        for hour in range(24 * days + 1)
    ]


def test_half_the_processors_save_a_machine_and_half_of_the_requests(make_case: Maker) -> None:
    """Six replicas of 1 vCPU and 1 GiB; each uses 0.4 vCPU and 0.5 GiB.

    0.4 x 1.2 = 0.48, rounded up to 0.50; 0.5 x 1.2 = 0.6, rounded up to 0.625 GiB.
    Of an m6i.xlarge 3.92 vCPU are left: three replicas of 1, seven of 0.5. So two machines become
    one: 0.192 x 730 = 140.16 off the bill. Requests: one weighs 9 x 1 + 1 = 10 of 52 before,
    9 x 0.5 + 0.625 = 5.125 after: 6 x 4.875 / 52 x 140.16 = 78.84.
    """
    found = advise_size(make_case(replicas=6), looks(("0.4", "0.5")), Rules())
    assert isinstance(found, Advice)
    assert found.do == "ask for cpu 500m and memory 640Mi a replica instead of 1000m and 1024Mi"
    assert found.saving.amount.quantize(CENT) == Decimal("140.16")
    assert found.allocated.amount.quantize(CENT) == Decimal("78.84")
    assert "2 machines become 1" in found.why
    assert found.confidence == "high"


def test_where_no_machine_falls_away_the_bill_stays(make_case: Maker) -> None:
    """Two replicas are on one machine whatever they ask for: 2 x 4.875 / 52 x 140.16 = 26.28."""
    found = advise_size(make_case(), looks(("0.4", "0.5"), replicas=2), Rules())
    assert isinstance(found, Advice)
    assert found.saving.amount == 0
    assert found.allocated.amount.quantize(CENT) == Decimal("26.28")
    assert "no machine falls away" in found.why


def test_memory_is_by_the_most_and_processors_are_by_the_percentile(make_case: Maker) -> None:
    """One hour in 24 uses 3 vCPU and 0.75 GiB: beyond p95 of cpu, but 0.75 x 1.2 = 0.9 GiB."""
    peaks = [("0.2", "0.1")] * 23 + [("3", "0.75")]
    found = advise_size(make_case(), looks(*peaks, replicas=2), Rules())
    assert isinstance(found, Advice)
    assert "cpu 250m and memory 960Mi" in found.do


@pytest.mark.parametrize(
    ("used", "days", "why"),
    [
        (("0.95", "0.8"), 14, "raise cpu 1150m, which saves nothing"),
        (("0.8", "0.8"), 14, "what it asks for fits what it uses"),
        (("0.1", "0.1"), 0, "use was seen 1 times"),
    ],
)
def test_what_would_save_nothing_is_not_advised(
    make_case: Maker, used: tuple[str, str], days: int, why: str
) -> None:
    found = advise_size(make_case(), looks(used, days=days, replicas=2), Rules())
    assert isinstance(found, Silence)
    assert why in found.reason


def test_a_machine_nobody_knows_has_no_advice(make_case: Maker) -> None:
    found = advise_size(make_case(machine="m9.none"), looks(("0.1", "0.1")), Rules())
    assert isinstance(found, Silence)
    assert "no price for m9.none" in found.reason


@pytest.mark.parametrize(("days", "word"), [(14, "high"), (7, "medium"), (2, "low")])
def test_the_longer_one_looked_the_surer_it_is(make_case: Maker, days: int, word: str) -> None:
    found = advise_size(make_case(), looks(("0.4", "0.5"), days=days), Rules())
    assert isinstance(found, Advice)
    assert found.confidence == word


def test_a_percentile_is_by_nearest_rank() -> None:
    """Of 1 to 20, 95 % are 19 values: 19; half are ten: 10."""
    values = [Decimal(n) for n in range(20, 0, -1)]
    assert [take_percentile(values, each) for each in (95, 50, 100, 1)] == [19, 10, 20, 1]


@given(
    cpu=st.decimals("0.01", "2", places=2),
    memory=st.decimals("0.01", "2", places=2),
    replicas=st.integers(1, 12),
)
@settings(max_examples=30, deadline=None)
def test_advice_never_costs_more_than_today(
    make_case: Maker, cpu: Decimal, memory: Decimal, replicas: int
) -> None:
    used = looks((str(cpu), str(memory)), days=2, replicas=replicas)
    found = advise_size(make_case(replicas=replicas), used, Rules())
    if isinstance(found, Advice):
        assert found.saving.amount >= 0
        assert found.allocated.amount > 0
