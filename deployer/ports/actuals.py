"""What a cloud says it charged: one line per day and kind of use."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Protocol

__all__ = ["Actuals", "Charged"]


@dataclass(frozen=True, slots=True)
class Charged:
    """What one kind of use was charged on one day (UTC).

    Attributes:
        usage: The vendor's word for it, such as ``USE1-BoxUsage:m6i.xlarge``.
        billed: As on the invoice.
        effective: Amortized: commitments are spread over what they cover.
        estimated: Whether the vendor may still change it.
    """

    day: date
    region: str
    service: str
    usage: str
    billed: Decimal
    effective: Decimal
    currency: str
    quantity: Decimal
    unit: str
    estimated: bool


class Actuals(Protocol):
    """A vendor's own account of what was charged."""

    def read(
        self, region: str, began: date, ended: date, tag: tuple[str, str] | None = None
    ) -> Iterator[Charged]:
        """Yield what was charged in a region from the day ``began`` to before ``ended``.

        Args:
            region: Where it was used.
            began: The first day.
            ended: The day after the last.
            tag: Only what carries this key and value.

        Raises:
            AccessDeniedError, TransientError, SetupError: It cannot be asked.
        """
        ...
