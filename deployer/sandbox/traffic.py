"""What a stand-in was asked: enough to count requests, and bytes that were sent twice."""

import threading
from collections import deque
from dataclasses import dataclass, replace

__all__ = ["Exchange", "Traffic"]

_MOST = 100_000


@dataclass(slots=True)
class Exchange:
    """One request: what was asked for, and how many bytes of body went either way so far.

    Attributes:
        status: Of the answer; 0 until there is one, and for good when the client gets none.
        fault: What was done to it on purpose; empty for nothing.
    """

    method: str
    target: str
    status: int = 0
    received: int = 0
    sent: int = 0
    fault: str = ""


class Traffic:
    """The last hundred thousand requests, in the order in which they began; thread-safe."""

    def __init__(self) -> None:
        self._seen: deque[Exchange] = deque(maxlen=_MOST)
        self._lock = threading.Lock()

    def begin(self, method: str, target: str, fault: str = "") -> Exchange:
        """Remember a request; who serves it keeps its figures ahead of what the client sees."""
        exchange = Exchange(method, target, fault=fault)
        with self._lock:
            self._seen.append(exchange)
        return exchange

    def seen(self) -> list[Exchange]:
        """Return all that are remembered, as they are now."""
        with self._lock:
            return [replace(exchange) for exchange in self._seen]

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._seen.clear()
