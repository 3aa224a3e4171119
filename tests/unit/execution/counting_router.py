"""A router that follows a world's routes and tells of each backend what a test says."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from deployer.errors import TransientError
from deployer.ports import HttpRequest, HttpResponse
from deployer.values import ROUTER_STATUS

Counts = Mapping[str, Any]


class CountingRouter:
    """Asked as ``http://router``; under every other address a model answers.

    Attributes:
        away: It does not answer.
    """

    def __init__(self, world: Any, count: Callable[[str, int], Counts]) -> None:
        self.away = False
        self._world = world
        self._count = count

    def send(self, base_url: str, request: HttpRequest, *, timeout_seconds: float) -> HttpResponse:
        assert timeout_seconds > 0
        if base_url != "http://router":
            return HttpResponse(200, b"ok", 0.01)
        if self.away:
            raise TransientError("http://router does not answer", operation="", resource="")
        assert request.path == "/-/status"
        routes = self._world.state.read_routes()
        backends = [
            {"target": it.target, "release": it.release, **self._count(it.target, it.release)}
            for it in (routes.backends if routes else ())
        ]
        page = {"schema": ROUTER_STATUS, "backends": backends}
        return HttpResponse(200, json.dumps(page).encode(), 0.01)
