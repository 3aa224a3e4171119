"""A labelled hold-out set: rows no model was trained on, and what is true of each."""

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from deployer.errors import SourceError

__all__ = ["Holdout", "Label", "Task", "load_holdout"]

Label = str | int | float
Task = Literal["classification", "regression", "ranking"]

_CLASSES_AT_MOST = 50
_FAULTS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Holdout:
    """Features by row, and the label of each.

    Attributes:
        names: Of the features, in the order in which the model takes them.
        label: The label's column.
        queries: Of a ranking: which query each row belongs to; empty of anything else.
    """

    names: tuple[str, ...]
    label: str
    rows: tuple[tuple[float, ...], ...]
    labels: tuple[Label, ...]
    task: Task
    queries: tuple[Label, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def classes(self) -> tuple[Label, ...]:
        """The labels there are, sorted; of a regression nothing of use."""
        return tuple(sorted(set(self.labels), key=lambda label: (isinstance(label, str), label)))


def load_holdout(
    file: Path, *, label: str | None = None, task: Task | None = None, query: str | None = None
) -> Holdout:
    """Read a CSV file with a header: numbers, and the label in the last column or in ``label``.

    Labels that are words or whole numbers, of at most 50 kinds, are classes; others are values,
    unless ``task`` says otherwise. With a ``query``'s column it is a ranking: labels say how
    relevant a row is to its query.

    Raises:
        SourceError: It can't be read, has no rows, or a cell is no finite number; the first faults
            are named with their lines.
    """
    header, lines = _read(file)
    column = _find_label(file, header, label)
    asked = _find_query(file, header, query, column)
    rows, labels, queries, faults = [], [], [], list[str]()
    for number, cells in lines:
        parsed = _parse_row(cells, header, column, asked)
        if isinstance(parsed, str):
            faults.append(f"line {number}: {parsed}")
        else:
            rows.append(parsed)
            labels.append(cells[column].strip())
            queries += [cells[asked].strip()] if asked is not None else []
    _refuse(file, faults)
    if not rows:
        raise SourceError(f"{file}: there is a header and no row", hint="It needs labelled rows.")
    names = tuple(name for index, name in enumerate(header) if index not in (column, asked))
    wanted = task if asked is None else "ranking"
    decided, typed = _type_labels(f"{file}: {header[column]}", labels, wanted)
    return Holdout(names, header[column], tuple(rows), typed, decided, tuple(queries))


def _read(file: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.reader(stream, strict=True)
            lines = [(reader.line_num, cells) for cells in reader if cells]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SourceError(
            f"{file}: the hold-out set cannot be read: {error}",
            hint="It is a CSV file with a header: features, and the label last.",
        ) from error
    if not lines or len(lines[0][1]) < 2:  # noqa: PLR2004 - a feature and the label
        raise SourceError(f"{file}: expected a header with at least a feature and the label")
    return [name.strip() for name in lines[0][1]], lines[1:]


def _find_label(file: Path, header: Sequence[str], label: str | None) -> int:
    if label is None:
        return len(header) - 1
    if label not in header:
        raise SourceError(
            f"{file}: there is no column {label!r}", hint=f"It has {', '.join(header)}."
        )
    return header.index(label)


def _find_query(file: Path, header: Sequence[str], query: str | None, label: int) -> int | None:
    if query is None:
        return None
    if query not in header or header.index(query) == label:
        raise SourceError(
            f"{file}: there is no column {query!r} besides the label",
            hint=f"It has {', '.join(header)}.",
        )
    return header.index(query)


def _parse_row(
    cells: list[str], header: Sequence[str], column: int, query: int | None
) -> tuple[float, ...] | str:
    """Return the features, or what is wrong."""
    if len(cells) != len(header):
        return f"{len(cells)} cells, {len(header)} columns"
    features = []
    for index, cell in enumerate(cells):
        if index in (column, query):
            continue
        value = _number(cell)
        if value is None:
            return f"{header[index]}: expected a finite number, got {cell.strip()[:40]!r}"
        features.append(value)
    return tuple(features) if cells[column].strip() else f"{header[column]}: there is no label"


def _number(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _refuse(file: Path, faults: Sequence[str]) -> None:
    if faults:
        more = f" (and {len(faults) - _FAULTS_SHOWN} more)" if len(faults) > _FAULTS_SHOWN else ""
        raise SourceError(
            f"{file}: {'; '.join(faults[:_FAULTS_SHOWN])}{more}",
            hint="Features are finite numbers: encode words and fill gaps as for the training.",
        )


def _type_labels(
    where: str, written: list[str], task: Task | None
) -> tuple[Task, tuple[Label, ...]]:
    values = [_number(text) for text in written]
    whole = all(value is not None and value.is_integer() for value in values)
    words = any(value is None for value in values)
    few = len(set(written)) <= _CLASSES_AT_MOST
    decided = task or ("classification" if (words or whole) and few else "regression")
    if decided != "classification" and words:
        raise SourceError(f"{where}: a {decided}'s labels are numbers")
    return decided, tuple(_typed(written, values, whole=whole, words=words))


def _typed(
    written: list[str], values: list[float | None], *, whole: bool, words: bool
) -> Iterator[Label]:
    for text, value in zip(written, values, strict=True):
        if words or value is None:
            yield text
        else:
            yield int(value) if whole else value
