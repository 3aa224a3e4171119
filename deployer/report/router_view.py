"""What a running router sees of every target: another witness of whether users are served."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from deployer.cost.samples import Speed
from deployer.errors import DeployerError
from deployer.ports import HttpRequest, Probe
from deployer.routing.pages import SCHEMA
from deployer.values import Json

__all__ = ["RouterSight", "RouterTally", "RouterView", "look_at_router"]

_PAGE = "/-/status"
_NAMELESS = "static"
"""What routes are called that came from the command line."""


@dataclass(frozen=True, slots=True)
class RouterSight:
    """One backend in the router's own words, and for how many seconds it has been so."""

    release: int
    state: str
    since_seconds: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RouterTally:
    """What a target was asked since the router began, over all its releases.

    Attributes:
        counts: How many answers had begun by each bound, as text such as ``0.25``; None where the
            router does not count that.
    """

    requests: int = 0
    failures: int = 0
    counts: Mapping[str, int] | None = field(default_factory=dict)

    def add(self, backend: Json) -> "RouterTally":
        """Return it with one backend of a router's page."""
        theirs = backend.get("first_byte_counts")
        both = None
        if theirs is not None and self.counts is not None:
            both = {name: self.counts.get(name, 0) + int(n) for name, n in theirs.items()}
        return RouterTally(
            self.requests + int(backend["requests"]),
            self.failures + int(backend["failures"]),
            both,
        )

    def speed(self, under: float | None) -> Speed | None:
        """Return how many answers had begun after ``under`` seconds; None when nobody counted."""
        if under is None or not self.counts or f"{under:g}" not in self.counts:
            return None
        return Speed(self.counts[f"{under:g}"], self.counts["+Inf"], under)


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
        name: The deployment that is meant. Of a router that serves several its own page is read;
            one that does not serve it says nothing of it. A router without a spec serves anybody.
    """
    view, served = _look(probe, url, _PAGE, timeout_seconds)
    if not name or not served or served[0] in (name, _NAMELESS):
        return view
    if name in served:
        return _look(probe, url, f"/-/{name}/status", timeout_seconds)[0]
    return RouterView(url, error=f"the router at {url} serves {', '.join(served)}, not {name}")


def _look(
    probe: Probe, url: str, page: str, timeout_seconds: float
) -> tuple[RouterView, tuple[str, ...]]:
    """Return what a page says, and which deployments are served: the page's own comes first."""
    try:
        answer = probe.send(url, HttpRequest(path=page), timeout_seconds=timeout_seconds)
    except DeployerError as error:
        return RouterView(url, error=error.message), ()
    if answer.status != HTTPStatus.OK:
        return RouterView(url, error=f"{url}{page} answered {answer.status}"), ()
    try:
        document = json.loads(answer.body)
        view = RouterView(url, _read(document), tallies=_count(document["backends"]))
        return view, _list_served(document)
    except (ValueError, KeyError, TypeError, AttributeError):
        return RouterView(url, error=f"{url}{page} is no page of a router's"), ()


def _list_served(document: Json) -> tuple[str, ...]:
    own = document.get("routes", {}).get("name")
    others = [str(name) for name in document.get("deployments", ()) if name and name != own]
    return (str(own), *others) if own else ()


def _read(document: Json) -> dict[str, RouterSight]:
    if document["schema"] != SCHEMA:
        raise ValueError(document["schema"])
    return {
        backend["target"]: RouterSight(
            release=int(backend["release"]),
            state=str(backend["state"]),
            since_seconds=float(backend["since"]),
            reason=str(backend["reason"] or ""),
        )
        for backend in document["backends"]
    }


def _count(backends: list[Json]) -> dict[str, RouterTally]:
    found: dict[str, RouterTally] = {}
    for backend in backends:
        if backend.get("requests") is None:
            continue
        target = backend["target"]
        found[target] = found.get(target, RouterTally()).add(backend)
    return found
