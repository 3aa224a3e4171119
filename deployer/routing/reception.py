"""Where every request arrives: whose it is by its host and path, or what answers it here."""

import re
from collections.abc import Callable, Sequence

from deployer.routing.door_counts import Turned
from deployer.routing.local_answer import Page
from deployer.routing.messages import RequestHead, origin_form
from deployer.routing.site import PREFIX
from deployer.routing.steering import Steering
from deployer.routing.turned_away import TurnedAway
from deployer.routing.way import Way
from deployer.values import Json

__all__ = ["FindPage", "Reception"]

FindPage = Callable[[RequestHead, bytes], Page | None]


class Reception:
    """Leads a request to the deployment whose host and path fit it best.

    One that names the host is better than one that takes any, then the longest path; a request
    that fits none is answered 404.

    Args:
        find_page: Returns the router's own page for a request, or None.
    """

    def __init__(self, steerings: Sequence[Steering], find_page: FindPage) -> None:
        self._steerings = steerings
        self._only = steerings[0] if len(steerings) == 1 else None
        self._find_page = find_page

    def find_way(self, head: RequestHead, peer: bytes) -> Way | Page:
        """See `FindWay`."""
        target, only = head.target, self._only
        if target[:1] != b"/" or target[:3] == PREFIX:
            page = self._find_page(head, peer)
            if page is not None:
                return page
        if only is not None and (door := only.door).takes_all:
            return door.enter(head, peer)
        host, path = _address_of(head)
        doors = [steering.door for steering in self._steerings]
        fitting = [door for door in doors if door.takes(host, path)]
        if not fitting:
            return self._turn_away(head, peer)
        best = fitting[0] if len(fitting) == 1 else max(fitting, key=lambda door: door.closeness)
        return best.enter(head, peer)

    def _turn_away(self, head: RequestHead, peer: bytes) -> Page:
        traffic = self._steerings[0].traffic
        traffic.door.turn_away(Turned.NOWHERE)
        return TurnedAway(traffic, _nobody, head=head, peer=peer)


def _address_of(head: RequestHead) -> tuple[str, str]:
    """Return the host without its port, and the path; an absolute target's host comes first."""
    authority = head.special.get(b"host", [b""])[0]
    if head.target[:1] != b"/" and b"://" in head.target:  # RFC 9112, 3.2.2
        authority = re.split(rb"[/?#]", head.target.partition(b"://")[2], maxsplit=1)[0]
    host = authority.decode("ascii", "replace").lower()
    name = host.rpartition(":")[0] if ":" in host.rpartition("]")[2] else host
    path = origin_form(head.target).partition(b"?")[0]
    return name, path.decode("ascii", "replace")


def _nobody() -> tuple[int, Json]:
    return 404, {"error": str(Turned.NOWHERE)}
