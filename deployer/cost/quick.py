"""Samples read by pyarrow, column by column: what it does not take as written is left to others."""

from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

from deployer.cost.columns import NOT_SEEN, Columns, Look

__all__ = ["ReadLook", "ReadSpeed", "read_quickly"]

ReadLook = Callable[[str, str, str, str], Look]
"""Reads replicas, machines, cpu and memory as they are written."""

ReadSpeed = Callable[[str], tuple[int, int, float]]
"""Reads a speed as it is written."""

_LOOKS = ("replicas", "nodes", "cpu_used", "memory_gib_used")
_COUNTERS = ("predictions", "failures")


def read_quickly(
    file: Path, columns: tuple[str, ...], read_look: ReadLook, read_speed: ReadSpeed
) -> tuple[list[Look], dict[str, Columns]] | None:
    """Return the looks and every target's columns; None when pyarrow is missing or refuses.

    It knows less than a reader of lines: not how to say what is wrong, and no time without a zone.
    """
    try:
        table = _read_table(file)
        if table is None or not {"at", "target"} <= set(table.column_names) <= set(columns):
            return None
        return _split(table, read_look, read_speed)
    except (ValueError, ArithmeticError, OSError):  # pyarrow's own are of these
        return None


def _read_table(file: Path) -> Any:
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra
        from pyarrow import csv  # noqa: PLC0415 - the same
    except ImportError:
        return None
    types = dict.fromkeys((*_LOOKS, "speed", "target"), pa.dictionary(pa.int32(), pa.string()))
    counters = dict.fromkeys(_COUNTERS, pa.int64())
    options = csv.ConvertOptions(
        column_types={**types, **counters, "at": pa.timestamp("us", tz="UTC")},
        null_values=[""],
        strings_can_be_null=True,
    )
    return csv.read_csv(file, convert_options=options).combine_chunks()


def _split(
    table: Any, read_look: ReadLook, read_speed: ReadSpeed
) -> tuple[list[Look], dict[str, Columns]] | None:
    import pyarrow.compute as pc  # noqa: PLC0415 - an extra

    columns = {name: _column(table, name) for name in ("at", "target", *_COUNTERS)}
    counts = [columns[name] for name in _COUNTERS if columns[name] is not None]
    if columns["at"].null_count or columns["target"].null_count:
        return None
    if any((pc.min(count).as_py() or 0) < 0 for count in counts):
        return None
    codes, looks = _encode_looks(table, read_look)
    speeds = _column(table, "speed")
    found: dict[str, Columns] = {}
    for code, name in enumerate(columns["target"].dictionary.to_pylist()):
        here = pc.equal(columns["target"].indices, code)
        mine = found[name] = Columns()
        mine.at = _numbers(columns["at"].cast("int64").filter(here), "q")
        mine.look = _numbers(codes.filter(here), "i")
        for counter in _COUNTERS:
            setattr(mine, counter, _counts(columns[counter], here, len(mine.at)))
        if speeds is not None and speeds.null_count < len(speeds):
            texts = speeds.filter(here).to_pylist()
            mine.speeds = [(i, *read_speed(text)) for i, text in enumerate(texts) if text]
        mine.sort()
    return looks, found


def _column(table: Any, name: str) -> Any:
    if name not in table.column_names:
        return None
    column = table.column(name)
    return column.chunk(0) if column.num_chunks else column.combine_chunks()


def _encode_looks(table: Any, read_look: ReadLook) -> tuple[Any, list[Look]]:
    """Return each row's place in a list of different looks, and that list."""
    import pyarrow as pa  # noqa: PLC0415 - an extra
    import pyarrow.compute as pc  # noqa: PLC0415 - the same

    combined: Any = pa.repeat(pa.scalar(0, pa.int64()), len(table))
    texts = []
    for name in _LOOKS:
        column = _column(table, name)
        words = [""] if column is None else ["", *column.dictionary.to_pylist()]
        places = 0
        if column is not None:
            places = pc.add(column.indices.cast("int64").fill_null(-1), 1)
        combined = pc.add(pc.multiply(combined, len(words)), places)
        texts.append(words)
    encoded = combined.dictionary_encode()
    return encoded.indices, [_decode(it, texts, read_look) for it in encoded.dictionary.to_pylist()]


def _decode(code: int, texts: list[list[str]], read_look: ReadLook) -> Look:
    words = []
    for known in reversed(texts):
        code, place = divmod(code, len(known))
        words.append(known[place])
    memory, cpu, nodes, replicas = words
    return read_look(replicas, nodes, cpu, memory)


def _counts(column: Any, here: Any, rows: int) -> "array[int]":
    if column is None:
        return array("q", [NOT_SEEN]) * rows
    return _numbers(column.filter(here).fill_null(NOT_SEEN), "q")


def _numbers(column: Any, code: str) -> "array[int]":
    """Copy the numbers out, without a Python object for each."""
    found = array("q" if code == "q" else "i")
    size = found.itemsize
    view = memoryview(column.buffers()[1]) if len(column) else memoryview(b"")
    found.frombytes(view[column.offset * size : (column.offset + len(column)) * size])
    return found
