"""What a request has at a backend: a ticket, and a connection or the wait for one."""

import asyncio

from deployer.routing.fleet import Member, Ticket
from deployer.routing.health import Outcome
from deployer.routing.passage import Passage
from deployer.routing.traffic import Traffic
from deployer.routing.upstream import UpstreamConnection

__all__ = ["Attempting"]


class Attempting:
    """A request with one attempt at a time; whatever ends it, its ticket is closed once.

    A base class, not a part: every request would pay for another object, and for asking through it.
    """

    # what most requests never change stands on the class: they need not set it
    _ticket: Ticket | None = None
    _upstream: UpstreamConnection | None = None
    _connecting: "asyncio.Task[None] | None" = None
    _pause: asyncio.TimerHandle | None = None

    _traffic: Traffic
    _passage: Passage

    @property
    def member(self) -> Member | None:
        """See `Ongoing.member`."""
        return self._ticket.member if self._ticket is not None else None

    def _note(self, reason: str) -> None:
        if self._ticket is not None:
            self._passage.failures.append(f"{self._ticket.member.key}: {reason}")
            if self._traffic.tracer is not None:
                self._traffic.tracer.fail(self._passage, self._traffic.now())

    def _end_attempt(self, outcome: Outcome, reason: str) -> None:
        if self._pause is not None:
            self._pause.cancel()
        if self._connecting is not None:
            self._connecting.cancel()
        if self._upstream is not None:
            self._upstream.abort()
        self._pause = self._connecting = self._upstream = None
        ticket, self._ticket = self._ticket, None
        if ticket is not None:
            ticket.finish(outcome, self._traffic.now(), reason)
