"""One JSON line per request: no bodies, no query, no header values but the request's id."""

from typing import TextIO

from deployer.ports import Clock

__all__ = ["AccessLog"]


class AccessLog:
    """Gathers lines and writes them together when told to, so a request never waits for a disk."""

    def __init__(self, stream: TextIO, clock: Clock) -> None:
        self._stream = stream
        self._clock = clock
        self._lines: list[str] = []
        self._second = -1
        self._stamp = ""

    def add(self, members: str) -> None:
        """Take in the record of a request that ended now: the members of a JSON object."""
        now = self._clock.now()
        second = now.second
        if second != self._second:
            self._second, self._stamp = second, f'{{"at":"{now:%Y-%m-%dT%H:%M:%S}'
        self._lines.append(f'{self._stamp}.{now.microsecond // 1000:03d}Z",{members}}}')

    def flush(self) -> None:
        """Write what was gathered."""
        if self._lines:
            lines, self._lines = self._lines, []
            self._second = -1  # or a minute of silence would end in the same second
            self._stream.write("\n".join(lines) + "\n")
            self._stream.flush()
