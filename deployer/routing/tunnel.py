"""What is left of a request once both sides have changed to another protocol: bytes, both ways."""

import math

from deployer.routing.downstream import Client
from deployer.routing.fleet import Member, Ticket
from deployer.routing.health import Outcome
from deployer.routing.messages import ResponseHead, encode_switch
from deployer.routing.passage import Passage
from deployer.routing.stream import Stream
from deployer.routing.traffic import Traffic
from deployer.routing.upstream import UpstreamConnection

__all__ = ["Tunnel"]


class Tunnel:
    """Passes bytes on until either side ends, or neither has said anything for too long.

    Each side is read as fast as the other one takes it. It counts as under way at its backend from
    its first byte to its last, and an orderly stop waits for it as for any request.
    """

    def __init__(
        self, traffic: Traffic, ticket: Ticket, passage: Passage, *, waited_since: float
    ) -> None:
        self.deadline = math.inf
        self._traffic = traffic
        self._ticket = ticket
        self._passage = passage
        self._waited_since = waited_since
        self._status = 0
        self._sides: list[_Side] = []
        self._open = True

    def begin(
        self, client: Client, backend: UpstreamConnection, head: ResponseHead, first: bytes
    ) -> None:
        """Take both connections over and tell the client so.

        Args:
            head: The answer that opens the tunnel.
            first: What the backend has sent after it.
        """
        now = self._traffic.now()
        self._status, self._passage.first_byte = head.status, now
        self._ticket.member.answer(head.status, now - self._waited_since, now)
        answer = encode_switch(head, extra=self._passage.to_headers(panic=self._ticket.panic))
        given, there = client.hand_over(), backend.hand_over()
        if given is None or there is None:
            self._close(given[0] if given is not None else None, there)
            return
        here, early = given
        self._traffic.exchanges.add(self)
        self._traffic.clients.add(self)
        self._sides = [_Side(self, here, there), _Side(self, there, here)]
        for side in self._sides:
            side.begin()
        here.write(answer + first)
        there.write(early)
        self.pass_on(len(first), to_client=True)
        self.pass_on(len(early), to_client=False)

    @property
    def member(self) -> Member | None:
        """See `Ongoing.member`."""
        return self._ticket.member

    def leave(self, reason: str) -> None:
        """See `Ongoing.leave`: what was said can't be said again elsewhere."""

    def take_leave(self) -> None:
        """See `Connected.take_leave`: an open tunnel is under way."""

    def expire(self, now: float) -> None:
        """See `Timed.expire`."""
        del now
        self._passage.failures.append("nothing came for too long")
        self.abort()

    def abort(self) -> None:
        """See `Connected.abort`."""
        self.end("")
        for side in self._sides:
            side.transport.abort()

    def pass_on(self, size: int, *, to_client: bool) -> None:
        """Take in that bytes were passed on."""
        self.deadline = self._traffic.now() + self._traffic.timeouts.idle
        if to_client:
            self._passage.sent += size
        else:
            self._passage.request.received += size

    def is_backend(self, side: "_Side") -> bool:
        """Tell which side it is."""
        return side is self._sides[1]

    def end(self, failure: str) -> None:
        """Close both sides once what was sent is out; a ``failure`` is the backend's."""
        self._close(*[side.transport for side in self._sides], failure=failure)

    def _close(self, *transports: Stream | None, failure: str = "") -> None:
        for transport in transports:
            if transport is not None:
                transport.close()
        if not self._open:
            return
        self._open = False
        now = self._traffic.now()
        if failure:
            self._traffic.counters.cut_short += 1
            self._ticket.member.cut_short += 1
            self._passage.failures.append(f"{self._ticket.member.key}: {failure}")
        self._ticket.finish(Outcome.FAILED if failure else Outcome.SERVED, now, failure)
        self._traffic.clients.discard(self)
        self._traffic.finish(self, self._passage, self._status, now)


class _Side:
    """One of its connections: what is read here is written to the other one."""

    def __init__(self, tunnel: Tunnel, transport: Stream, other: Stream) -> None:
        self.transport = transport
        self._other = other
        self._tunnel = tunnel

    def begin(self) -> None:
        self.transport.set_protocol(self)
        self.transport.resume_reading()

    def connection_made(self, transport: Stream) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._other.write(data)
        self._tunnel.pass_on(len(data), to_client=self._tunnel.is_backend(self))

    def pause_writing(self) -> None:
        if not self._other.is_closing():
            self._other.pause_reading()

    def resume_writing(self) -> None:
        if not self._other.is_closing():
            self._other.resume_reading()

    def eof_received(self) -> bool | None:
        self._tunnel.end("")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        broken = exc is not None and self._tunnel.is_backend(self)
        self._tunnel.end("broke the tunnel off" if broken else "")
