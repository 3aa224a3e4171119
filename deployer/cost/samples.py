"""What somebody saw of a cluster over time: how many replicas, what they used, what they answered.

A CSV file of one line per target and look. ``at`` and ``target`` are needed; a cell left empty was
not seen. ``predictions`` and ``failures`` are counters, as a router's are: they grow, and begin
again at 0 when it is started anew. So is ``speed``, written ``990/1000 in 0.25``: of 1,000 answers
990 began within 0.25 s.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple, NoReturn, overload

from deployer.cost.columns import NOT_SEEN, Columns, Look, read_micros, write_micros
from deployer.cost.quick import read_quickly
from deployer.cost.sizing import Size
from deployer.errors import SourceError

__all__ = ["COLUMNS", "Sample", "Samples", "Speed", "append_samples", "read_lines", "read_samples"]

COLUMNS = (
    "at", "target", "replicas", "nodes", "cpu_used", "memory_gib_used", "predictions", "failures",
    "speed",
)  # fmt: skip


_SPEED = re.compile(r"(\d+)/(\d+) in (\d+(?:\.\d+)?)")


class Speed(NamedTuple):
    """How many of ``timed`` answers had begun after ``seconds``; both counts only grow."""

    fast: int
    timed: int
    seconds: float

    def __str__(self) -> str:
        return f"{self.fast}/{self.timed} in {self.seconds:g}"


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at one target; what was not seen is None."""

    at: datetime
    target: str
    replicas: int | None = None
    nodes: int | None = None
    used: Size | None = None
    predictions: int | None = None
    failures: int | None = None
    speed: Speed | None = None


class Samples(Sequence[Sample]):
    """Looks at some targets, by target and time; kept as numbers, made into samples when asked."""

    def __init__(self, looks: list[Look], columns: Mapping[str, Columns]) -> None:
        self.looks = looks
        self.columns = columns

    @classmethod
    def collect(cls, samples: Iterable[Sample]) -> "Samples":
        """Return all of them, in their order."""
        if isinstance(samples, Samples):
            return samples
        table = _Table()
        for sample in samples:
            table.add(sample)
        return table.finish()

    def __len__(self) -> int:
        return sum(len(columns.at) for columns in self.columns.values())

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> "tuple[Sample, ...]": ...
    def __getitem__(self, index: int | slice) -> "Sample | tuple[Sample, ...]":
        return tuple(self)[index]

    def __iter__(self) -> Iterator[Sample]:
        for target, columns in sorted(self.columns.items()):
            yield from self.of(target, columns)

    def of(self, target: str, columns: Columns) -> Iterator[Sample]:
        """Yield one target's samples in the order of time."""
        speeds = {place: Speed(fast, all_, s) for place, fast, all_, s in columns.speeds}
        rows = zip(columns.at, columns.look, columns.predictions, columns.failures, strict=True)
        for index, (at, look, predictions, failures) in enumerate(rows):
            yield Sample(
                write_micros(at),
                target,
                *self.looks[look],
                None if predictions == NOT_SEEN else predictions,
                None if failures == NOT_SEEN else failures,
                speeds.get(index),
            )


def read_samples(file: Path) -> Samples:
    """Read the samples, by target and time.

    Where pyarrow is there it reads them ten times as fast. What it does not take as it is written
    is read line by line.

    Raises:
        SourceError: It cannot be read, or a line is wrong; the line is named.
    """
    found = read_quickly(file, COLUMNS, _look, _speed)
    return read_lines(file) if found is None else Samples(*found)


def read_lines(file: Path) -> Samples:
    """Read the samples line by line, as `read_samples` does without pyarrow."""
    try:
        with file.open(newline="", encoding="utf-8") as lines:
            rows = csv.reader(lines, strict=True)
            names = next(rows, [])
            _demand_columns(file, names)
            try:
                return _Table().read(rows, names)
            except (ValueError, InvalidOperation, TypeError, OverflowError) as error:
                raise SourceError(f"{file}, line {rows.line_num}: {error}") from error
    except OSError as error:
        raise SourceError(f"the samples of {file} cannot be read: {error.strerror}") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise SourceError(f"{file} is no CSV file: {error}") from error


def append_samples(file: Path, samples: Iterable[Sample]) -> None:
    """Add the samples to the file; a new one gets its first line.

    Raises:
        SourceError: It cannot be written, or is no file of samples.
    """
    try:
        with file.open("a+", newline="", encoding="utf-8") as lines:
            lines.seek(0)
            header = next(csv.reader(lines), None)
            if header is not None and tuple(header) != COLUMNS:
                raise SourceError(f"{file} is not empty, and no file of samples of ours")
            writer = csv.writer(lines, lineterminator="\n")
            if header is None:
                writer.writerow(COLUMNS)
            writer.writerows(_cells(sample) for sample in samples)
    except OSError as error:
        raise SourceError(f"the samples of {file} cannot be kept: {error.strerror}") from error


