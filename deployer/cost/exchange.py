"""Exchange rates of the user's own: what one unit of a currency is in US dollars, and since when.

A CSV file of ``currency,usd,as_of,source``. What has no rate stays in its currency, named, and is
never added to anything.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

from deployer.cost.component import CURRENCY
from deployer.errors import SourceError

__all__ = ["COLUMNS", "ExchangeRate", "read_exchange"]

COLUMNS = ("currency", "usd", "as_of", "source")


@dataclass(frozen=True, slots=True)
class ExchangeRate:
    """What one unit of ``currency`` was worth in USD on a day, as ``source`` has it."""

    currency: str
    usd: Decimal
    as_of: date
    source: str

    def __str__(self) -> str:
        return f"1 {self.currency} = {self.usd:f} {CURRENCY} of {self.as_of} ({self.source})"


def read_exchange(file: Path, today: date) -> Mapping[str, ExchangeRate]:
    """Return the rates by currency.

    Raises:
        SourceError: It cannot be read, or a row is wrong, from the future, or there twice; the line
            is named.
    """
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            return _collect(file, lines, today)
    except OSError as error:
        raise SourceError(f"the rates of {file} cannot be read: {error.strerror}") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise SourceError(f"{file} is no CSV file: {error}") from error


def _collect(file: Path, lines: Iterator[str], today: date) -> dict[str, ExchangeRate]:
    rows = csv.DictReader(lines, strict=True)
    if tuple(rows.fieldnames or ()) != COLUMNS:
        raise SourceError(f"{file} holds no exchange rates: its columns are {','.join(COLUMNS)}")
    found: dict[str, ExchangeRate] = {}
    for row in rows:
        try:
            rate = _read(row, today)
            if rate.currency in found:
                raise ValueError(f"{rate.currency} is there twice")  # noqa: TRY301 - told with its line
        except (ValueError, InvalidOperation, TypeError, AttributeError) as error:
            raise SourceError(f"{file}, line {rows.line_num}: {error}") from error
        found[rate.currency] = rate
    return found


def _read(row: Mapping[str, str], today: date) -> ExchangeRate:
    currency, source = row["currency"].strip(), row["source"].strip()
    usd, as_of = Decimal(row["usd"].strip()), date.fromisoformat(row["as_of"].strip())
    if len(currency) != 3 or not currency.isalpha() or not currency.isupper():  # noqa: PLR2004 - ISO 4217
        raise ValueError(f"{currency!r} is no currency such as EUR")
    if not usd.is_finite() or usd <= 0:
        raise ValueError(f"{usd} is no rate")
    if as_of > today:
        raise ValueError(f"the rate of {currency} is of {as_of}, which is in the future")
    if not source:
        raise ValueError(f"the rate of {currency} has no source")
    return ExchangeRate(currency, usd, as_of, source)
