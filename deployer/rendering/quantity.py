"""Quantities as the API server writes them: equal amounts have one text.

The form is that of ``k8s.io/apimachinery/pkg/api/resource`` (Quantity, "canonical form"): no
fraction, the largest suffix that leaves a whole number, powers of 1024 kept apart from powers of
1000; amounts of resources are rounded up to thousandths (seen on 1.36.3). Without it ``1000m``
would look like drift from the ``1`` that the server stores.
"""

import re
from fractions import Fraction

__all__ = ["canonical_quantity"]

_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_DECIMAL = ("n", "u", "m", "", "k", "M", "G", "T", "P", "E")
_FORM = re.compile(r"((?=[.\d])(?:0|[1-9]\d*)?(?:\.\d+)?)([KMGTPE]i|[numkMGTPE]?)")


def canonical_quantity(text: str) -> str:
    """Return the quantity in its canonical form; other texts, exponents included, as they are."""
    match = _FORM.fullmatch(text)
    if match is None:
        return text
    number, suffix = Fraction(match[1]), match[2]
    if suffix.endswith("i"):
        return _binary(number * 1024 ** _BINARY.index(suffix))
    return _decimal(number * Fraction(1000) ** (_DECIMAL.index(suffix) - _DECIMAL.index("")))


def _binary(value: Fraction) -> str:
    """Below 1024, or with a fraction of a byte, the server counts by thousands as well."""
    if value.denominator != 1 or value < _BINARY_LEAST:
        return _decimal(value)
    return _largest(int(value), 1024, _BINARY)


_BINARY_LEAST = 1024


def _decimal(value: Fraction) -> str:
    thousandths = -(-value.numerator * 1000 // value.denominator)
    return _largest(thousandths, 1000, _DECIMAL[2:]) if thousandths else "0"


def _largest(count: int, base: int, suffixes: tuple[str, ...]) -> str:
    power = 0
    while power + 1 < len(suffixes) and count % base == 0:
        count, power = count // base, power + 1
    return f"{count}{suffixes[power]}"
