"""One request from its head to the end of its response, over as many attempts as it takes."""

import asyncio
import math
from enum import Enum, auto
from http import HTTPStatus

from deployer.routing.admission import QUEUE_SECONDS
from deployer.routing.downstream import Client
from deployer.routing.fleet import Member, Ticket
from deployer.routing.health import Outcome, outcome_of_status
from deployer.routing.messages import (
    ResponseHead,
    encode_request,
    encode_response,
    local_response,
)
from deployer.routing.passage import Passage
from deployer.routing.pool import describe_connect_error
from deployer.routing.request import Request
from deployer.routing.retries import MAX_RETRIES, backoff_seconds
from deployer.routing.traffic import Traffic
from deployer.routing.upstream import HIGH_WATER, UpstreamConnection

__all__ = ["Exchange"]

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class _Phase(Enum):
    PENDING = auto()
    QUEUED = auto()
    SEEKING = auto()
    SENDING = auto()
    WAITING = auto()
    STREAMING = auto()
    DONE = auto()


class Exchange:
    """A request that is passed on. Whatever happens, its ticket is closed once, its record logged.

    Before a byte of the response is there, a failed attempt may be followed by another; see
    `Request.may_be_sent`. Afterwards a failure cuts the client's connection, so that a part is
    never taken for the whole.
    """

    def __init__(self, client: Client, traffic: Traffic, request: Request) -> None:
        self.deadline = math.inf
        self._client = client
        self._traffic = traffic
        self._request = request
        self._phase = _Phase.PENDING
        self._passage = Passage(request, client.peer, began=traffic.now())
        self._sent_at = self._passage.began
        self._ticket: Ticket | None = None
        self._upstream: UpstreamConnection | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._pause: asyncio.TimerHandle | None = None
        self._status = 0
        self._chunked = False
        self._keep_alive = False
        self._continued = False

    # ---- from the client's side

    @property
    def whole(self) -> bool:
        """Whether the request has come in completely."""
        return self._request.whole

    def start(self) -> None:
        """Begin: its turn has come."""
        self._traffic.exchanges.add(self)
        if self._traffic.tracer is not None:
            self._traffic.tracer.begin(self._passage)
        self._traffic.counters.requests += 1
        self._traffic.budget.count_request(self._passage.began)
        self._attempt()

    def feed(self, data: bytes) -> None:
        """Take in body bytes."""
        self._request.add(data)
        if self._upstream is not None:
            self._upstream.send(self._request.frame(data))
            self.deadline = self._traffic.now() + self._traffic.timeouts.idle
        elif self._phase is not _Phase.DONE and self._request.received > HIGH_WATER:
            self._client.hold(held=True)

    def finish_request(self) -> None:
        """Learn that the body has ended."""
        self._request.whole = True
        if self._upstream is not None:
            self._upstream.send(self._request.frame_end())
            if self._phase is _Phase.SENDING:
                self._wait()

    def refuse(self, status: int, message: str) -> None:
        """Answer that the rest of the request is malformed; the connection ends with it."""
        self._close_attempt(Outcome.ABANDONED)
        self._traffic.counters.refused += 1
        self._passage.failures.append(message)
        self._answer(status, message)

    def lose_client(self) -> None:
        """Stop at once: the client is gone, so nobody wants what the backend computes."""
        if self._phase in (_Phase.DONE, _Phase.PENDING):
            return
        self._close_attempt(Outcome.ABANDONED)
        self._traffic.counters.abandoned += 1
        self._end(self._status or 499)

    def on_client_writable(self, *, writable: bool) -> None:
        """Follow a slow reader: the backend is read as fast as the client reads."""
        if self._upstream is not None:
            if writable:
                self._upstream.resume_reading()
            else:
                self._upstream.pause_reading()

    # ---- from the timer

    @property
    def member(self) -> Member | None:
        """See `Ongoing.member`."""
        return self._ticket.member if self._ticket is not None else None

    @property
    def _panic(self) -> bool:
        return self._ticket is not None and self._ticket.panic

    def expire(self, now: float) -> None:
        """See `Timed.expire`."""
        self.deadline = math.inf
        if self._phase is _Phase.QUEUED:
            self._traffic.admission.leave(self)
            self._passage.failures.append(f"every backend was full for {QUEUE_SECONDS:g} s")
            self._give_up(503)
        elif self._phase is _Phase.STREAMING:
            self._cut_short("stalled in the middle of its answer", blame=self._client.writable)
        elif self._phase is _Phase.SENDING and not self._request.whole:
            self._close_attempt(Outcome.ABANDONED)
            self._answer(408, "the request's body stalled")
        else:
            waited = f"{now - self._sent_at:.1f} s"
            self._fail(f"no answer in {waited}", status=504)

    def leave(self, reason: str) -> None:
        """See `Ongoing.leave`."""
        # Its work there is lost and its connection is closed, so it moves instead of multiplying:
        # nobody gets more than if the member had been known to be down. Hence outside the budget.
        fleet, now = self._traffic.fleet, self._traffic.now()
        unanswered = self._phase in (_Phase.SEEKING, _Phase.SENDING, _Phase.WAITING)
        if (
            unanswered
            and fleet.has_alternative(self._passage.tried, now)
            and self._may_retry(sent=False)
        ):
            self._note(reason)
            self._close_attempt(Outcome.ABANDONED)
            self._retry()

    def admit(self) -> None:
        """See `Waiting.admit`."""
        if self._phase is _Phase.QUEUED:
            self._attempt()

    # ---- an attempt

    def _attempt(self) -> None:
        self._pause = None
        self._phase = _Phase.SEEKING
        now = self._traffic.now()
        ticket = self._traffic.fleet.begin(self._passage.tried, now)
        if ticket is None:
            self._queue(now)
            return
        self.deadline = math.inf
        self._ticket = ticket
        self._traffic.counters.panics += ticket.panic
        self._passage.tried.append(ticket.member.key)
        if self._traffic.tracer is not None:
            self._traffic.tracer.attempt(self._passage, now)
        connection = ticket.member.pool.take(now)
        if connection is not None:
            self._use(connection)
        else:
            self._connecting = self._traffic.loop.create_task(self._connect(ticket.member))

    def _queue(self, now: float) -> None:
        if not self._traffic.fleet.is_full(now):
            self._give_up(503)
        elif self._traffic.admission.join(self):
            self._phase = _Phase.QUEUED
            self.deadline = min(self.deadline, now + QUEUE_SECONDS)
        else:
            self._passage.failures.append("every backend is full, and the queue is")
            self._give_up(503)

    async def _connect(self, member: Member) -> None:
        try:
            connection = await member.pool.connect(self._traffic.timeouts.connect)
        except OSError as error:
            self._connecting = None
            self._fail(describe_connect_error(error), status=502)
        else:
            self._connecting = None
            self._use(connection)

    def _use(self, connection: UpstreamConnection) -> None:
        self._upstream = connection
        request = self._request
        address = connection.address
        head = encode_request(
            request.head,
            authority=address.authority,
            prefix=address.prefix,
            peer=self._client.peer,
            ident=request.ident,
        )
        connection.begin(self, bodiless=request.head.method == b"HEAD")
        self._client.hold(held=False)
        connection.send(head + request.take())
        self._wait()
        if request.head.expects_continue and not (request.whole or self._continued):
            self._continued = True
            self._client.write(_CONTINUE)

    def _wait(self) -> None:
        timeouts = self._traffic.timeouts
        self._sent_at = self._traffic.now()
        whole = self._request.whole
        self._phase = _Phase.WAITING if whole else _Phase.SENDING
        self.deadline = self._sent_at + (timeouts.first_byte if whole else timeouts.idle)

    # ---- from the backend's side

    def on_writable(self, *, writable: bool) -> None:
        """See `Sink.on_writable`."""
        self._client.hold(held=not writable)

    def on_response(
        self, head: ResponseHead | None, chunks: list[bytes], *, complete: bool
    ) -> None:
        """See `Sink.on_response`."""
        now = self._traffic.now()
        out = [self._begin_response(head, now)] if head is not None else []
        for chunk in chunks:
            self._passage.sent += len(chunk)
            out.append(b"%x\r\n%b\r\n" % (len(chunk), chunk) if self._chunked else chunk)
        if complete and self._chunked:
            out.append(b"0\r\n\r\n")
        self.deadline = now + self._traffic.timeouts.idle
        if complete:
            self._complete(b"".join(out), now)
        else:
            self._client.write(b"".join(out))

    def on_lost(self, reason: str) -> None:
        """See `Sink.on_lost`."""
        if self._phase is _Phase.STREAMING:
            self._cut_short(reason, blame=True)
        else:
            self._fail(reason, status=502)

    def _begin_response(self, head: ResponseHead, now: float) -> bytes:
        self._phase = _Phase.STREAMING
        self._status = head.status
        self._passage.first_byte = now
        if self._ticket is not None:
            self._ticket.member.answer(head.status, now - self._sent_at, now)
        request = self._request
        bodiless = request.head.method == b"HEAD" or head.status in (204, 304)
        unframed = not bodiless and head.length is None
        self._chunked = unframed and request.head.version == "1.1"
        ends_at_close = unframed and not self._chunked
        self._keep_alive = (
            request.head.keep_alive
            and request.whole
            and not ends_at_close
            and not self._traffic.closing
        )
        return encode_response(
            head,
            version=request.head.version,
            keep_alive=self._keep_alive,
            chunked=self._chunked,
            extra=self._passage.to_headers(panic=self._panic),
        )

    def _complete(self, last: bytes, now: float) -> None:
        ticket, connection = self._ticket, self._upstream
        self._upstream = None
        if ticket is not None:
            outcome = outcome_of_status(self._status)
            reason = "" if outcome is Outcome.SERVED else f"answered {self._status}"
            ticket.finish(outcome, now, reason)
            if connection is not None:
                self._release(ticket.member, connection, now)
        self._end(self._status)
        self._client.write(last)
        self._client.end_turn(keep_alive=self._keep_alive and self._request.whole)

    def _release(self, member: Member, connection: UpstreamConnection, now: float) -> None:
        if self._request.whole:
            member.pool.give_back(connection, now)
        else:
            connection.abort()

    # ---- what can go wrong

    def _fail(self, reason: str, *, status: int) -> None:
        self._note(reason)
        sent = self._phase is not _Phase.SEEKING
        panic = self._panic
        self._close_attempt(Outcome.FAILED, reason)
        if self._may_retry(sent=sent):
            self._retry()
        else:
            usable = self._traffic.fleet.has_usable(self._traffic.now())
            self._give_up(status if usable and not panic else 503)

    def _may_retry(self, *, sent: bool) -> bool:
        # An attempt that sent nothing cost no backend anything, so trying again adds no load.
        return (
            len(self._passage.tried) <= MAX_RETRIES
            and self._request.may_be_sent
            and (not sent or self._traffic.budget.spend(self._traffic.now()))
        )

    def _retry(self) -> None:
        self._traffic.counters.retries += 1
        if self._traffic.fleet.has_alternative(self._passage.tried, self._traffic.now()):
            self._attempt()
            return
        self._phase = _Phase.SEEKING
        wait = backoff_seconds(len(self._passage.tried) - 1, self._traffic.rng)
        self._pause = self._traffic.loop.call_later(wait, self._attempt)

    def _give_up(self, status: int) -> None:
        self._traffic.counters.unserved += 1
        messages = {
            502: "the backend did not answer",
            503: "no backend can take this request",
            504: "the backend did not answer in time",
        }
        self._answer(status, messages[status])

    def _cut_short(self, reason: str, *, blame: bool) -> None:
        self._note(reason)
        if self._ticket is not None and blame:
            self._ticket.member.cut_short += 1
        self._close_attempt(Outcome.FAILED if blame else Outcome.ABANDONED, reason)
        self._traffic.counters.cut_short += 1
        self._end(self._status)
        framed = self._chunked or self._request.head.version == "1.1"
        self._client.cut(at_once=not (framed and blame))

    def _answer(self, status: int, message: str) -> None:
        head = self._request.head
        if self._phase is _Phase.STREAMING:
            self._end(self._status)
            self._client.cut(at_once=False)
            return
        keep_alive = head.keep_alive and self._request.whole and not self._traffic.closing
        extra = {"X-Request-Id": self._request.ident.decode("ascii")}
        extra["X-Deployer-Attempts"] = str(len(self._passage.tried))
        if status == HTTPStatus.SERVICE_UNAVAILABLE:  # RFC 9110, 15.6.4
            extra["Retry-After"] = "1"
        self._end(status)
        self._client.write(
            local_response(
                status,
                self._passage.explain(message),
                version=head.version,
                keep_alive=keep_alive,
                bodiless=head.method == b"HEAD",
                extra=extra,
            )
        )
        self._client.end_turn(keep_alive=keep_alive)

    def _note(self, reason: str) -> None:
        if self._ticket is not None:
            self._passage.failures.append(f"{self._ticket.member.key}: {reason}")
            if self._traffic.tracer is not None:
                self._traffic.tracer.fail(self._passage, self._traffic.now())

    def _close_attempt(self, outcome: Outcome, reason: str = "") -> None:
        self._traffic.admission.leave(self)
        if self._pause is not None:
            self._pause.cancel()
        if self._connecting is not None:
            self._connecting.cancel()
        if self._upstream is not None:
            self._upstream.abort()
        self._pause = self._connecting = self._upstream = None
        self.deadline = math.inf
        ticket, self._ticket = self._ticket, None
        if ticket is not None:
            ticket.finish(outcome, self._traffic.now(), reason)

    def _end(self, status: int) -> None:
        self._phase = _Phase.DONE
        self.deadline = math.inf
        self._traffic.finish(self, self._passage, status)
