"""Keep-alive connections to one backend."""

import asyncio
import errno
import ipaddress
from collections import deque

from deployer.routing.address import Address
from deployer.routing.health import Outcome
from deployer.routing.opening import open_stream
from deployer.routing.upstream import UpstreamConnection

__all__ = [
    "CONNECT_SECONDS",
    "IDLE_SECONDS",
    "MAX_IDLE",
    "Pool",
    "describe_connect_error",
    "outcome_of_connect",
]

IDLE_SECONDS = 4.0
"""Shorter than servers keep them (uvicorn: 5 s), so a request rarely meets one that closes."""

_RACE_SECONDS = 0.25
"""After that another address of the same name is tried as well (RFC 8305).

Not for a single address: a race that is cancelled leaves its socket to the garbage collector, seen
with CPython 3.11.
"""

CONNECT_SECONDS = 2.0
MAX_IDLE = 256


class Pool:
    """The connections of one (target, release); the last used is taken first, so others age out.

    Once `drain` was called nothing is kept any more.
    """

    def __init__(self, address: Address) -> None:
        self.address = address
        self._idle: deque[UpstreamConnection] = deque()
        self._draining = False
        self._race_seconds = None if _is_literal(address.host) else _RACE_SECONDS

    def __len__(self) -> int:
        return len(self._idle)

    def take(self, now: float) -> UpstreamConnection | None:
        """Return an idle connection that is still open, or None."""
        idle = self._idle
        while idle:
            connection = idle.pop()
            if now - connection.idle_since <= IDLE_SECONDS and connection.is_fresh():
                return connection
            connection.abort()
        return None

    async def connect(self, timeout_seconds: float = CONNECT_SECONDS) -> UpstreamConnection:
        """Open a connection.

        Raises:
            OSError: It can't be opened; TimeoutError is one.
        """
        address = self.address
        connection = UpstreamConnection(self, address)
        async with asyncio.timeout(timeout_seconds):
            await open_stream(address, connection, race_seconds=self._race_seconds)
        return connection

    def give_back(self, connection: UpstreamConnection, now: float, *, whole: bool = True) -> None:
        """Keep a connection for the next request, unless it can't be used again.

        Args:
            whole: Whether the request was sent to its end.
        """
        idle = self._idle
        full = self._draining or len(idle) >= MAX_IDLE
        if whole and not full and connection.rest(now):
            idle.append(connection)
        else:
            connection.abort()

    def discard(self, connection: UpstreamConnection) -> None:
        """See `Idler.discard`."""
        if connection in self._idle:
            self._idle.remove(connection)

    def expire(self, now: float) -> None:
        """Close what was idle for too long."""
        while self._idle and now - self._idle[0].idle_since > IDLE_SECONDS:
            self._idle.popleft().abort()

    def drain(self) -> None:
        """Close what is idle, and from now on whatever comes back."""
        self._draining = True
        while self._idle:
            self._idle.pop().abort()


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def outcome_of_connect(error: OSError) -> Outcome:
    """Return what it says about the backend; that we can open no more files says nothing."""
    exhausted = error.errno in (errno.EMFILE, errno.ENFILE)
    return Outcome.ABANDONED if exhausted else Outcome.FAILED


def describe_connect_error(error: OSError) -> str:
    """Return a few words for why a connection could not be opened."""
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, TimeoutError):
        return "connect timed out"
    return f"connect failed: {(error.strerror or str(error) or type(error).__name__)[:120]}"
