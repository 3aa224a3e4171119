"""The spec's ``routing``: how routers share traffic out, and which requests are for whom."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from deployer.spec.guard import Guard
from deployer.spec.part import Part
from deployer.spec.scalars import HEADER, HOST_ONLY, PATH, Text

__all__ = ["AnswerCheck", "Match", "Region", "Routing", "RoutingFile"]

_Header = Annotated[str, Field(pattern=HEADER)]
_Percent = Annotated[float, Field(gt=0, le=100)]


def _check_pattern(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"expected a regular expression: {error}") from error
    return pattern


_Pattern = Annotated[str, Field(min_length=1), AfterValidator(_check_pattern)]


def _check_pointer(pointer: str) -> str:
    if not f"{pointer}/".startswith("/"):
        raise ValueError("expected a place in JSON such as /outputs/0")
    return pointer


class Region(Part):
    """What tells where a request comes from; policy region."""

    header: _Header | None = Field(None, description="The header that names a cloud's region.")
    default: Text | None = Field(
        None, description="The region of requests that name none; --region of a router is first."
    )


class Match(Part):
    """Requests with this header go there, as long as anything there is usable."""

    header: _Header = Field(description="The header's name.")
    value: Text = Field(description="Its whole value.")
    targets: tuple[str, ...] = Field((), description="Names of targets; all when left out.")
    release: Literal["any", "canary", "stable"] = Field(
        "any", description="The newest of a target's releases, the others, or either."
    )


class AnswerCheck(Part):
    """What a good answer is like; any other counts as a failure of its target."""

    status: tuple[Annotated[int, Field(ge=200, le=299)], ...] = Field(
        (), description="The statuses that are right; any 2xx when left out."
    )
    pointer: Annotated[str, AfterValidator(_check_pointer)] | None = Field(
        None, description="A place in the JSON that must be there, such as /outputs/0 (RFC 6901)."
    )
    pattern: _Pattern | None = Field(None, description="A regular expression it must match.")
    absent: _Pattern | None = Field(None, description="One that it must not match.")
    first_bytes: int = Field(
        16 * 1024, ge=1, le=256 * 1024, description="How much of an answer is looked at."
    )


class Routing(Part):
    """How the router shares traffic out."""

    policy: Literal["weighted", "latency", "cost", "priority", "region"] = Field(
        "weighted",
        description=(
            "What decides a target's share: its weight; its weight and how fast it answers; or its "
            "tier, by price, by tiers or by distance, with what a tier can't take going to the "
            "next."
        ),
    )
    weights: dict[str, Annotated[int, Field(ge=0, le=1000)]] = Field(
        default_factory=dict, description="Each target's share; equal when left out."
    )
    tiers: list[list[str]] = Field(
        default_factory=list, description="Names of targets, the tier used first first; priority."
    )
    region: Region = Field(Region(), description="What tells where a request comes from; region.")
    sticky: _Header | None = Field(
        None, description="Requests with the same value of this header go to the same target."
    )
    match: tuple[Match, ...] = Field(
        (), description="Requests that go to some targets only; the first that fits counts."
    )
    shadow: dict[str, _Percent] = Field(
        default_factory=dict,
        description="Targets of weight 0 that get a copy of so many percent of the requests.",
    )
    check: AnswerCheck | None = Field(None, description="What a good answer is like.")
    max_in_flight: int = Field(
        1024, ge=1, le=1_000_000, description="Predictions at one target at the same time."
    )
    idempotent: bool = Field(False, description="A prediction may be sent twice without harm.")
    workers: int = Field(
        1, ge=1, le=256, description="Processes of the embedded engine that pass requests on."
    )
    host: Annotated[str, Field(pattern=HOST_ONLY)] | None = Field(
        None, description="Only requests to this host are for this deployment."
    )
    path: Annotated[str, Field(pattern=PATH)] = Field(
        "/", description="Only requests below this path are for this deployment."
    )
    strip: bool = Field(False, description="Targets get the path without that beginning.")
    guard: Guard | None = Field(None, description="Who may ask, and how often; anybody else.")


class RoutingFile(Part):
    """A file with nothing but this: for a router that has backends and no spec."""

    routing: Routing = Field(description="How the router shares traffic out.")
