"""Copies of requests to backends that answer nobody: fire, forget, and count.

A copy leaves when its request has come in whole, on connections of its own, so it can neither delay
nor fail what the client is told. What would need more memory or more connections than the bounds
allow is not copied; that is counted, too.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, field, replace
from enum import StrEnum

from deployer.routing.deal import Deal
from deployer.routing.fleet import Fleet, Member
from deployer.routing.health import State
from deployer.routing.messages import RequestHead, ResponseHead, encode_request, request_id
from deployer.routing.retries import REPLAY_LIMIT
from deployer.routing.traffic import Traffic
from deployer.routing.upstream import UpstreamConnection
from deployer.values import Json

__all__ = ["COPIES", "COPY_BYTES", "COPY_SECONDS", "Copies", "Copy", "Fate", "Shadow"]

COPIES = 64
"""Under way at the same time at one backend."""

COPY_BYTES = 16 << 20
"""Of bodies, kept for all copies of one deployment."""

COPY_SECONDS = 60.0
"""From when a copy leaves until it is given up."""

_LARGEST = REPLAY_LIMIT
_MARK = b"X-Deployer-Shadow: 1\r\n"
_ALL = 100.0


class Fate(StrEnum):
    """What became of a copy."""

    ANSWERED = "answered"
    FAILED = "failed"
    DOWN = "down"
    FULL = "full"
    LARGE = "large"


@dataclass(slots=True)
class Copies:
    """What became of the copies for one backend, and how many are under way."""

    fates: Counter[Fate] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    under_way: int = 0


class Shadow:
    """Copies the requests of one deployment to those of its backends that ask for copies."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self._deals: dict[str, Deal] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._wanting: list[Member] = []
        self.kept = 0
        self.copies: dict[str, Copies] = {}

    @property
    def has_any(self) -> bool:
        """Whether any backend asks for copies."""
        return bool(self._wanting)

    def follow(self, fleet: Fleet) -> None:
        """Copy to those of its backends that ask for copies from now on."""
        self._wanting = [m for m in fleet.members.values() if m.backend.shadow]

    def make_copy(self, head: RequestHead, peer: bytes) -> "Copy | None":
        """Return what takes a request's body in, or None when nobody is to get a copy of it."""
        if not self._wanting:
            return None
        members = [m for m in self._wanting if self._deal(m).next_point() * _ALL < m.backend.shadow]
        return (
            Copy(self, members, replace(head, lines=[*head.lines, _MARK]), peer)
            if members
            else None
        )

    def keep(self, size: int) -> bool:
        """Take memory for a body; False when there is none left."""
        if self.kept + size > COPY_BYTES:
            return False
        self.kept += size
        return True

    def count(self, member: Member, fate: Fate) -> None:
        """Take in what became of a copy."""
        self.copies.setdefault(member.key, Copies()).fates[fate] += 1

    def send(self, member: Member, head: RequestHead, body: bytes, peer: bytes) -> None:
        """Let a copy leave, unless the backend is down or has as many as it may."""
        copies = self.copies.setdefault(member.key, Copies())
        if member.health.state is State.DOWN:
            self.count(member, Fate.DOWN)
        elif copies.under_way >= COPIES or not self.keep(len(body)):
            self.count(member, Fate.FULL)
        else:
            copies.under_way += 1
            task = self._traffic.loop.create_task(self._send(member, copies, head, body, peer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def describe(self) -> dict[str, Json]:
        """Return what became of the copies, by backend."""
        return {
            key: {
                "fates": {str(fate): count for fate, count in copies.fates.items()},
                "statuses": {str(status): count for status, count in copies.statuses.items()},
                "under_way": copies.under_way,
            }
            for key, copies in self.copies.items()
        }

    async def close(self) -> None:
        """Give up all that are under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _deal(self, member: Member) -> Deal:
        if member.key not in self._deals:
            self._deals[member.key] = Deal(self._traffic.rng)
        return self._deals[member.key]

    async def _send(
        self, member: Member, copies: Copies, head: RequestHead, body: bytes, peer: bytes
    ) -> None:
        connection: UpstreamConnection | None = None
        try:
            async with asyncio.timeout(COPY_SECONDS):
                now = self._traffic.now()
                connection = member.pool.take(now)
                connection = connection or await member.pool.connect(self._traffic.timeouts.connect)
                status = await self._ask(connection, head, body, peer)
        except OSError:  # `TimeoutError` is one
            copies.fates[Fate.FAILED] += 1
        else:
            copies.statuses[status] += 1
            copies.fates[Fate.ANSWERED] += 1
            member.pool.give_back(connection, self._traffic.now(), whole=True)
            connection = None
        finally:
            copies.under_way -= 1
            self.kept -= len(body)
            if connection is not None:
                connection.abort()

    async def _ask(
        self, connection: UpstreamConnection, head: RequestHead, body: bytes, peer: bytes
    ) -> int:
        answer = _Ignored(self._traffic.loop)
        address = connection.address
        lines = encode_request(
            head,
            authority=address.authority,
            prefix=address.prefix,
            peer=peer,
            ident=request_id(head) or self._traffic.make_ident(),
        )
        connection.begin(answer, bodiless=head.method == b"HEAD")
        connection.send(lines + _frame(head, body))
        return await answer.status


class Copy:
    """Takes one request's body in, and lets its copies leave when it has ended."""

    def __init__(
        self, shadow: Shadow, members: list[Member], head: RequestHead, peer: bytes
    ) -> None:
        self._shadow = shadow
        self._members = members
        self._head = head
        self._peer = peer
        self._parts: list[bytes] = []
        self._size = 0
        self._refused: Fate | None = None

    def add(self, data: bytes) -> None:
        """Take in body bytes."""
        if self._refused is not None:
            return
        if self._size + len(data) > _LARGEST:
            self._refuse(Fate.LARGE)
        elif not self._shadow.keep(len(data)):
            self._refuse(Fate.FULL)
        else:
            self._parts.append(bytes(data))
            self._size += len(data)

    def finish(self) -> None:
        """Let the copies leave: the body has ended."""
        body = b"".join(self._parts)
        refused = self._refused
        self.drop()
        for member in self._members:
            if refused is None:
                self._shadow.send(member, self._head, body, self._peer)
            else:
                self._shadow.count(member, refused)
        self._members = []

    def drop(self) -> None:
        """Give its memory back; what has not left by now never will."""
        self._shadow.kept -= self._size
        self._size = 0
        self._parts.clear()

    def _refuse(self, fate: Fate) -> None:
        self._refused = fate
        self.drop()


class _Ignored:
    """The sink of a copy's answer: only its status is looked at."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.status: asyncio.Future[int] = loop.create_future()
        self._seen = 0

    def on_response(
        self, head: ResponseHead | None, chunks: list[bytes], *, complete: bool
    ) -> None:
        """See `Sink.on_response`."""
        del chunks
        if head is not None:
            self._seen = head.status
        if complete and not self.status.done():
            self.status.set_result(self._seen)

    def on_lost(self, reason: str) -> None:
        """See `Sink.on_lost`."""
        if not self.status.done():
            self.status.set_exception(OSError(reason))

    def on_writable(self, *, writable: bool) -> None:
        """See `Sink.on_writable`; its body is bounded, and in memory already."""


def _frame(head: RequestHead, body: bytes) -> bytes:
    if not head.chunked:
        return body
    chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
    return chunk + b"0\r\n\r\n"
