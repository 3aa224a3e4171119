"""What a running router counted: how often each release on each target was asked, and failed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from deployer.cost.samples import Speed
from deployer.errors import TransientError
from deployer.ports import HttpRequest, Probe
from deployer.values import ROUTER_STATUS, Json

__all__ = ["BackendKey", "RouterTally", "add_tallies", "count_backends", "read_page"]

BackendKey = tuple[str, int]
"""A target's name and a release's number."""

_PAGE = "/-/status"
_NAMELESS = "static"
"""What routes are called that came from the command line."""


@dataclass(frozen=True, slots=True)
class RouterTally:
    """What was asked since the router began to send there.

    Attributes:
        counts: How many answers had begun by each bound, as text such as ``0.25``; None where the
            router does not count that.
        ejected: Why the router sends nothing there now, where failed requests are the reason.
    """

    requests: int = 0
    failures: int = 0
    counts: Mapping[str, int] | None = field(default_factory=dict)
    ejected: str = ""

    def add(self, other: "RouterTally") -> "RouterTally":
        """Return both together."""
        both = None
        if other.counts is not None and self.counts is not None:
            names = {**self.counts, **other.counts}
            both = {name: self.counts.get(name, 0) + other.counts.get(name, 0) for name in names}
        return RouterTally(self.requests + other.requests, self.failures + other.failures, both)

    def since(self, first: "RouterTally") -> "RouterTally":
        """Return what came after ``first``; all of it when the router began anew meanwhile."""
        if self.requests < first.requests or self.failures < first.failures:
            return self
        counts = self.counts
        if counts is not None and first.counts is not None:
            counts = {name: count - first.counts.get(name, 0) for name, count in counts.items()}
        return RouterTally(
            self.requests - first.requests, self.failures - first.failures, counts, self.ejected
        )

    @property
    def error_rate(self) -> float | None:
        """The share that failed; None of nothing."""
        return self.failures / self.requests if self.requests else None

    def speed(self, under: float | None) -> Speed | None:
        """Return how many answers had begun after ``under`` seconds; None when nobody counted."""
        if under is None or not self.counts or f"{under:g}" not in self.counts:
            return None
        return Speed(self.counts[f"{under:g}"], self.counts["+Inf"], under)


def read_page(probe: Probe, url: str, *, timeout_seconds: float, name: str = "") -> Json:
    """Return a router's own page of what it sees.

    Args:
        probe: What asks.
        url: The router's address.
        timeout_seconds: How long each of at most two questions may take.
        name: The deployment that is meant. Of a router that serves several its own page is read. A
            router without a spec serves anybody.

    Raises:
        TransientError: It does not answer, not as a router of ours does, or it does not serve the
            deployment.
    """
    page = _read_one(probe, url, _PAGE, timeout_seconds)
    served = _list_served(page)
    if not name or not served or served[0] in (name, _NAMELESS):
        return page
    if name in served:
        return _read_one(probe, url, f"/-/{name}/status", timeout_seconds)
    raise _refused(url, f"the router at {url} serves {', '.join(served)}, not {name}")


def _read_one(probe: Probe, url: str, page: str, timeout_seconds: float) -> Json:
    answer = probe.send(url, HttpRequest(path=page), timeout_seconds=timeout_seconds)
    if answer.status != HTTPStatus.OK:
        raise _refused(url, f"{url}{page} answered {answer.status}")
    try:
        document = json.loads(answer.body)
        if document["schema"] == ROUTER_STATUS:
            return document
    except (ValueError, KeyError, TypeError):
        pass
    raise _refused(url, f"{url}{page} is no page of a router's")


def _list_served(document: Json) -> tuple[str, ...]:
    """Return which deployments are served: the page's own comes first."""
    own = (document.get("routes") or {}).get("name")
    others = [str(name) for name in document.get("deployments", ()) if name and name != own]
    return (str(own), *others) if own else ()


def count_backends(document: Json) -> dict[BackendKey, RouterTally]:
    """Return what each backend of the page was asked; those that do not say are left out.

    Raises:
        KeyError, TypeError, ValueError: It is no page of a router's.
    """
    return {
        (backend["target"], int(backend["release"])): RouterTally(
            int(backend["requests"]),
            int(backend["failures"]),
            backend.get("first_byte_counts"),
            _ejected(backend),
        )
        for backend in document["backends"]
        if backend.get("requests") is not None
    }


def _ejected(backend: Json) -> str:
    """Return why failed requests took it out; probes that fail say nothing of its answers."""
    out = backend.get("state") == "down" and backend.get("source") == "passive"
    return str(backend.get("reason") or "requests failed") if out else ""


def add_tallies(found: Mapping[BackendKey, RouterTally]) -> dict[str, RouterTally]:
    """Return each target's tallies together, over its releases."""
    totals: dict[str, RouterTally] = {}
    for (target, _), tally in found.items():
        totals[target] = totals[target].add(tally) if target in totals else tally
    return totals


def _refused(url: str, message: str) -> TransientError:
    return TransientError(message, operation="look at the router", resource=url)
