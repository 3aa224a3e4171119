"""One JSON line per request: no bodies, no query, no header values but the request's id."""

import math
from typing import BinaryIO

from deployer.ports import Clock

__all__ = ["AccessLog"]

_STAMP_SECONDS = 0.001
"""How precisely a line tells when its request ended."""


class AccessLog:
    """Gathers lines and writes them together when told to, so a request never waits for a disk."""

    def __init__(self, stream: BinaryIO, clock: Clock) -> None:
        self._stream = stream
        self._clock = clock
        self._lines = bytearray()
        self._began = -math.inf
        self._until = -math.inf
        self._second = b""
        self._stamp = b""

    def add(self, members: bytes, now: float) -> None:
        """Take in the record of a request that has just ended.

        Args:
            members: Those of a JSON object, to the end of its line.
            now: Monotonic seconds; the time of day is asked at most once in one of them.
        """
        if now >= self._until:
            self._tell_time(now)
        lines = self._lines
        lines += self._stamp
        lines += members

    def flush(self) -> None:
        """Write what was gathered."""
        if self._lines:
            lines, self._lines = self._lines, bytearray()
            self._stream.write(lines)
            self._stream.flush()

    def _tell_time(self, now: float) -> None:
        since = now - self._began
        if since >= 1.0:
            at = self._clock.now()
            since = at.microsecond / 1e6
            self._began = now - since
            self._second = f"{at:%Y-%m-%dT%H:%M:%S}".encode()
        milliseconds = int(since * 1000)
        self._until = now + _STAMP_SECONDS
        self._stamp = b'{"at":"%b.%03dZ",' % (self._second, milliseconds)
