"""What a request for one deployment passes between its head and the pick."""

import random

from deployer.release.records import RouteSettings
from deployer.routing.local_answer import Page
from deployer.routing.messages import RequestHead, origin_form
from deployer.routing.traffic import Traffic
from deployer.routing.way import Way
from deployer.routing.wishes import Wishes

__all__ = ["Door"]


class Door:
    """One deployment's entrance, by its settings; another one is made when they change.

    Args:
        region: Where the router is.
    """

    def __init__(
        self, settings: RouteSettings, traffic: Traffic, *, rng: random.Random, region: str = ""
    ) -> None:
        self._settings = settings
        self._path = settings.path.rstrip("/")
        self._traffic = traffic
        self._wishes = Wishes(settings, traffic.fleet, rng=rng, region=region)
        self._plain = Way(traffic, traffic.fleet)

    @property
    def closeness(self) -> tuple[bool, int]:
        """How much it asks of the requests that it takes."""
        return bool(self._settings.host), len(self._path)

    def takes(self, host: str, path: str) -> bool:
        """Tell whether requests to this host and path are for this deployment."""
        if self._settings.host not in ("", host):
            return False
        return not self._path or path == self._path or path.startswith(self._path + "/")

    def enter(self, head: RequestHead, peer: bytes) -> Way | Page:
        """Return how a request goes on from here, or what it is answered."""
        del peer
        return self.pass_on(head)

    def pass_on(self, head: RequestHead) -> Way:
        """Return how a request goes on that needs not be let in."""
        if self._settings.strip and self._path:
            rest = origin_form(head.target)[len(self._path) :]
            head.target = rest if rest.startswith(b"/") else b"/" + rest
        if self._wishes.none:
            return self._plain
        return Way(self._traffic, self._wishes.find_picks(head))
