"""What a user may write about money: a budget, and what a month is assumed to bring."""

from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from deployer.spec.part import Part
from deployer.spec.scalars import CURRENCY, PERCENT, Text

__all__ = ["Budget", "Limit", "MoneySpec", "Usage"]


def _amount(value: object) -> Decimal:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        raise ValueError('expected an amount such as "1200 USD"') from None


class MoneySpec(Part):
    """An amount with its currency, written ``"1200 USD"``."""

    amount: Annotated[Decimal, BeforeValidator(_amount, json_schema_input_type=str | float)] = (
        Field(gt=0, description="How much.")
    )
    currency: str = Field("USD", pattern=CURRENCY, description="ISO 4217, such as USD.")


def _money(value: object) -> object:
    if isinstance(value, str):
        amount, _, currency = value.strip().partition(" ")
        return {"amount": amount, "currency": currency.strip() or "USD"}
    return value


_Money = Annotated[
    MoneySpec,
    BeforeValidator(
        _money,
        json_schema_input_type=Annotated[str, Field(pattern=r"^\d+(\.\d+)?( +[A-Z]{3})?$")]
        | MoneySpec,
    ),
]
"""``"1200 USD"``, or its parts."""


class Limit(Part):
    """How much a month may cost, and how much dearer than today it may become."""

    monthly: _Money | None = Field(None, description='What a month may cost, such as "1200 USD".')
    increase: str | None = Field(
        None,
        pattern=PERCENT,
        description='How much dearer than what is live a month may become, such as "20%".',
    )

    @property
    def increase_share(self) -> Decimal | None:
        """``increase`` as a number: 0.2 for 20%."""
        return None if self.increase is None else Decimal(self.increase.rstrip("%")) / 100


class Budget(Limit):
    """What a month may cost: all targets together, and each."""

    on_exceed: Literal["warn", "deny"] = Field(
        "warn", description="What a plan above it, or one that cannot be priced, does."
    )
    targets: dict[str, Limit] = Field(default_factory=dict, description="By target, its own limit.")


class Usage(Part):
    """What a plan cannot know of a month, assumed; shown with every estimate."""

    predictions: int = Field(0, ge=0, description="Predictions a month, over all targets.")
    request_kib: Decimal = Field(Decimal(1), ge=0, description="What one request brings in.")
    response_kib: Decimal = Field(Decimal(1), ge=0, description="What one answer sends out.")
    log_kib: Decimal = Field(Decimal(0), ge=0, description="What one prediction logs.")
    egress_used_gb: Decimal = Field(
        Decimal(0), ge=0, description="GB the account sends a month besides; sets the tier."
    )
    pushes: int = Field(1, ge=0, description="Versions of the model sent a month.")
    pushed_from: Text | None = Field(
        None,
        description="The target in whose cloud and region deployer runs; none is free to send.",
    )
    nat: bool = Field(
        False, description="Whether the clusters' nodes go out through a NAT gateway."
    )
    outage_hours: Decimal = Field(
        Decimal(4), ge=0, description="Hours a month for which one target is lost to the others."
    )
