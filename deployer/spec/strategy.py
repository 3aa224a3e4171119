"""How traffic moves to a new release, and what goes together in ``strategy``.

Like all checks, those here read the data as the user wrote it.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field

from deployer.spec.library import load_overlay, overlay_name
from deployer.spec.part import Part
from deployer.spec.scalars import Seconds, Share
from deployer.spec.tree import Finding, TreePath, dig
from deployer.values import Cloud, Json

__all__ = ["Strategy", "check_strategy"]

_LIMITS = {"max_unavailable": "0", "max_surge": "1"}
"""What rolling takes, with the defaults."""

_STEPS = (5, 25, 50)
"""Percent of traffic that a canary gets, step by step, where the spec says nothing."""


class Strategy(Part):
    """How traffic moves to a new release."""

    type: Literal["blue-green", "canary", "rolling"] = Field(
        "blue-green", description="All at once beside the old, in steps, or in place."
    )
    soak: Seconds = Field(
        60.0,
        description="How long the old release stays after the shift; 2 s let routers follow.",
    )
    steps: tuple[Annotated[int, Field(ge=1, le=99)], ...] = Field(
        (),
        description="Canary: percent of each target's traffic at each step, rising; 5, 25, 50 "
        "when left out. All of it follows the last.",
    )
    hold: Seconds = Field(120.0, gt=0, description="Canary: how long each step is watched.")
    history: int = Field(
        2,
        ge=0,
        le=100,
        description="Earlier verified releases that stay on each cluster, scaled to 0.",
    )
    max_unavailable: Share = Field(
        "0", description="Rolling: pods, or a percentage, that may be missing meanwhile."
    )
    max_surge: Share = Field(
        "1", description="Rolling: pods, or a percentage, above replicas meanwhile."
    )

    @property
    def canary_steps(self) -> tuple[int, ...]:
        """The percentages that a canary goes through; none of any other type."""
        return (self.steps or _STEPS) if self.type == "canary" else ()


def check_strategy(data: Json) -> Iterator[Finding]:
    """Yield settings of another type, limits that stop a rollout, and canaries out of reach."""
    chosen = dig(data, "strategy", "type")
    yield from _check_owners(data, chosen)
    yield from _check_steps(data)
    if chosen == "rolling":
        yield from _check_limits(data)
    if chosen == "canary":
        targets = dig(data, "targets")
        for index, target in enumerate(targets if isinstance(targets, list) else ()):
            yield from _check_address(target, ("targets", index))


_OWNERS = {"steps": "canary", "hold": "canary", **dict.fromkeys(_LIMITS, "rolling")}


def _check_owners(data: Json, chosen: Json) -> Iterator[Finding]:
    for key, owner in _OWNERS.items():
        if chosen != owner and dig(data, "strategy", key) not in (None, []):
            yield Finding(("strategy", key), f"{key} belongs to type: {owner}", on_key=True)


def _check_steps(data: Json) -> Iterator[Finding]:
    steps = dig(data, "strategy", "steps")
    for index, (before, after) in enumerate(pairwise(steps if isinstance(steps, list) else ()), 1):
        if isinstance(before, int) and isinstance(after, int) and after <= before:
            message = f"steps must rise: {after} comes after {before}"
            yield Finding(("strategy", "steps", index), message)


def _check_limits(data: Json) -> Iterator[Finding]:
    written = {key: dig(data, "strategy", key) for key in _LIMITS}
    chosen = [_LIMITS[key] if value is None else str(value) for key, value in written.items()]
    if not any(text.strip("0%") for text in chosen):
        message = "with max_unavailable 0 and max_surge 0 no pod could ever be replaced"
        yield Finding(("strategy",), message, on_key=True)


def _check_address(target: Json, path: TreePath) -> Iterator[Finding]:
    """A canary is reached beside the release that serves, so it has an address of its own."""
    if not isinstance(target, Mapping):
        return
    second, way = target.get("canary_endpoint"), target.get("expose")
    if second is not None:
        if second == target.get("endpoint"):
            yield Finding((*path, "canary_endpoint"), "this is where the stable release is reached")
    elif target.get("endpoint") is not None:
        message = (
            "a canary has an address of its own: give canary_endpoint, too, or leave endpoint out "
            "where the cluster can tell both"
        )
        yield Finding((*path, "endpoint"), message, on_key=True)
    elif isinstance(way, Mapping):
        for kind in ("ingress", "gateway"):
            if isinstance(way.get(kind), Mapping) and not way[kind].get("canary"):
                message = "a canary has a host of its own: give canary: HOST, or canary_endpoint"
                yield Finding((*path, "expose", kind), message, on_key=True)
    elif _is_closed(target, way):
        message = (
            "there is no way in for a canary from outside this cluster: expose it otherwise, or "
            "give endpoint and canary_endpoint"
        )
        yield Finding((*path, "expose") if way else path, message, on_key=way is not None)


def _is_closed(target: Mapping[str, Json], way: Json) -> bool:
    provider = target.get("provider")
    if not isinstance(provider, str) or provider not in set(Cloud):
        return False
    if dig(target, "cluster", "local") is not None:
        return False
    chosen = way or load_overlay(overlay_name(Cloud(provider), local=False)).expose[0]
    return bool(chosen == "cluster")
