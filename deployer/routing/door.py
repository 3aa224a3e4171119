"""What a request for one deployment passes between its head and the pick."""

import random

from deployer.release.records import RouteSettings
from deployer.routing.answer_check import AnswerCheck, AnswerWatch
from deployer.routing.guard import Admitted, Guard
from deployer.routing.local_answer import Page
from deployer.routing.messages import RequestHead, origin_form
from deployer.routing.onlookers import Onlookers
from deployer.routing.shadow import Shadow
from deployer.routing.token_bucket import Buckets
from deployer.routing.traffic import Traffic
from deployer.routing.turned_away import TurnedAway
from deployer.routing.way import Way
from deployer.routing.wishes import Wishes

__all__ = ["Door", "Hall"]


class Hall:
    """What stays of a deployment's entrance when its settings change.

    Attributes:
        buckets: How often each caller has asked lately.
    """

    def __init__(self, traffic: Traffic, rng: random.Random, region: str) -> None:
        self.traffic = traffic
        self.rng = rng
        self.region = region
        self.shadow = Shadow(traffic)
        self.buckets = Buckets()


class Door:
    """One deployment's entrance, by its settings; another one is made when they change.

    Attributes:
        takes_all: Whether any host and path is for this deployment.

    Raises:
        SetupError, StateError: The guard can't be set up; nobody is let in without.
    """

    def __init__(self, settings: RouteSettings, hall: Hall) -> None:
        self.settings = settings
        self._hall = hall
        self._path = settings.path.rstrip("/")
        self._wishes = Wishes(settings, hall.traffic.fleet, rng=hall.rng, region=hall.region)
        self._check = AnswerCheck(settings.check) if settings.check is not None else None
        self._guard = (
            Guard(settings.guard, hall.buckets, hall.traffic.door)
            if settings.guard is not None
            else None
        )
        self._plain = Way(hall.traffic, hall.traffic.fleet)
        self.takes_all = not (settings.host or self._path)
        self._all_alike = self._wishes.none and self._check is None and not settings.strip

    @property
    def closeness(self) -> tuple[bool, int]:
        """How much it asks of the requests that it takes."""
        return bool(self.settings.host), len(self._path)

    def takes(self, host: str, path: str) -> bool:
        """Tell whether requests to this host and path are for this deployment."""
        if self.settings.host not in ("", host):
            return False
        return not self._path or path == self._path or path.startswith(self._path + "/")

    def enter(self, head: RequestHead, peer: bytes) -> Way | Page:
        """Return how a request goes on from here, or what it is answered."""
        if self._guard is None:
            return self.pass_on(head, peer)
        admitted = self._guard.admit(head, peer, self._hall.traffic.now())
        if not isinstance(admitted, Admitted):
            return TurnedAway(self._hall.traffic, admitted, head=head, peer=peer)
        way = self.pass_on(head, peer)
        return Way(way.traffic, way.picks, way.onlooker, admitted.fields)

    def pass_on(self, head: RequestHead, peer: bytes) -> Way:
        """Return how a request goes on that needs not be let in."""
        if self._all_alike and not self._hall.shadow.has_any:
            return self._plain
        if self.settings.strip:
            head.target = self._shorten(origin_form(head.target))
        picks = self._wishes.find_picks(head)
        return Way(self._hall.traffic, picks, self._watch(head, peer))

    def _shorten(self, target: bytes) -> bytes:
        path, mark, query = target.partition(b"?")
        own = self._path.encode()
        if path != own and not path.startswith(own + b"/"):
            return target
        return (path[len(own) :] or b"/") + mark + query

    def _watch(self, head: RequestHead, peer: bytes) -> Onlookers | None:
        copy = self._hall.shadow.make_copy(head, peer)
        checks = self._check is not None and head.method != b"HEAD"
        watch = AnswerWatch(self._check) if self._check is not None and checks else None
        return Onlookers(copy, watch) if copy is not None or watch is not None else None