def _cells(sample: Sample) -> list[str]:
    used = (sample.used.vcpu, sample.used.memory_gib) if sample.used else (None, None)
    seen = (sample.replicas, sample.nodes, *used, sample.predictions, sample.failures, sample.speed)
    return [
        sample.at.isoformat(timespec="seconds"),
        sample.target,
        *("" if it is None else str(it) for it in seen),
    ]


def _demand_columns(file: Path, names: Sequence[str]) -> None:
    if not {"at", "target"} <= set(names) <= set(COLUMNS):
        raise SourceError(
            f"{file} holds no samples: its columns are {', '.join(names) or 'none'}",
            hint=f"Columns: {', '.join(COLUMNS)}; at and target are needed.",
        )


class _Table:
    """Fills columns; each different look, and each moment, is read once."""

    def __init__(self) -> None:
        self._columns: dict[str, Columns] = {}
        self._looks: list[Look] = []
        self._known: dict[tuple[object, ...], int] = {}

    def add(self, sample: Sample) -> None:
        columns = self._columns.setdefault(sample.target, Columns())
        look = (sample.replicas, sample.nodes, sample.used)
        columns.at.append(read_micros(sample.at))
        columns.look.append(self._place(look, look))
        columns.predictions.append(NOT_SEEN if sample.predictions is None else sample.predictions)
        columns.failures.append(NOT_SEEN if sample.failures is None else sample.failures)
        if sample.speed is not None:
            columns.add_speed(*sample.speed)

    def read(self, rows: Iterable[list[str]], names: Sequence[str]) -> Samples:
        """Read lines by their columns. Written for speed: a report reads a million of them."""
        pick = itemgetter(*(names.index(it) if it in names else -1 for it in COLUMNS))
        width, moment, last = len(names), "", 0
        known, by_target = self._known, self._columns
        for cells in rows:
            if len(cells) != width:
                if not cells:
                    continue
                _refuse(f"{len(cells)} columns instead of {width}")
            cells.append("")  # what stands for a column that is not there
            at, target, replicas, nodes, cpu, memory, predictions, failures, speed = pick(cells)
            if at != moment:
                moment, last = at, read_micros(_time(at))
            columns = by_target.get(target) or self._open(target)
            look = known.get((replicas, nodes, cpu, memory))
            if look is None:
                look = self._read_look(replicas, nodes, cpu, memory)
            columns.at.append(last)
            columns.look.append(look)
            columns.predictions.append(_count(predictions) if predictions else NOT_SEEN)
            columns.failures.append(_count(failures) if failures else NOT_SEEN)
            if speed:
                columns.add_speed(*_speed(speed))
        return self.finish()

    def finish(self) -> Samples:
        for columns in self._columns.values():
            columns.sort()
        return Samples(self._looks, self._columns)

    def _open(self, target: str) -> Columns:
        if not target:
            _refuse("a sample has a target")
        return self._columns.setdefault(target, Columns())

    def _read_look(self, replicas: str, nodes: str, cpu: str, memory: str) -> int:
        return self._place((replicas, nodes, cpu, memory), _look(replicas, nodes, cpu, memory))

    def _place(self, key: tuple[object, ...], look: Look) -> int:
        place = self._known.get(key)
        if place is None:
            place = self._known[key] = len(self._looks)
            self._looks.append(look)
        return place


def _look(replicas: str, nodes: str, cpu: str, memory: str) -> Look:
    return (
        _count(replicas) if replicas else None,
        _count(nodes) if nodes else None,
        _used(cpu, memory) if cpu or memory else None,
    )


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _count(text: str) -> int:
    number = int(text)
    return number if number >= 0 else _refuse(f"{text} is below 0")


def _speed(text: str) -> Speed:
    found = _SPEED.fullmatch(text)
    if found is None or int(found[1]) > int(found[2]):
        _refuse(f"{text!r} is no speed such as 990/1000 in 0.25")
    return Speed(int(found[1]), int(found[2]), float(found[3]))


def _used(cpu: str, memory: str) -> Size:
    size = Size(Decimal(cpu or 0), Decimal(memory or 0))
    if (
        not (size.vcpu.is_finite() and size.memory_gib.is_finite())
        or min(size.vcpu, size.memory_gib) < 0
    ):
        _refuse(f"{cpu} cpu and {memory} GiB are no amounts")
    return size


def _refuse(words: str) -> NoReturn:
    raise ValueError(words)
