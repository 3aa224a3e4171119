"""Faults on demand: what a network and a cloud do to a client on a bad day, when told.

One layer for every stand-in. An `Order` says which requests it hits, how often, and where in the
body. Tests in the server's process order by `Faults.order`; others by the control path
(`deployer.sandbox.control`).
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import ClassVar

from pydantic import ConfigDict

__all__ = ["ANSWERS", "Fault", "Faults", "Order", "flip_byte"]


class Fault(StrEnum):
    """What goes wrong with one request.

    Attributes:
        REFUSE: 503 with Retry-After of ``seconds``; nothing is done.
        FORBID: 403 in the service's own words; nothing is done.
        HIDE: 403 where it would be 404: what they hear who may not list, of what is not there.
        EXPIRE: The service's word for a token that is too old; nothing is done.
        ERROR_BODY: Status 200 and an error in the body; nothing is done.
        LOSE_RESPONSE: The work is done; the connection closes before the client learns of it.
        CORRUPT_REQUEST: One byte of the body flips before the server sees it.
        CORRUPT_RESPONSE: One byte of the body flips on the way back; the headers are right.
        RESET_REQUEST: The connection is reset when so many bytes have come; nothing is done.
        RESET_RESPONSE: The connection is reset when so many bytes of the answer have gone.
        CUT_RESPONSE: The connection closes in good order in the middle of the answer.
        STALL_REQUEST: Nothing more is read for ``seconds``, then the connection is reset.
        STALL_RESPONSE: Nothing more is sent for ``seconds``, then the connection is reset.
        DELAY: The first byte of the answer comes ``seconds`` late; the work is done.
        LIMIT: Both bodies move at ``rate`` bytes per second.
    """

    REFUSE = "refuse"
    FORBID = "forbid"
    HIDE = "hide"
    EXPIRE = "expire"
    ERROR_BODY = "error-body"
    LOSE_RESPONSE = "lose-response"
    CORRUPT_REQUEST = "corrupt-request"
    CORRUPT_RESPONSE = "corrupt-response"
    RESET_REQUEST = "reset-request"
    RESET_RESPONSE = "reset-response"
    CUT_RESPONSE = "cut-response"
    STALL_REQUEST = "stall-request"
    STALL_RESPONSE = "stall-response"
    DELAY = "delay"
    LIMIT = "limit"


ANSWERS = frozenset({Fault.REFUSE, Fault.FORBID, Fault.EXPIRE, Fault.ERROR_BODY})
"""Faults that are an answer of the service's in place of the work."""


@dataclass(frozen=True, slots=True)
class Order:
    """A fault, and the requests it hits.

    Attributes:
        method: Of the requests; empty matches all.
        part: What their path and query, as sent, contain; empty matches all.
        times: How many are hit.
        skip: How many that match go unharmed before.
        at: The byte of the body it happens at; None is the middle where the length is known, else
            the start.
        seconds: How long a stall or delay takes, or what Retry-After says.
        rate: In bytes per second.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    fault: Fault
    method: str = ""
    part: str = ""
    times: int = 1
    skip: int = 0
    at: int | None = None
    seconds: float = 1.0
    rate: int = 1 << 20

    def matches(self, method: str, target: str) -> bool:
        """Say whether the request is of those it is about."""
        return self.times > 0 and self.method in ("", method) and self.part in target

    def place(self, length: int) -> int:
        """Return the byte at which it happens in a body of ``length`` bytes."""
        return length // 2 if self.at is None else self.at


class Faults:
    """The faults that wait for a request to hit. Safe to use from many threads."""

    def __init__(self) -> None:
        self._orders: list[Order] = []
        self._lock = threading.Lock()

    def order(
        self,
        fault: Fault,
        *,
        method: str = "",
        part: str = "",
        times: int = 1,
        skip: int = 0,
        at: int | None = None,
        seconds: float = 1.0,
        rate: int = 1 << 20,
    ) -> None:
        """Do ``fault`` to requests; see `Order` for which, and for how."""
        order = Order(fault, method, part, times, skip, at, seconds, rate)
        self.add([order])

    def add(self, orders: Iterable[Order]) -> None:
        """Take the orders behind those that wait."""
        with self._lock:
            self._orders += orders

    def pending(self) -> list[Order]:
        """Return what has not hit yet, or not often enough."""
        with self._lock:
            return [order for order in self._orders if order.times > 0]

    def clear(self) -> None:
        """Forget all orders."""
        with self._lock:
            self._orders.clear()

    def draw(self, method: str, target: str) -> Order | None:
        """Take the fault that this request is to suffer: of the first order that has one for it."""
        with self._lock:
            for index, order in enumerate(self._orders):
                if not order.matches(method, target):
                    continue
                if order.skip:
                    self._orders[index] = replace(order, skip=order.skip - 1)
                    continue
                self._orders[index] = replace(order, times=order.times - 1)
                return order
            return None


def flip_byte(body: bytes, at: int | None = None) -> bytes:
    """Return the body with every bit of one byte turned over; of the middle one for None."""
    if not body:
        return body
    place = min(len(body) // 2 if at is None else at, len(body) - 1)
    return body[:place] + bytes([body[place] ^ 0xFF]) + body[place + 1 :]
