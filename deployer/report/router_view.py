"""What a running router sees of every target: another witness of whether users are served."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from deployer.errors import DeployerError
from deployer.ports import Probe
from deployer.snapshot.router_counts import (
    RouterTally,
    add_tallies,
    count_backends,
    read_page,
)
from deployer.values import Json

__all__ = ["RouterSight", "RouterView", "look_at_router"]


@dataclass(frozen=True, slots=True)
class RouterSight:
    """One backend in the router's own words, and for how many seconds it has been so."""

    release: int
    state: str
    since_seconds: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RouterView:
    """All that a router sees; ``error`` says why that is nothing."""

    url: str
    sights: Mapping[str, RouterSight] = field(default_factory=dict)
    error: str = ""
    tallies: Mapping[str, RouterTally] = field(default_factory=dict)


def look_at_router(probe: Probe, url: str, *, timeout_seconds: float, name: str = "") -> RouterView:
    """Ask a router once; one that does not answer is a view without sights, never an error.

    Args:
        name: The deployment that is meant; see `read_page`.
    """
    try:
        document = read_page(probe, url, timeout_seconds=timeout_seconds, name=name)
    except DeployerError as error:
        return RouterView(url, error=error.message)
    try:
        return RouterView(url, _read(document), tallies=add_tallies(count_backends(document)))
    except (ValueError, KeyError, TypeError, AttributeError):
        return RouterView(url, error=f"{url}/-/status is no page of a router's")


def _read(document: Json) -> dict[str, RouterSight]:
    return {
        backend["target"]: RouterSight(
            release=int(backend["release"]),
            state=str(backend["state"]),
            since_seconds=float(backend["since"]),
            reason=str(backend["reason"] or ""),
        )
        for backend in document["backends"]
    }
