"""One row of a bill, typed: a null stays a null, never a nought."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from deployer.values import Json

__all__ = ["Charge", "RowFault", "parse_charge"]

_CATEGORIES = ("Usage", "Purchase", "Tax", "Credit", "Adjustment")


class RowFault(ValueError):  # noqa: N818 - it is told, not raised out of the reader
    """A value that its column cannot have."""


@dataclass(frozen=True, slots=True)
class Charge:
    """What one row charges.

    Attributes:
        billed: On the invoice; None when the row does not say.
        effective: Amortized; what a use of money is compared by. None when the row does not say.
        correction: Whether it corrects an earlier invoice; it may then be negative.
        unused: Whether it is a commitment that nobody used.
    """

    provider: str
    region: str
    began: datetime
    ended: datetime
    currency: str
    category: str
    service_category: str
    service: str
    description: str
    meter: str
    sku: str
    resource: str
    billed: Decimal | None
    effective: Decimal | None
    quantity: Decimal | None
    unit: str
    tags: Mapping[str, str]
    correction: bool = False
    unused: bool = False


def parse_charge(row: Mapping[str, Json]) -> Charge:
    """Read a row of text or, from Parquet, of values.

    Raises:
        RowFault: A value is of the wrong type; the column is named.
    """
    text = _texts(row)
    category = text("ChargeCategory")
    if category not in _CATEGORIES:
        raise RowFault(f"ChargeCategory is {category or 'null'!r}")
    began, ended = (_time(row, name) for name in ("ChargePeriodStart", "ChargePeriodEnd"))
    if ended < began:
        raise RowFault("ChargePeriodEnd is before ChargePeriodStart")
    return Charge(
        provider=text("ProviderName") or text("ServiceProviderName") or text("HostProviderName"),
        region=text("RegionId"),
        began=began,
        ended=ended,
        currency=_currency(text("BillingCurrency")),
        category=category,
        service_category=text("ServiceCategory"),
        service=text("ServiceName"),
        description=text("ChargeDescription"),
        meter=text("SkuMeter"),
        sku=text("SkuId"),
        resource=text("ResourceId"),
        billed=_number(row, "BilledCost"),
        effective=_number(row, "EffectiveCost"),
        quantity=_number(row, "PricingQuantity"),
        unit=text("PricingUnit"),
        tags=_tags(row.get("Tags")),
        correction=text("ChargeClass") == "Correction",
        unused=text("CommitmentDiscountStatus") == "Unused",
    )


def _texts(row: Mapping[str, Json]) -> Callable[[str], str]:
    def text(name: str) -> str:
        value = row.get(name)
        if value is None:
            return ""
        words = str(value).strip()
        return "" if len(words) == len(_NULL) and words.lower() == _NULL else words

    return text


_NULL = "null"


def _is_null(value: Json) -> bool:
    """Exports write a null as nothing, as NULL, or as null (AWS, Google and Azure differ)."""
    return value is None or (isinstance(value, str) and value.strip().lower() in ("", _NULL))


def _number(row: Mapping[str, Json], name: str) -> Decimal | None:
    value = row.get(name)
    if _is_null(value):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        raise RowFault(f"{name} is {str(value)[:40]!r}, which is no number") from None
    if not number.is_finite():
        raise RowFault(f"{name} is {value!s:.40}")
    return number


def _time(row: Mapping[str, Json], name: str) -> datetime:
    value = row.get(name)
    try:
        return _in_utc(value) if isinstance(value, datetime) else _parse_time(str(value))
    except ValueError:
        raise RowFault(f"{name} is {str(value)[:40]!r}, which is no time") from None


@lru_cache(maxsize=4096)
def _parse_time(text: str) -> datetime:
    return _in_utc(datetime.fromisoformat(text.strip()))


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _currency(text: str) -> str:
    if len(text) != 3 or not text.isalpha():  # noqa: PLR2004 - ISO 4217
        raise RowFault(f"BillingCurrency is {text[:40]!r}")
    return text.upper()


def _tags(value: Json) -> dict[str, str]:
    if _is_null(value):
        return {}
    if isinstance(value, list):  # a Parquet map
        value = dict(value)
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise RowFault("Tags are no JSON") from None
    if not isinstance(value, Mapping):
        raise RowFault("Tags are no object of keys and values")
    return {str(key): str(item) for key, item in value.items()}
