"""One JSON line per request: no bodies, no query, no header values but the request's id."""

import json
from typing import TextIO

from deployer.ports import Clock
from deployer.values import Json

__all__ = ["AccessLog"]


class AccessLog:
    """Gathers lines and writes them together when told to, so a request never waits for a disk."""

    def __init__(self, stream: TextIO, clock: Clock) -> None:
        self._stream = stream
        self._clock = clock
        self._lines: list[str] = []

    def add(self, record: dict[str, Json]) -> None:
        """Take in the record of a request that ended now."""
        at = self._clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._lines.append(json.dumps({"at": at, **record}, separators=(",", ":")))

    def flush(self) -> None:
        """Write what was gathered."""
        if self._lines:
            lines, self._lines = self._lines, []
            self._stream.write("\n".join(lines) + "\n")
            self._stream.flush()
