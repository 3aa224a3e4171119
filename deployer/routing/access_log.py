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
        self._until = -math.inf
        self._stamp = b""

    def add(self, members: bytes, now: float) -> None:
        """Take in the record of a request that has just ended: the members of a JSON object.

        Args:
            now: Monotonic seconds; the time of day is asked at most once in a millisecond of them.
        """
        if now >= self._until:
            at = self._clock.now().isoformat(timespec="milliseconds").removesuffix("+00:00")
            self._until = now + _STAMP_SECONDS
            self._stamp = b'{"at":"%bZ",' % at.encode()
        self._lines += b"%b%b}\n" % (self._stamp, members)

    def flush(self) -> None:
        """Write what was gathered."""
        if self._lines:
            lines, self._lines = self._lines, bytearray()
            self._stream.write(lines)
            self._stream.flush()
