from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.cost.columns import Columns
from deployer.cost.quick import read_quickly
from deployer.cost.samples import (
    COLUMNS,
    Sample,
    Samples,
    Speed,
    append_samples,
    read_lines,
    read_samples,
)
from deployer.cost.sizing import Size
from deployer.cost.timeline import Held, Tally, Timeline
from deployer.errors import SourceError

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def at(minutes: int, **seen: Any) -> Sample:
    return Sample(NOON + timedelta(minutes=minutes), "aws", **seen)


def write(folder: Path, *lines: str) -> Path:
    file = folder / "samples.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


def test_a_file_of_samples_is_read_by_target_and_time(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        "target,at,replicas,nodes,cpu_used,memory_gib_used,predictions,failures",
        "aws,2026-11-23T13:00:00+01:00,3,1,1.5,2,10,1",
        "aws,2026-11-23 11:00,,,,,,",
    )
    assert tuple(read_samples(file)) == (
        Sample(NOON - timedelta(hours=1), "aws"),
        Sample(NOON, "aws", 3, 1, Size(Decimal("1.5"), Decimal(2)), 10, 1),
    )


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (["at,replicas"], "holds no samples: its columns are at, replicas"),
        (["at,target,colour"], "its columns are at, target, colour"),
        (["at,target", "yesterday,aws"], "line 2: Invalid isoformat"),
        (["at,target", "2026-11-23,"], "a sample has a target"),
        (["at,target,replicas", "2026-11-23,aws,-1"], "-1 is below 0"),
        (["at,target,cpu_used", "2026-11-23,aws,NaN"], "are no amounts"),
        (["at,target,cpu_used", "2026-11-23,aws,lots"], "line 2"),
        (["at,target,speed", "2026-11-23,aws,9/8 in 1"], "is no speed such as"),
    ],
)
def test_a_line_that_is_no_sample_is_named(tmp_path: Path, lines: list[str], why: str) -> None:
    with pytest.raises(SourceError) as caught:
        read_samples(write(tmp_path, *lines))
    assert why in str(caught.value)


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read: No such file"):
        read_samples(tmp_path / "none.csv")


def line_of(*samples: Sample) -> Timeline:
    found = Samples.collect(samples)
    return Timeline(found.looks, found.columns.get("aws", Columns()))


def test_a_sample_speaks_until_the_next_and_an_hour_at_most() -> None:
    line = line_of(at(0, replicas=1), at(30, replicas=2))
    ended = NOON + timedelta(hours=3)
    held = line.hold(NOON - timedelta(minutes=10), ended)
    assert held.looks == {
        (1, None, None): timedelta(minutes=30),
        (2, None, None): timedelta(minutes=60),
    }
    assert held.gaps == (
        (NOON - timedelta(minutes=10), NOON),
        (NOON + timedelta(minutes=90), ended),
    )


def test_the_sample_before_a_time_speaks_for_its_beginning() -> None:
    held = line_of(at(-20, replicas=7)).hold(NOON, NOON + timedelta(hours=1))
    assert held.looks == {(7, None, None): timedelta(minutes=40)}
    assert held.gaps == ((NOON + timedelta(minutes=40), NOON + timedelta(hours=1)),)


def test_without_a_sample_all_is_a_gap() -> None:
    ended = NOON + timedelta(hours=1)
    assert line_of().hold(NOON, ended) == Held({}, ((NOON, ended),))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(-300, 300), st.integers(0, 2)), max_size=12))
def test_looks_and_gaps_are_all_of_the_time(seen: list[tuple[int, int]]) -> None:
    ended = NOON + timedelta(hours=2)
    held = line_of(*(at(minute, replicas=it) for minute, it in seen)).hold(NOON, ended)
    spoke = sum(held.looks.values(), timedelta())
    gaps = sum((two - one for one, two in held.gaps), timedelta())
    assert spoke + gaps == timedelta(hours=2)
    assert all(one < two for one, two in held.gaps)


