"""What a cloud itself says it charged, as the charges that bills are made of."""

from datetime import UTC, datetime, time, timedelta

from deployer.cost.focus.charge import Charge
from deployer.ports import Charged

__all__ = ["make_charge"]

_SETTLED_ELSEWHERE = {"Tax": "Tax", "Credit": "Credit", "Refund": "Credit"}


def make_charge(charged: Charged, provider: str) -> Charge:
    """Return one line of it as a day's charge of ``provider``, such as AWS."""
    began = datetime.combine(charged.day, time(), tzinfo=UTC)
    return Charge(
        provider=provider,
        region=charged.region,
        began=began,
        ended=began + timedelta(days=1),
        currency=charged.currency,
        category=_SETTLED_ELSEWHERE.get(charged.service, "Usage"),
        service_category="",
        service=charged.service,
        description="",
        meter=charged.usage,
        sku="",
        resource="",
        billed=charged.billed,
        effective=charged.effective,
        quantity=charged.quantity if charged.unit else None,
        unit=charged.unit,
        tags={},
    )
