"""What a user may demand of a release's traffic while it is a canary, and while it soaks."""

from collections.abc import Iterator, Mapping

from pydantic import Field

from deployer.spec.objectives import LatencyGoal, RateGoal, find_odd_latency
from deployer.spec.part import Part
from deployer.spec.scalars import HTTP, Seconds
from deployer.spec.tree import Finding, dig
from deployer.values import Json

__all__ = ["Analysis", "check_analysis"]


class Analysis(Part):
    """Limits on what users get of a new release, as a router counts it.

    They hold at each step of a canary, with what the old release gets at the same time, and in the
    soak, with what it got before.
    """

    router: str = Field(pattern=HTTP, description="A running router's address.")
    error_rate: RateGoal | None = Field(
        None, description='The share of requests that may fail, such as "1%".'
    )
    worse: RateGoal | None = Field(
        None, description="How much larger it may be than the old release's."
    )
    latency: LatencyGoal | None = Field(None, description="How fast answers must begin.")
    slower: RateGoal | None = Field(
        None, description="By how much fewer answers may be in time than of the old release's."
    )
    requests: int = Field(
        50, ge=1, description="Requests that must be seen on each target; fewer show nothing."
    )
    wait: Seconds = Field(
        300.0, description="How much longer a hold or soak goes on when too few requests came."
    )


def check_analysis(data: Json) -> Iterator[Finding]:
    """Yield limits that limit nothing, and what no router counts."""
    analysis = dig(data, "gates", "analysis")
    if not isinstance(analysis, Mapping):
        return
    if all(analysis.get(name) is None for name in ("error_rate", "worse", "latency")):
        message = "without error_rate, worse and latency every release would pass"
        yield Finding(("gates", "analysis"), message, on_key=True)
    if analysis.get("slower") is not None and analysis.get("latency") is None:
        message = "latency says by when an answer is in time"
        yield Finding(("gates", "analysis", "slower"), message, on_key=True)
    yield from find_odd_latency(data, ("gates", "analysis", "latency", "under"))
