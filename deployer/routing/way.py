"""Between a parsed head and the pick: who may take a request, and who looks on."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from deployer.routing.fleet import Ticket
from deployer.routing.local_answer import Page
from deployer.routing.messages import RequestHead
from deployer.routing.traffic import Traffic

__all__ = ["FindWay", "Onlooker", "Picks", "Way"]


class Picks(Protocol):
    """Who may take a request; a `Fleet` is one for all of its members."""

    def begin(self, tried: Collection[str], now: float) -> Ticket | None:
        """See `Fleet.begin`."""
        ...

    def has_alternative(self, tried: Collection[str], now: float) -> bool:
        """See `Fleet.has_alternative`."""
        ...

    def has_usable(self, now: float) -> bool:
        """See `Fleet.has_usable`."""
        ...

    def is_full(self, now: float) -> bool:
        """See `Fleet.is_full`."""
        ...


class Onlooker(Protocol):
    """Sees one request pass; must return at once and raise nothing."""

    def on_body(self, data: bytes) -> None:
        """See body bytes of the request as they come, without their framing."""
        ...

    def on_body_end(self) -> None:
        """Learn that the request's body has ended."""
        ...

    def on_answer(self, status: int, chunks: Sequence[bytes]) -> None:
        """See body bytes of the answer as they come; none, at first, may come with the status."""
        ...

    def find_fault(self) -> str:
        """Return why a whole answer is a failure of its backend, in a few words; or nothing."""
        ...

    def on_end(self) -> None:
        """Learn that the request is over, whichever way; called once, last."""
        ...


@dataclass(frozen=True, slots=True)
class Way:
    """How one request, or any request, is passed on; may be shared unless somebody looks on.

    Attributes:
        traffic: Whose limits and counters hold.
        picks: Who may take it.
        fields: What its answer says to browsers, instead of what the backend would.
    """

    traffic: Traffic
    picks: Picks
    onlooker: Onlooker | None = None
    fields: Mapping[str, str] = field(default_factory=dict)


FindWay = Callable[[RequestHead, bytes], Way | Page]
"""Decides from a request's head and its peer: passed on one way, or answered here.

It is called once per request, before any of its body is read.
"""
