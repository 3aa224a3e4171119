"""Inputs of a model as columns of numbers: what it was trained on, or what it is asked now."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deployer.errors import SourceError

__all__ = ["Inputs", "load_inputs"]

_MISSING = frozenset({"", "nan", "na", "null", "none"})
_FAULTS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Inputs:
    """Columns by name; not-a-number where a row has nothing."""

    rows: int
    columns: Mapping[str, np.ndarray]


def load_inputs(file: Path) -> Inputs:
    """Read a CSV file with a header. Empty cells, NaN and null are missing, and stay so.

    Raises:
        SourceError: It cannot be read, has no rows, a name twice, or a cell is neither a finite
            number nor missing; the first faults are named with their lines.
    """
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.reader(stream, strict=True)
            header = [name.strip() for name in next(reader, [])]
            lines = [(reader.line_num, cells) for cells in reader if cells]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"{file}: the inputs cannot be read: {error}") from error
    if not lines or len(set(header)) != len(header) or "" in header:
        raise SourceError(f"{file}: expected a header of different names, and rows")
    faults: list[str] = []
    table = [_parse(number, cells, header, faults) for number, cells in lines]
    if faults:
        more = f" (and {len(faults) - _FAULTS_SHOWN} more)" if len(faults) > _FAULTS_SHOWN else ""
        raise SourceError(
            f"{file}: {'; '.join(faults[:_FAULTS_SHOWN])}{more}",
            hint="Inputs are numbers, as the model gets them: encode words first.",
        )
    values = np.asarray(table, dtype=float)
    return Inputs(len(table), {name: values[:, index] for index, name in enumerate(header)})


def _parse(number: int, cells: list[str], header: list[str], faults: list[str]) -> list[float]:
    if len(cells) != len(header):
        faults.append(f"line {number}: {len(cells)} cells, {len(header)} columns")
        return [np.nan] * len(header)
    return [
        _number(cell, f"line {number}: {name}", faults)
        for cell, name in zip(cells, header, strict=True)
    ]


def _number(cell: str, where: str, faults: list[str]) -> float:
    text = cell.strip()
    if text.lower() in _MISSING:
        return float("nan")
    try:
        value = float(text)
    except ValueError:
        value = float("inf")
    if not np.isfinite(value):
        faults.append(f"{where}: expected a number, got {text[:40]!r}")
    return value
