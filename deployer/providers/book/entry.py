"""One row of a price book, read strictly: a price without source and date is no price.

The columns: ``cloud, region, kind, sku, option`` are the key (region ``*`` is every region, option
``on-demand`` or ``spot``), ``tier_from_gb`` where a graduated price begins; ``unit`` and ``usd``
the price; ``vcpu, memory_gib, gpus, gpu_type`` the size of an instance; ``as_of, confidence,
source, note`` where it comes from. A source dated only by its year or month is entered with the
first day of it, so an age is never shown smaller than it is.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from deployer.ports import Price
from deployer.values import Cloud, Money

__all__ = ["COLUMNS", "Entry", "Key", "read_entries", "write_entries"]

COLUMNS = (
    "cloud",
    "region",
    "kind",
    "sku",
    "option",
    "tier_from_gb",
    "unit",
    "usd",
    "vcpu",
    "memory_gib",
    "gpus",
    "gpu_type",
    "as_of",
    "confidence",
    "source",
    "note",
)
_REQUIRED = ("cloud", "region", "kind", "option", "unit", "usd", "as_of", "confidence", "source")
_CONFIDENCE = ("high", "medium", "low")


class Key(NamedTuple):
    """What a price answers."""

    cloud: Cloud
    region: str
    kind: str
    sku: str
    option: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A price under its key; ``from_gb`` is where its tier begins, 0 for a flat price."""

    key: Key
    from_gb: Decimal
    price: Price


def read_entries(text: str) -> Iterator[Entry]:
    """Yield the rows in order.

    Raises:
        ValueError: The columns are not ours, or a row lacks something or cannot be read; the line
            is named.
    """
    rows = csv.DictReader(io.StringIO(text), strict=True)
    if tuple(rows.fieldnames or ()) != COLUMNS:
        raise ValueError(f"the columns of a price book are {','.join(COLUMNS)}")
    for row in rows:
        try:
            yield _read(row)
        except (ValueError, InvalidOperation, TypeError) as error:
            raise ValueError(f"price book, line {rows.line_num}: {error}") from error


def write_entries(entries: Iterable[Entry]) -> str:
    """Return the rows as the CSV that `read_entries` reads; notes are not kept."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(_write(entry) for entry in entries)
    return text.getvalue()


def _write(entry: Entry) -> dict[str, str]:
    price = entry.price
    numbers = {
        "tier_from_gb": entry.from_gb,
        "vcpu": price.vcpu,
        "memory_gib": price.memory_gib,
        "gpus": Decimal(price.gpus),
    }
    return {
        **{name: str(value) for name, value in entry.key._asdict().items()},
        **{name: f"{number:f}" for name, number in numbers.items() if number},
        "unit": price.unit,
        "usd": f"{price.money.amount:f}",
        "as_of": price.as_of.isoformat(),
        "confidence": price.confidence,
        "source": price.source,
    }


def _read(row: dict[str, str]) -> Entry:
    for column in _REQUIRED:
        if not row[column]:
            raise ValueError(f"{column} is missing")
    if row["confidence"] not in _CONFIDENCE:
        raise ValueError(f"confidence is one of {', '.join(_CONFIDENCE)}")
    key = Key(Cloud(row["cloud"]), row["region"], row["kind"], row["sku"], row["option"])
    return Entry(key, _number(row, "tier_from_gb"), _price(row))


def _price(row: dict[str, str]) -> Price:
    price = Price(
        money=Money(_number(row, "usd")),
        unit=row["unit"],
        source=row["source"],
        as_of=date.fromisoformat(row["as_of"]),
        confidence=row["confidence"],
        vcpu=_number(row, "vcpu"),
        memory_gib=_number(row, "memory_gib"),
        gpus=int(row["gpus"] or 0),
    )
    if row["kind"] == "instance" and not (price.money.amount and price.vcpu and price.memory_gib):
        raise ValueError("an instance has a price above 0, vcpu and memory_gib")
    return price


def _number(row: dict[str, str], column: str) -> Decimal:
    number = Decimal(row[column] or 0)
    if not number.is_finite() or number < 0:
        raise ValueError(f"{column} is {row[column]}")
    return number
