"""What a user may promise of the service: how often it answers, and how fast."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import BeforeValidator, Field

from deployer.spec.part import Part
from deployer.spec.scalars import Seconds
from deployer.spec.tree import Finding, dig
from deployer.values import LATENCY_BOUNDS, Json

__all__ = ["LatencyGoal", "ShareGoal", "Slo", "check_slo"]


def _share(value: object) -> object:
    if isinstance(value, str) and value.strip().endswith("%"):
        return round(float(value.strip().rstrip("%")) / 100, 9)
    return value


ShareGoal = Annotated[
    float,
    Field(gt=0, lt=1),
    BeforeValidator(
        _share, json_schema_input_type=Annotated[str, Field(pattern=r"^\d+(\.\d+)?%$")] | float
    ),
]
"""``99.9%``, or 0.999; below 1, as nothing is left to spend of a promise without exceptions."""


class LatencyGoal(Part):
    """How fast most answers begin."""

    under: Seconds = Field(description="By when an answer has begun, such as 250ms.")
    share: ShareGoal = Field(0.99, description='Of how many answers, such as "99%".')


class Slo(Part):
    """The promise of each target (service level objective), as `report health` holds it."""

    availability: ShareGoal = Field(
        0.999, description='The share of requests that do not fail, such as "99.9%".'
    )
    latency: LatencyGoal | None = Field(None, description="How fast answers begin.")
    window: Seconds = Field(
        30 * 86400.0, ge=86400.0, description="Over which time it holds, such as 30d."
    )


def check_slo(data: Json) -> Iterator[Finding]:
    """Yield a latency that routers do not count at."""
    under = dig(data, "slo", "latency", "under")
    if under is None:
        return
    try:
        seconds = LatencyGoal.model_validate({"under": under}).under
    except ValueError:
        return  # its type is told already
    if seconds not in LATENCY_BOUNDS:
        known = ", ".join(f"{bound * 1000:g}ms" for bound in LATENCY_BOUNDS)
        yield Finding(("slo", "latency", "under"), f"routers count at {known}", on_key=True)
