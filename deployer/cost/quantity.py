"""Kubernetes quantities as numbers."""

import re
from decimal import Decimal

__all__ = ["parse_quantity"]

_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)(m|k|M|G|T|Ki|Mi|Gi|Ti)?")
_FACTORS: dict[str | None, Decimal] = {None: Decimal(1), "m": Decimal("0.001")}
_FACTORS |= {unit: Decimal(1000**power) for power, unit in enumerate(("k", "M", "G", "T"), 1)}
_FACTORS |= {unit: Decimal(1024**power) for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti"), 1)}


def parse_quantity(text: str) -> Decimal:
    """Return ``500m`` as 0.5, ``1Gi`` as 1073741824: exact.

    Raises:
        ValueError: It is no quantity of the forms the spec takes.
    """
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(f"not a quantity: {text[:40]!r}")
    return Decimal(match[1]) * _FACTORS[match[2]]
