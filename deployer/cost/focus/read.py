"""Reads a FOCUS file row by row: CSV, gzipped or not, and Parquet with the extra ``focus``."""

import csv
import gzip
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import TextIO

from deployer.cost.focus.charge import Charge, RowFault, parse_charge
from deployer.cost.focus.columns import MANDATORY, NEEDED, READ, RENAMED
from deployer.errors import SetupError, SourceError
from deployer.values import Json

__all__ = ["MOST_REMEMBERED", "FileNotes", "read_charges"]

MOST_REMEMBERED = 1_000_000
"""Rows among which duplicates are looked for: 64 MB of digests at the most."""
_MOST_FAULTS = 20
_BATCH_ROWS = 16_384
_FIELD_BYTES = 1 << 20


@dataclass
class FileNotes:
    """What one should know of a file that was read.

    Attributes:
        missing: Mandatory columns that it lacks, though it can be read without.
        duplicates: Rows equal to an earlier one in every column; they are left out.
        all_compared: Whether duplicates were looked for among all rows.
    """

    file: Path
    rows: int = 0
    missing: tuple[str, ...] = ()
    duplicates: int = 0
    all_compared: bool = True
    faults: list[str] = field(default_factory=list)
    _seen: set[bytes] = field(default_factory=set, repr=False)

    def is_new(self, values: Sequence[Json]) -> bool:
        """Say whether no row like this was read before."""
        body = "\x1f".join("" if value is None else str(value) for value in values)
        digest = blake2b(body.encode(), digest_size=12).digest()
        if digest in self._seen:
            self.duplicates += 1
            return False
        if len(self._seen) < MOST_REMEMBERED:
            self._seen.add(digest)
        else:
            self.all_compared = False
        return True


def read_charges(file: Path, notes: FileNotes) -> Iterator[Charge]:
    """Yield the charges of ``file`` and note what is odd about it.

    Raises:
        SourceError: It cannot be read, lacks a column that is needed, or has values of a wrong
            type; the first lines with their columns are named. Nothing of such a file may be used.
        SetupError: It is Parquet, and the extra is missing.
    """
    rows = _read_parquet(file, notes) if _is_parquet(file) else _read_csv(file, notes)
    for line, row in rows:
        notes.rows += 1
        try:
            charge = parse_charge(row)
        except RowFault as fault:
            notes.faults.append(f"line {line}: {fault}")
            if len(notes.faults) >= _MOST_FAULTS:
                break
            continue
        yield charge
    if notes.faults:
        told = "; ".join(notes.faults)
        raise SourceError(f"{file} is no sound FOCUS file: {told}")


def _is_parquet(file: Path) -> bool:
    return file.suffix.lower() == ".parquet"


def _read_csv(file: Path, notes: FileNotes) -> Iterator[tuple[int, Mapping[str, Json]]]:
    csv.field_size_limit(_FIELD_BYTES)
    try:
        with _open_text(file) as lines:
            reader = csv.reader(lines, strict=True)
            header = [name.strip() for name in next(reader, [])]
            places = _find_columns(file, header, notes)
            for values in reader:
                if not values or not notes.is_new(values):
                    continue
                if len(values) != len(header):
                    notes.faults.append(f"line {reader.line_num}: {len(values)} columns")
                    continue
                yield reader.line_num, {name: values[place] for name, place in places.items()}
    except OSError as error:
        raise SourceError(f"the bill {file} cannot be read: {error.strerror}") from error
    except (csv.Error, UnicodeDecodeError, EOFError) as error:
        raise SourceError(f"{file} is no CSV file: {error}") from error


@contextmanager
def _open_text(file: Path) -> Iterator[TextIO]:
    opener = gzip.open if file.suffix.lower() == ".gz" else open
    with opener(file, "rt", encoding="utf-8-sig", newline="") as lines:
        yield lines


def _find_columns(file: Path, header: Sequence[str], notes: FileNotes) -> dict[str, int]:
    """Return the places of the columns that are read, those of later versions included."""
    doubled = sorted({name for name in header if header.count(name) > 1})
    if doubled:
        raise SourceError(f"{file} has two columns {', '.join(doubled)}")
    lacking = [name for name in NEEDED if not {name, *RENAMED.get(name, ())} & set(header)]
    if lacking:
        raise SourceError(
            f"{file} is no FOCUS file: it lacks {', '.join(lacking)}",
            hint="FOCUS 1.0 to 1.2 has these columns; export it anew in one of these versions.",
        )
    notes.missing = tuple(
        name for name in MANDATORY if not {name, *RENAMED.get(name, ())} & set(header)
    )
    renamed = {new for names in RENAMED.values() for new in names}
    return {name: header.index(name) for name in {*READ, *renamed} & set(header)}


def _read_parquet(file: Path, notes: FileNotes) -> Iterator[tuple[int, Mapping[str, Json]]]:
    try:
        from pyarrow import ArrowException  # noqa: PLC0415 - an extra, and slow to import
        from pyarrow.parquet import ParquetFile  # noqa: PLC0415 - the same
    except ImportError as error:
        raise SetupError(
            f"{file} is Parquet, and pyarrow is not installed",
            hint="pip install 'deployer[focus]'",
        ) from error
    try:
        with ParquetFile(file) as table:
            places = _find_columns(file, table.schema_arrow.names, notes)
            line = 0
            for batch in table.iter_batches(batch_size=_BATCH_ROWS):
                for row in batch.to_pylist():
                    line += 1
                    if notes.is_new(list(row.values())):
                        yield line, {name: row[name] for name in places}
    except OSError as error:
        raise SourceError(f"the bill {file} cannot be read: {error}") from error
    except ArrowException as error:
        raise SourceError(f"{file} is no Parquet file: {str(error)[:200]}") from error
