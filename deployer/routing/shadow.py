"""Copies of requests to backends that answer nobody: fire, forget, and count.

A copy leaves when its request has come in whole, on connections of its own, so it can neither delay
nor fail what the client is told. What would need more memory or more connections than the bounds
allow is not copied; that is counted, too.
"""

import asyncio
from collections import Counter
from dataclasses import replace

from deployer.routing.deal import Deal
from deployer.routing.door_counts import Fate
from deployer.routing.fleet import Fleet, Member
from deployer.routing.health import State
from deployer.routing.messages import RequestHead, ResponseHead, encode_request, request_id
from deployer.routing.retries import REPLAY_LIMIT
from deployer.routing.traffic import Traffic
from deployer.routing.upstream import UpstreamConnection

__all__ = ["COPIES", "COPY_BYTES", "COPY_SECONDS", "Copy", "Shadow"]

COPIES = 64
"""Under way at the same time at one backend."""

COPY_BYTES = 16 << 20
"""Of bodies, kept for all copies of one deployment."""

COPY_SECONDS = 60.0
"""From when a copy leaves until it is given up."""

_LARGEST = REPLAY_LIMIT
_MARK = b"X-Deployer-Shadow: 1\r\n"
_ALL = 100.0


class Shadow:
    """Copies the requests of one deployment to those of its backends that ask for copies."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self._deals: dict[str, Deal] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._wanting: list[Member] = []
        self.kept = 0
        self.under_way = Counter[str]()

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
            Copy(self, members, replace(head, lines=head.lines + _MARK), peer) if members else None
        )

    def keep(self, size: int) -> bool:
        """Take memory for a body; False when there is none left."""
        if self.kept + size > COPY_BYTES:
            return False
        self.kept += size
        return True

    def count(self, member: Member, fate: Fate) -> None:
        """Take in what became of a copy."""
        self._traffic.door.count_copy(member.key, fate)

    def send(self, member: Member, head: RequestHead, body: bytes, peer: bytes) -> None:
        """Let a copy leave, unless the backend is down or has as many as it may."""
        if member.health.state is State.DOWN:
            self.count(member, Fate.DOWN)
        elif self.under_way[member.key] >= COPIES or not self.keep(len(body)):
            self.count(member, Fate.FULL)
        else:
            self.under_way[member.key] += 1
            task = self._traffic.loop.create_task(self._send(member, head, body, peer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Give up all that are under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _deal(self, member: Member) -> Deal:
        if member.key not in self._deals:
            self._deals[member.key] = Deal(self._traffic.rng)
        return self._deals[member.key]

    async def _send(self, member: Member, head: RequestHead, body: bytes, peer: bytes) -> None:
        connection: UpstreamConnection | None = None
        try:
            async with asyncio.timeout(COPY_SECONDS):
                now = self._traffic.now()
                connection = member.pool.take(now)
                connection = connection or await member.pool.connect(self._traffic.timeouts.connect)
                await self._ask(connection, head, body, peer)
        except OSError:  # `TimeoutError` is one
            self.count(member, Fate.FAILED)
        else:
            self.count(member, Fate.ANSWERED)
            member.pool.give_back(connection, self._traffic.now(), whole=True)
            connection = None
        finally:
            self.under_way[member.key] -= 1
            self.kept -= len(body)
            if connection is not None:
                connection.abort()

    async def _ask(
        self, connection: UpstreamConnection, head: RequestHead, body: bytes, peer: bytes
    ) -> None:
        answer = _Ignored(self._traffic.loop)
        ident = request_id(head) or self._traffic.make_ident()
        lines = encode_request(head, connection.address, peer, ident)
        connection.begin(answer, lines + _frame(head, body), bodiless=head.method == b"HEAD")
        await answer.ended


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
    """The sink of a copy's answer, which nobody looks at."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.ended: asyncio.Future[None] = loop.create_future()

    def on_response(
        self, head: ResponseHead | None, chunks: list[bytes], *, complete: bool
    ) -> None:
        """See `Sink.on_response`."""
        del head, chunks
        if complete and not self.ended.done():
            self.ended.set_result(None)

    def on_lost(self, reason: str) -> None:
        """See `Sink.on_lost`."""
        if not self.ended.done():
            self.ended.set_exception(OSError(reason))

    def on_writable(self, *, writable: bool) -> None:
        """See `Sink.on_writable`; its body is bounded, and in memory already."""


def _frame(head: RequestHead, body: bytes) -> bytes:
    if not head.chunked:
        return body
    chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
    return chunk + b"0\r\n\r\n"