def test_a_clock_that_was_set_back_leaves_the_looks_in_the_order_of_time(tmp_path: Path) -> None:
    late, early = at(9, predictions=4, speed=Speed(1, 2, 0.5)), at(3, speed=Speed(3, 4, 0.25))
    file = tmp_path / "samples.csv"
    append_samples(file, [late, at(7), early])
    assert tuple(read_samples(file)) == (early, at(7), late)
    assert read_samples(file)[1] == at(7)


def test_answers_are_how_far_the_counters_grew_restarts_included() -> None:
    """0 to 100, anew to 30, to 50: 100 + 30 + 20; failures 0 to 5, anew to 1, stays."""
    counts = [(0, 0), (100, 5), (30, 1), (50, 1)]
    line = line_of(*(at(i, predictions=p, failures=f) for i, (p, f) in enumerate(counts)))
    found = line.count_answers(NOON, NOON + timedelta(hours=1))
    assert (found, found.successful) == (Tally(150, 6), 144)


def test_the_growth_over_midnight_is_counted_once() -> None:
    line = line_of(at(-30, predictions=10), at(30, predictions=25))
    before = line.count_answers(NOON - timedelta(hours=1), NOON)
    after = line.count_answers(NOON, NOON + timedelta(hours=1))
    assert (before, after) == (Tally(), Tally(15, 0))


def test_what_nobody_counted_is_not_none_at_all() -> None:
    line = line_of(at(0, replicas=1), at(30, replicas=1))
    assert line.count_answers(NOON, NOON + timedelta(hours=1)).predictions is None
    assert Tally(3, 1).add(Tally()) == Tally(3, 1)
    assert Tally().successful is None


def test_looks_are_added_and_read_back(tmp_path: Path) -> None:
    file = tmp_path / "samples.csv"
    first = Sample(NOON, "aws", 3, 1, Size(Decimal("1.5"), Decimal(2)), 10, 1)
    append_samples(file, [first])
    append_samples(file, [at(5, replicas=2)])
    assert tuple(read_samples(file)) == (first, at(5, replicas=2))


def test_another_file_is_not_added_to(tmp_path: Path) -> None:
    file = write(tmp_path, "a,b,c")
    with pytest.raises(SourceError, match="no file of samples of ours"):
        append_samples(file, [at(0)])
    with pytest.raises(SourceError, match="cannot be kept"):
        append_samples(tmp_path, [at(0)])


def test_columns_are_read_as_lines_are(tmp_path: Path) -> None:
    """A file that pyarrow takes whole: restarts, gaps, unknown cells, two targets, odd order."""
    seen = [
        Sample(NOON + timedelta(minutes=minute), target, a, b, used, counted, failed, speed)
        for minute, target, (a, b, used), counted, failed, speed in (
            (5, "gcp", (1, None, None), 4, None, None),
            (0, "aws", (2, 1, Size(Decimal("1.5"), Decimal(2))), None, 0, Speed(3, 4, 0.25)),
            (9, "aws", (2, 1, Size(Decimal("0.5"), Decimal(0))), 7, 1, None),
            (3, "aws", (None, None, None), 6, 1, Speed(9, 9, 0.25)),
        )
    ]
    file = tmp_path / "samples.csv"
    append_samples(file, seen)
    quick = read_quickly(file, COLUMNS, lambda *_: (None, None, None), lambda _: (0, 0, 0.0))
    assert quick is not None
    assert tuple(read_samples(file)) == tuple(read_lines(file)) == tuple(Samples.collect(seen))


def test_the_last_line_may_be_without_its_end_and_the_file_without_lines(tmp_path: Path) -> None:
    file = tmp_path / "samples.csv"
    file.write_text("at,target,predictions\n2026-11-23T12:00:00+00:00,aws,5")
    assert tuple(read_samples(file)) == (at(0, predictions=5),)
    file.write_text("at,target\n")
    assert tuple(read_samples(file)) == ()
