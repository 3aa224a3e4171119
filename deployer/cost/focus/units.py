"""Units of bills and prices in one spelling, with the block a vendor counts by."""

import re
from decimal import Decimal

__all__ = ["read_unit"]

_BLOCK = re.compile(r"(\d+(?:\.\d+)?)\s*([KM])?\s*(.*)", re.IGNORECASE)
_FACTORS = {"": 1, "K": 1000, "M": 1_000_000}
_HOURS = {"h", "hr", "hrs", "hour", "hours", "instance-hours", "rule-hour", "cluster-hour"}


def read_unit(text: str) -> tuple[str, Decimal]:
    """Return the unit and how many of it one of ``text`` is: ``100 Hours`` is (hour, 100)."""
    factor = Decimal(1)
    block = _BLOCK.fullmatch(text.strip())
    if block:
        number, thousands, text = block.groups()
        factor = Decimal(number) * _FACTORS[(thousands or "").upper()]
    return _spell(text.strip().lower()), factor


def _spell(unit: str) -> str:
    unit = re.sub(r"[-/ ]mo(nths?)?$", "-month", unit)
    if unit in _HOURS or unit.endswith((" hours", " hour")):
        return "hour"
    return {"gigabytes": "gb", "gibibytes": "gib", "gigabyte": "gb"}.get(unit, unit)
