from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from deployer.cost.samples import Sample, append_samples, read_samples
from deployer.cost.sizing import Size
from deployer.cost.timeline import Tally, Timeline
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
    assert read_samples(file) == (
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
    ],
)
def test_a_line_that_is_no_sample_is_named(tmp_path: Path, lines: list[str], why: str) -> None:
    with pytest.raises(SourceError) as caught:
        read_samples(write(tmp_path, *lines))
    assert why in str(caught.value)


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read: No such file"):
        read_samples(tmp_path / "none.csv")


def test_a_sample_speaks_until_the_next_and_an_hour_at_most() -> None:
    line = Timeline([at(0, replicas=1), at(30, replicas=2)])
    ended = NOON + timedelta(hours=3)
    assert [
        (part.began - NOON, part.ended - NOON, part.sample and part.sample.replicas)
        for part in line.stretch(NOON - timedelta(minutes=10), ended)
    ] == [
        (timedelta(minutes=-10), timedelta(0), None),
        (timedelta(0), timedelta(minutes=30), 1),
        (timedelta(minutes=30), timedelta(minutes=90), 2),
        (timedelta(minutes=90), timedelta(hours=3), None),
    ]


def test_the_sample_before_a_time_speaks_for_its_beginning() -> None:
    line = Timeline([at(-20, replicas=7)])
    (first, gap) = line.stretch(NOON, NOON + timedelta(hours=1))
    assert first.sample == at(-20, replicas=7)
    assert first.ended == NOON + timedelta(minutes=40)
    assert gap.sample is None


def test_without_a_sample_all_is_a_gap() -> None:
    (gap,) = Timeline(()).stretch(NOON, NOON + timedelta(hours=1))
    assert gap.sample is None
    assert not Timeline(())


def test_answers_are_how_far_the_counters_grew_restarts_included() -> None:
    """0 to 100, anew to 30, to 50: 100 + 30 + 20; failures 0 to 5, anew to 1, stays."""
    counts = [(0, 0), (100, 5), (30, 1), (50, 1)]
    line = Timeline([at(i, predictions=p, failures=f) for i, (p, f) in enumerate(counts)])
    found = line.count_answers(NOON, NOON + timedelta(hours=1))
    assert (found, found.successful) == (Tally(150, 6), 144)


def test_the_growth_over_midnight_is_counted_once() -> None:
    line = Timeline([at(-30, predictions=10), at(30, predictions=25)])
    before = line.count_answers(NOON - timedelta(hours=1), NOON)
    after = line.count_answers(NOON, NOON + timedelta(hours=1))
    assert (before, after) == (Tally(), Tally(15, 0))


def test_what_nobody_counted_is_not_none_at_all() -> None:
    line = Timeline([at(0, replicas=1), at(30, replicas=1)])
    assert line.count_answers(NOON, NOON + timedelta(hours=1)).predictions is None
    assert Tally(3, 1).add(Tally()) == Tally(3, 1)
    assert Tally().successful is None


def test_looks_are_added_and_read_back(tmp_path: Path) -> None:
    file = tmp_path / "samples.csv"
    first = Sample(NOON, "aws", 3, 1, Size(Decimal("1.5"), Decimal(2)), 10, 1)
    append_samples(file, [first])
    append_samples(file, [at(5, replicas=2)])
    assert read_samples(file) == (first, at(5, replicas=2))


def test_another_file_is_not_added_to(tmp_path: Path) -> None:
    file = write(tmp_path, "a,b,c")
    with pytest.raises(SourceError, match="no file of samples of ours"):
        append_samples(file, [at(0)])
    with pytest.raises(SourceError, match="cannot be kept"):
        append_samples(tmp_path, [at(0)])
