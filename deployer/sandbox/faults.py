"""Faults on demand: what a network and a cloud do to a client on a bad day, once, when told."""

import threading
from dataclasses import dataclass
from enum import Enum, auto

__all__ = ["Fault", "Faults", "flip_byte"]


class Fault(Enum):
    """What goes wrong with one request.

    Attributes:
        LOSE_RESPONSE: The work is done; the connection closes before the client learns of it.
        REFUSE: 503 with Retry-After; nothing is done.
        CORRUPT_REQUEST: One byte of the body flips before the server sees it.
        CORRUPT_RESPONSE: One byte of the body flips on the way back; the headers are right.
    """

    LOSE_RESPONSE = auto()
    REFUSE = auto()
    CORRUPT_REQUEST = auto()
    CORRUPT_RESPONSE = auto()


@dataclass(slots=True)
class _Order:
    fault: Fault
    method: str
    part: str
    times: int

    def matches(self, method: str, path: str) -> bool:
        return self.times > 0 and self.method in ("", method) and self.part in path


class Faults:
    """The faults that wait for a request to hit. Safe to use from many threads."""

    def __init__(self) -> None:
        self._orders: list[_Order] = []
        self._lock = threading.Lock()

    def order(self, fault: Fault, *, method: str = "", part: str = "", times: int = 1) -> None:
        """Do ``fault`` to the next ``times`` requests of ``method`` whose path contains ``part``.

        An empty ``method`` or ``part`` matches all.
        """
        with self._lock:
            self._orders.append(_Order(fault, method, part, times))

    def draw(self, method: str, path: str) -> Fault | None:
        """Take the fault that this request is to suffer, if any."""
        with self._lock:
            order = next((order for order in self._orders if order.matches(method, path)), None)
            if order is None:
                return None
            order.times -= 1
            return order.fault


def flip_byte(body: bytes) -> bytes:
    """Return the body with every bit of its middle byte turned over."""
    if not body:
        return body
    middle = len(body) // 2
    return body[:middle] + bytes([body[middle] ^ 0xFF]) + body[middle + 1 :]
