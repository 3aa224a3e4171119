"""One request from its head to the end of its response, over as many attempts as it takes."""

import math

from deployer.routing.admission import QUEUE_SECONDS
from deployer.routing.attempt import Attempting
from deployer.routing.downstream import Client
from deployer.routing.fleet import Member
from deployer.routing.health import Outcome, outcome_of_status
from deployer.routing.messages import ResponseHead, encode_chunks, encode_request
from deployer.routing.passage import UNSERVED, Passage
from deployer.routing.phase import DONE, PENDING, QUEUED, SEEKING, SENDING, STREAMING, WAITING
from deployer.routing.pool import describe_connect_error, outcome_of_connect
from deployer.routing.request import Request
from deployer.routing.retries import MAX_RETRIES, backoff_seconds
from deployer.routing.stream import HIGH_WATER
from deployer.routing.tunnel import Tunnel
from deployer.routing.upstream import UpstreamConnection
from deployer.routing.way import Way

__all__ = ["Exchange"]

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_SERVED = Outcome.SERVED


class Exchange(Attempting):
    """A request that is passed on. Whatever happens, its ticket is closed once, its record logged.

    Before a byte of the response is there, a failed attempt may be followed by another; see
    `Request.may_be_sent`. Afterwards a failure cuts the client's connection, so that a part is
    never taken for the whole.
    """

    # what most requests never change stands on the class: they need not set it
    deadline = math.inf
    _status = 0
    _chunked = False
    _keep_alive = False
    _continued = False
    _held = False

    def __init__(self, client: Client, way: Way, request: Request) -> None:
        self._phase = PENDING
        self._client = client
        self._traffic = traffic = way.traffic
        self._picks = way.picks
        self._onlooker = way.onlooker
        self._request = request
        self._sent_at = began = traffic.now()
        self._passage = Passage(request, client.peer, began, way.fields)

    # ---- from the client's side

    @property
    def whole(self) -> bool:
        """Whether the request has come in completely."""
        return self._request.whole

    def start(self) -> None:
        """Begin: its turn has come."""
        traffic, began = self._traffic, self._sent_at
        if traffic.tracer is not None:
            traffic.tracer.begin(self._passage)
        traffic.begin(self, began)
        self._attempt(began)

    def feed(self, data: bytes) -> None:
        """Take in body bytes."""
        self._request.add(data)
        if self._onlooker is not None:
            self._onlooker.on_body(data)
        if self._upstream is not None:
            self._upstream.send(self._request.frame(data))
            self.deadline = self._traffic.now() + self._traffic.timeouts.idle
        elif self._request.received > HIGH_WATER and self._phase is not DONE:
            self._hold(held=True)

    def finish_request(self) -> None:
        """Learn that the body has ended."""
        self._request.whole = True
        if self._onlooker is not None:
            self._onlooker.on_body_end()
        if self._upstream is not None:
            self._upstream.send(self._request.frame_end())
            if self._phase is SENDING:
                self._wait(self._traffic.now())

    def take_whole(self, body: bytes) -> None:
        """See `Turn.take_whole`."""
        self._request.fill(body)
        if self._onlooker is not None:
            self._onlooker.on_body(body)
            self._onlooker.on_body_end()

    def refuse(self, status: int, message: str) -> None:
        """Answer that the rest of the request is malformed; the connection ends with it."""
        self._close_attempt(Outcome.ABANDONED)
        self._traffic.counters.refused += 1
        self._passage.failures.append(message)
        self._answer(status, message)

    def lose_client(self) -> None:
        """Stop at once: the client is gone, so nobody wants what the backend computes."""
        if self._phase in (DONE, PENDING):
            return
        self._close_attempt(Outcome.ABANDONED)
        self._traffic.counters.abandoned += 1
        self._end(self._status or 499, self._traffic.now())

    def on_client_writable(self, *, writable: bool) -> None:
        """Follow a slow reader: the backend is read as fast as the client reads."""
        if self._upstream is not None:
            if writable:
                self._upstream.resume_reading()
            else:
                self._upstream.pause_reading()

    # ---- from the timer

    def expire(self, now: float) -> None:
        """See `Timed.expire`."""
        self.deadline = math.inf
        if self._phase is QUEUED:
            if self._traffic.admission.leave(self):
                self._passage.failures.append(f"every backend was full for {QUEUE_SECONDS:g} s")
            self._close_attempt(Outcome.ABANDONED)
            self._give_up(503)
        elif self._phase is STREAMING:
            self._cut_short("stalled in the middle of its answer", blame=self._client.writable)
        elif self._phase is SENDING and not self._request.whole:
            self._close_attempt(Outcome.ABANDONED)
            self._answer(408, "the request's body stalled")
        else:
            self._fail(f"no answer in {now - self._sent_at:.1f} s", status=504)

    def leave(self, reason: str) -> None:
        """See `Ongoing.leave`."""
        # Its work there is lost and its connection is closed, so it moves instead of multiplying:
        # nobody gets more than if the member had been known to be down. Hence outside the budget.
        unanswered = self._phase in (SEEKING, SENDING, WAITING)
        elsewhere = self._picks.has_alternative(self._passage.tried, self._traffic.now())
        if unanswered and elsewhere and self._may_retry(sent=False):
            self._note(reason)
            self._close_attempt(Outcome.ABANDONED)
            self._retry()

    def admit(self) -> None:
        """See `Waiting.admit`."""
        if self._phase is QUEUED:
            self._attempt(self._traffic.now())

    # ---- an attempt

    def _attempt(self, now: float) -> None:
        self._phase = SEEKING
        traffic, tried = self._traffic, self._passage.tried
        ticket = self._picks.begin(tried, now)
        if ticket is None:
            self._queue(now)
            return
        self.deadline = math.inf
        self._ticket = ticket
        if ticket.panic:
            traffic.counters.panics += 1
        if tried:
            traffic.counters.retries += 1
        member = ticket.member
        tried.append(member.key)
        if traffic.tracer is not None:
            traffic.tracer.attempt(self._passage, now)
        connection = member.pool.take(now)
        if connection is not None:
            self._use(connection, now)
        else:
            self._connecting = traffic.loop.create_task(self._connect(member))

    def _queue(self, now: float) -> None:
        if not self._picks.is_full(now):
            self._give_up(503)
        elif self._traffic.admission.join(self):
            self._phase = QUEUED
            self.deadline = min(self.deadline, now + QUEUE_SECONDS)
        else:
            self._passage.failures.append("every backend is full, and the queue is")
            self._give_up(503)

    async def _connect(self, member: Member) -> None:
        try:
            connection = await member.pool.connect(self._traffic.timeouts.connect)
        except OSError as error:
            self._connecting = None
            outcome = outcome_of_connect(error)
            status = 502 if outcome is Outcome.FAILED else 503
            self._fail(describe_connect_error(error), status=status, outcome=outcome)
        else:
            self._connecting = None
            self._traffic.lull.admit_all()
            self._use(connection, self._traffic.now())

    def _use(self, connection: UpstreamConnection, now: float) -> None:
        self._upstream = connection
        request, client = self._request, self._client
        head, to = request.head, connection.address
        encoded = encode_request(head, to, client.peer, request.ident, scheme=client.scheme)
        switch = self._switch if b"upgrade" in head.special else None
        if self._held:
            self._hold(held=False)
        sent = encoded + request.take()
        connection.begin(self, sent, bodiless=head.method == b"HEAD", switch=switch)
        self._wait(now)
        if not (request.whole or self._continued) and head.expects_continue:
            self._continued = True
            client.write(_CONTINUE)

    def _wait(self, now: float) -> None:
        timeouts = self._traffic.timeouts
        self._sent_at = now
        if self._request.whole:
            self._phase, self.deadline = WAITING, now + timeouts.first_byte
        else:
            self._phase, self.deadline = SENDING, now + timeouts.idle

    def _hold(self, *, held: bool) -> None:
        self._held = held
        self._client.hold(held=held)

    # ---- from the backend's side

    def on_writable(self, *, writable: bool) -> None:
        """See `Sink.on_writable`."""
        self._hold(held=not writable)

    def on_response(
        self, head: ResponseHead | None, chunks: list[bytes], *, complete: bool
    ) -> None:
        """See `Sink.on_response`."""
        traffic, passage = self._traffic, self._passage
        now = traffic.now()
        encoded = self._begin_response(head, now) if head is not None else b""
        for chunk in chunks:
            passage.sent += len(chunk)
        parts = encode_chunks(chunks, complete=complete) if self._chunked else chunks
        data = b"".join((encoded, *parts))
        if self._onlooker is not None:
            self._onlooker.on_answer(self._status, chunks)
        if complete:
            self._complete(data, now)
        else:
            self.deadline = now + traffic.timeouts.idle
            self._client.write(data)

    def _switch(self, head: ResponseHead, first: bytes) -> None:
        """Make way for a tunnel."""
        ticket, upstream = self._ticket, self._upstream
        if ticket is None or upstream is None or not self._request.head.opens_tunnel:
            self._fail("changed the protocol, which nobody asked for", status=502)
            return
        self._phase, self._ticket, self._upstream = DONE, None, None
        self._traffic.exchanges.discard(self)
        tunnel = Tunnel(self._traffic, ticket, self._passage, waited_since=self._sent_at)
        tunnel.begin(self._client, upstream, head, first)

    def on_lost(self, reason: str) -> None:
        """See `Sink.on_lost`."""
        if self._phase is STREAMING:
            self._cut_short(reason, blame=True)
        else:
            self._fail(reason, status=502)

    def _begin_response(self, head: ResponseHead, now: float) -> bytes:
        self._phase = STREAMING
        self._status = status = head.status
        passage, ticket, keep_alive = self._passage, self._ticket, self._may_keep_alive()
        passage.first_byte = now
        if ticket is not None:
            ticket.member.answer(status, now - self._sent_at, now)
        panic = ticket is not None and ticket.panic
        answer = passage.encode_answer(head, keep_alive=keep_alive, panic=panic)
        encoded, self._chunked, self._keep_alive = answer
        return encoded

    def _may_keep_alive(self) -> bool:
        request = self._request
        return request.whole and request.head.keep_alive and not self._traffic.closing

    def _complete(self, last: bytes, now: float) -> None:
        ticket, connection, whole = self._ticket, self._upstream, self._request.whole
        self._upstream = None
        if ticket is not None:
            outcome, reason = self._judge()
            ticket.finish(outcome, now, reason)
            if connection is not None:
                ticket.member.pool.give_back(connection, now, whole=whole)
        self._end(self._status, now)
        self._client.write(last)
        self._client.end_turn(keep_alive=whole and self._keep_alive)

    def _judge(self) -> tuple[Outcome, str]:
        outcome = outcome_of_status(self._status)
        if outcome is not _SERVED:
            return outcome, f"answered {self._status}"
        if self._onlooker is None or not (fault := self._onlooker.find_fault()):
            return _SERVED, ""
        self._note(fault)
        return Outcome.FAILED, fault

    # ---- what can go wrong

    def _fail(self, reason: str, *, status: int, outcome: Outcome = Outcome.FAILED) -> None:
        self._note(reason)
        sent = self._phase is not SEEKING
        may_wait = outcome is Outcome.FAILED and not sent
        panic = self._ticket is not None and self._ticket.panic
        self._close_attempt(outcome, reason)
        if self._may_retry(sent=sent):
            self._retry()
        elif may_wait and (until := self._traffic.hold(self, self._passage.began)):
            self._phase, self.deadline = QUEUED, until
        else:
            usable = self._picks.has_usable(self._traffic.now())
            self._give_up(status if usable and not panic else 503)

    def _may_retry(self, *, sent: bool) -> bool:
        # An attempt that sent nothing cost no backend anything, so trying again adds no load.
        return (
            len(self._passage.tried) <= MAX_RETRIES
            and self._request.may_be_sent
            and (not sent or self._traffic.budget.spend(self._traffic.now()))
        )

    def _retry(self) -> None:
        now = self._traffic.now()
        if self._picks.has_alternative(self._passage.tried, now):
            self._attempt(now)
            return
        self._phase = SEEKING
        wait = backoff_seconds(len(self._passage.tried) - 1, self._traffic.rng)
        traffic = self._traffic
        self._pause = traffic.loop.call_later(wait, lambda: self._attempt(traffic.now()))

    def _give_up(self, status: int) -> None:
        self._traffic.counters.unserved += 1
        self._answer(status, UNSERVED[status])

    def _cut_short(self, reason: str, *, blame: bool) -> None:
        self._note(reason)
        if self._ticket is not None and blame:
            self._ticket.member.cut_short += 1
        self._close_attempt(Outcome.FAILED if blame else Outcome.ABANDONED, reason)
        self._traffic.counters.cut_short += 1
        self._end(self._status, self._traffic.now())
        framed = self._chunked or self._request.head.version == "1.1"
        self._client.cut(at_once=not (framed and blame))

    def _answer(self, status: int, message: str) -> None:
        if self._phase is STREAMING:
            self._end(self._status, self._traffic.now())
            self._client.cut(at_once=False)
            return
        keep_alive = self._may_keep_alive()
        self._end(status, self._traffic.now())
        self._client.write(self._passage.to_refusal(status, message, keep_alive=keep_alive))
        self._client.end_turn(keep_alive=keep_alive)

    def _close_attempt(self, outcome: Outcome, reason: str = "") -> None:
        self._traffic.admission.leave(self)
        self._traffic.lull.leave(self)
        self.deadline = math.inf
        self._end_attempt(outcome, reason)

    def _end(self, status: int, now: float) -> None:
        self._phase = DONE
        self.deadline = math.inf
        self._traffic.finish(self, self._passage, status, now)
        if self._onlooker is not None:
            self._onlooker.on_end()
