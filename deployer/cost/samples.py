"""What somebody saw of a cluster over time: how many replicas, what they used, what they answered.

A CSV file of one line per target and look. ``at`` and ``target`` are needed; a cell left empty was
not seen. ``predictions`` and ``failures`` are counters, as a router's are: they grow, and begin
again at 0 when it is started anew. So is ``speed``, written ``990/1000 in 0.25``: of 1,000 answers
990 began within 0.25 s.
"""

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple, NoReturn

from deployer.cost.sizing import Size
from deployer.errors import SourceError

__all__ = ["COLUMNS", "Sample", "Speed", "append_samples", "read_samples"]

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


def read_samples(file: Path) -> tuple[Sample, ...]:
    """Read the samples, by target and time.

    Raises:
        SourceError: It cannot be read, or a line is wrong; the line is named.
    """
    try:
        with file.open(newline="", encoding="utf-8") as lines:
            rows = csv.reader(lines, strict=True)
            names = next(rows, [])
            _demand_columns(file, names)
            reader = _Rows(names)
            found = [_read(file, rows.line_num, reader, row) for row in rows if row]
    except OSError as error:
        raise SourceError(f"the samples of {file} cannot be read: {error.strerror}") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise SourceError(f"{file} is no CSV file: {error}") from error
    return tuple(sorted(found, key=attrgetter("target", "at")))


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


def _read(file: Path, line: int, rows: "_Rows", cells: Sequence[str]) -> Sample:
    try:
        return rows.read(cells)
    except (ValueError, InvalidOperation, TypeError) as error:
        raise SourceError(f"{file}, line {line}: {error}") from error


class _Rows:
    """Reads lines by their columns; looks at one time share its moment, and names their text."""

    def __init__(self, names: Sequence[str]) -> None:
        self._width = len(names)
        self._places = [names.index(name) if name in names else None for name in COLUMNS]
        self._moments: tuple[str, datetime] = ("", datetime.min.replace(tzinfo=UTC))
        self._names: dict[str, str] = {}

    def read(self, cells: Sequence[str]) -> Sample:
        if len(cells) != self._width:
            _refuse(f"{len(cells)} columns instead of {self._width}")
        at, target, replicas, nodes, cpu, memory, predictions, failures, speed = (
            "" if place is None else cells[place] for place in self._places
        )
        if not target:
            _refuse("a sample has a target")
        if at != self._moments[0]:
            self._moments = at, _time(at)
        return Sample(
            self._moments[1],
            self._names.setdefault(target, target),
            _count(replicas),
            _count(nodes),
            _used(cpu, memory) if cpu or memory else None,
            _count(predictions),
            _count(failures),
            _speed(speed) if speed else None,
        )


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _count(text: str) -> int | None:
    if not text:
        return None
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
