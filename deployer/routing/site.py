"""The router's own pages by their paths."""

from collections.abc import Callable, Mapping, Sequence

from deployer.routing.events import EventLog
from deployer.routing.local_answer import Page
from deployer.routing.messages import RequestHead, origin_form
from deployer.routing.metrics import render_metrics
from deployer.routing.pages import (
    describe_events,
    describe_health,
    describe_readiness,
    describe_status,
)
from deployer.routing.status_page import load_status_page
from deployer.routing.steering import Steering
from deployer.values import Json

__all__ = ["PREFIX", "Site"]

PREFIX = b"/-/"
"""Paths under it are the router's own and never passed on."""

_MakePage = Callable[[str], tuple[int, Json]]


class Site:
    """Pages that only read; each is made when its turn has come.

    Each deployment has its own under ``/-/<name>/``; those right under ``/-/`` are the first's, and
    health and readiness are of all.
    """

    def __init__(self, steerings: Sequence[Steering], events: EventLog) -> None:
        self._steerings = steerings
        self._events = events
        self._own = [self._pages_of(steering) for steering in steerings]
        self._pages: Mapping[str, _MakePage] = {
            **{f"/-/{name}": make for name, make in self._own[0].items()},
            "/-/health": self._health,
            "/-/ready": self._ready,
        }

    def find_page(self, head: RequestHead, _peer: bytes) -> Page | None:
        """Return the page for a request, or None when it is to be passed on."""
        return self.show(head) if origin_form(head.target).startswith(PREFIX) else None

    def show(self, head: RequestHead) -> Page:
        """Return the page for a request's path, be it the one that says there is none."""
        target = origin_form(head.target).decode("ascii", "replace")
        path, _, query = target.partition("?")
        make = self._pages.get(path) or self._find_own(path) or self._missing
        return lambda: make(query)

    def _pages_of(self, steering: Steering) -> Mapping[str, _MakePage]:
        events, follower, traffic = self._events, steering.follower, steering.traffic
        return {
            "": lambda _: (200, load_status_page()),
            "status": lambda _: self._status(steering),
            "events": lambda query: describe_events(events, query.removeprefix("after=")),
            "metrics": lambda _: (200, render_metrics(follower, traffic, traffic.now())),
        }

    def _find_own(self, path: str) -> _MakePage | None:
        name, _, page = path.removeprefix("/-/").partition("/")
        for steering, pages in zip(self._steerings, self._own, strict=True):
            if name and steering.name == name:
                return pages.get(page)
        return None

    def _status(self, steering: Steering) -> tuple[int, Json]:
        traffic, now = steering.traffic, steering.traffic.now()
        status, page = describe_status(steering.follower, traffic, self._events, now)
        return status, {**page, **self._describe_doors(steering)}

    def _describe_doors(self, steering: Steering) -> dict[str, Json]:
        door = steering.traffic.door
        return {
            "deployments": [each.name for each in self._steerings],
            "turned_away": {str(why): count for why, count in door.list_turned().items()},
            "shadow": {
                key: {str(fate): count for fate, count in fates.items()}
                for key, fates in door.list_copies().items()
            },
        }

    def _health(self, _query: str) -> tuple[int, Json]:
        told = [
            describe_health(s.follower, s.traffic.fleet, s.traffic.now())[1]["status"]
            for s in self._steerings
        ]
        worst = next((word for word in ("starting", "degraded") if word in told), "ready")
        return 200, {"status": worst}

    def _ready(self, _query: str) -> tuple[int, Json]:
        """Tell whether any deployment can be served: one without routes keeps no other waiting."""
        told = [describe_readiness(steering.follower) for steering in self._steerings]
        return min(told, key=lambda answer: answer[0])

    def _missing(self, _query: str) -> tuple[int, Json]:
        return 404, {"error": "no such page", "pages": list(self._pages)}
