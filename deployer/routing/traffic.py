"""What all requests share: the fleet, the limits, what is under way, and one coarse timer."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from deployer.routing.admission import LULL_LENGTH, Admission, Waiting
from deployer.routing.door_counts import DoorCounts
from deployer.routing.fleet import Fleet, Member
from deployer.routing.histogram import Histogram
from deployer.routing.passage import Passage
from deployer.routing.retries import RetryBudget
from deployer.routing.tracing import Tracer

__all__ = ["SWEEP_SECONDS", "Connected", "Counters", "Ongoing", "Timed", "Timeouts", "Traffic"]

SWEEP_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. There is none on a whole response: a stream may last as long as it flows.

    Attributes:
        first_byte: From the end of the request to the first byte of the response; a language model
            may think for long.
        idle: Without a byte in either direction, and for the next request on an open connection.
        linger: For a client to stop sending after it was refused.
        farewell: For clients' next requests on open connections once the router is told to stop:
            the answer tells them to come again elsewhere.
        hold: From a request's head on, for any backend to be reached again when none could be:
            HAProxy's three attempts, a second apart, take as long.
    """

    connect: float = 2.0
    first_byte: float = 60.0
    idle: float = 60.0
    linger: float = 2.0
    farewell: float = 1.0
    hold: float = 3.0


class Timed(Protocol):
    """Something with a deadline, in the loop's time."""

    deadline: float

    def expire(self, now: float) -> None:
        """Act on the deadline having passed."""
        ...


class Ongoing(Timed, Protocol):
    """A request that is being served by a member, or looks for one."""

    @property
    def member(self) -> Member | None:
        """The member it is at."""
        ...

    def leave(self, reason: str) -> None:
        """Go to another member if that does no harm and nothing was answered yet."""
        ...


class Connected(Timed, Protocol):
    """A client's open connection."""

    def take_leave(self) -> None:
        """Serve what comes soon and what is under way, and close after that."""
        ...

    def abort(self) -> None:
        """Close at once."""
        ...


@dataclass(slots=True)
class Counters:
    """What happened since the start."""

    requests: int = 0
    retries: int = 0
    refused: int = 0
    unserved: int = 0
    cut_short: int = 0
    abandoned: int = 0
    panics: int = 0


@dataclass(slots=True)
class Traffic:
    """Shared by all connections of one router. ``log`` takes one record per request, and the time.

    Attributes:
        answers: What clients were answered, by status; 499 for those that did not wait for it.
        durations: From a request's head to the end of its answer.
        elsewhere: Requests under way in other processes of this router.
        admission: Where requests wait while every backend is full.
        lull: Where those wait that no backend could be reached for.
        tracer: Makes a span of each request; none when left out.
        now: Returns the loop's time: asyncio's is the monotonic clock, which is asked directly here
            because it is asked often.
    """

    loop: asyncio.AbstractEventLoop
    fleet: Fleet
    rng: random.Random
    timeouts: Timeouts = Timeouts()
    idempotent: bool = False
    log: Callable[[bytes, float], None] | None = None
    tracer: Tracer | None = None
    budget: RetryBudget = field(default_factory=RetryBudget)
    counters: Counters = field(default_factory=Counters)
    answers: Counter[int] = field(default_factory=Counter)
    durations: Histogram = field(default_factory=Histogram)
    door: DoorCounts = field(default_factory=DoorCounts)
    exchanges: set[Ongoing] = field(default_factory=set)
    clients: set[Connected] = field(default_factory=set)
    elsewhere: int = 0
    closing: bool = False
    now: Callable[[], float] = field(init=False)
    admission: Admission = field(init=False)
    lull: Admission = field(init=False)

    def __post_init__(self) -> None:
        self.now = time.monotonic
        self.admission = Admission(self.loop.call_soon)
        self.lull = Admission(self.loop.call_soon, length=LULL_LENGTH)
        self.fleet.on_free = self.admission.admit_next

    def make_ident(self) -> bytes:
        """Return a new request id."""
        return b"%016x" % self.rng.getrandbits(64)

    def begin(self, exchange: Ongoing, now: float) -> None:
        """Take in that a request begins."""
        self.exchanges.add(exchange)
        self.counters.requests += 1
        self.budget.count_request(now)

    def finish(self, exchange: Ongoing, passage: Passage, status: int, now: float) -> None:
        """Take in that a request has ended, whichever way."""
        self.exchanges.discard(exchange)
        answers = self.answers
        answers[status] = answers.get(status, 0) + 1  # a `Counter` takes three times as long
        self.durations.add(now - passage.began)
        if self.log is not None:
            self.log(passage.to_line(status, now), now)
        if self.tracer is not None:
            self.tracer.end(passage, status, now)

    @property
    def queued(self) -> int:
        """How many requests wait for a backend."""
        return len(self.admission) + len(self.lull)

    def hold(self, request: Waiting, began: float) -> float | None:
        """Let one wait that nobody was sent, and return until when; None when it is not to wait.

        The first of those that wait tries again every 100 ms, and all of them as soon as any
        connection can be opened: what is down gets no crowd, and what is back no pause.
        """
        until = began + self.timeouts.hold
        return until if until > self.now() and self.lull.join(request) else None

    def abandon_member(self, member: Member) -> None:
        """Let requests that wait at a member that is down go elsewhere, where that does no harm."""
        for exchange in list(self.exchanges):
            if exchange.member is member:
                exchange.leave("went down while it was waited for")

    async def sweep(self) -> None:
        """Look after deadlines every 100 ms, for ever: cheaper than a timer per request."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            self.expire(self.now())

    async def drained(self) -> None:
        """Return when nothing is under way and every client has its answer."""
        # An event per request would cost every request; this is waited for once, at the end.
        while self.exchanges or self.clients:  # noqa: ASYNC110 - see above
            await asyncio.sleep(SWEEP_SECONDS / 2)

    def expire(self, now: float) -> None:
        """Act on every deadline that has passed."""
        for exchange in [e for e in self.exchanges if e.deadline <= now or _is_drained(e, now)]:
            exchange.expire(now)
        for client in [c for c in self.clients if c.deadline <= now]:
            client.expire(now)
        self.lull.admit_next()
        self.fleet.expire(now)


def _is_drained(exchange: Ongoing, now: float) -> bool:
    member = exchange.member
    return member is not None and member.drain_until is not None and member.drain_until <= now
