"""The router's own pages by their paths."""

from collections.abc import Callable, Mapping

from deployer.routing.events import EventLog
from deployer.routing.follower import Follower
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
from deployer.routing.traffic import Traffic
from deployer.values import Json

__all__ = ["PREFIX", "Site"]

PREFIX = b"/-/"
"""Paths under it are the router's own and never passed on."""


class Site:
    """Pages that only read; each is made when its turn has come."""

    def __init__(self, follower: Follower, traffic: Traffic, events: EventLog) -> None:
        self._follower = follower
        self._traffic = traffic
        self._events = events
        self._pages: Mapping[str, Callable[[str], tuple[int, Json]]] = {
            "/-/": lambda _: (200, load_status_page()),
            "/-/health": self._health,
            "/-/ready": lambda _: describe_readiness(self._follower),
            "/-/status": self._status,
            "/-/events": lambda query: describe_events(self._events, query.removeprefix("after=")),
            "/-/metrics": self._metrics,
        }

    def find_page(self, head: RequestHead, _peer: bytes) -> Page | None:
        """Return the page for a request, or None when it is to be passed on."""
        return self.show(head) if origin_form(head.target).startswith(PREFIX) else None

    def show(self, head: RequestHead) -> Page:
        """Return the page for a request's path, be it the one that says there is none."""
        target = origin_form(head.target).decode("ascii", "replace")
        path, _, query = target.partition("?")
        make = self._pages.get(path, self._missing)
        return lambda: make(query)

    def _health(self, _query: str) -> tuple[int, Json]:
        return describe_health(self._follower, self._traffic.fleet, self._traffic.now())

    def _status(self, _query: str) -> tuple[int, Json]:
        return describe_status(self._follower, self._traffic, self._events, self._traffic.now())

    def _metrics(self, _query: str) -> tuple[int, Json]:
        return 200, render_metrics(self._follower, self._traffic, self._traffic.now())

    def _missing(self, _query: str) -> tuple[int, Json]:
        return 404, {"error": "no such page", "pages": list(self._pages)}
