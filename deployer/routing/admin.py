"""Orders over HTTP, on a listener of their own that only this machine can reach."""

import hmac
import math
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import parse_qsl

from deployer.routing.events import EventLog
from deployer.routing.local_answer import Page
from deployer.routing.messages import Refusal, RequestHead, json_document, origin_form
from deployer.routing.orders import EJECTION_SECONDS, LARGEST_WEIGHT, Order, Orders, Verb
from deployer.values import Json

__all__ = ["LARGEST_SECONDS", "ORDERS_PATH", "SCHEMA", "AdminDesk"]

ORDERS_PATH = b"/-/orders/"
SCHEMA = "deployer/router-order/v1"
LARGEST_SECONDS = 86400.0
"""A day; who needs longer drains."""


class AdminDesk:
    """Answers on the admin listener: pages for all, orders for those who may give them.

    Args:
        show: Finds any other page.
        now: The router's monotonic time.
        token: What an order must come with; None where the file system says who may connect.
    """

    def __init__(
        self,
        orders: Orders,
        events: EventLog,
        *,
        show: Callable[[RequestHead], Page],
        now: Callable[[], float],
        token: str | None,
    ) -> None:
        self._orders = orders
        self._events = events
        self._show = show
        self._now = now
        self._token = token

    def find_page(self, head: RequestHead, peer: bytes) -> Page:
        """Return the page for a request; nothing is ever passed on from here."""
        path, _, query = origin_form(head.target).partition(b"?")
        if not path.startswith(ORDERS_PATH):
            return self._show(head)
        verb = path.removeprefix(ORDERS_PATH).decode("ascii", "replace")
        return lambda: self._answer(head, peer.decode("ascii"), verb, query)

    def _answer(self, head: RequestHead, peer: str, verb: str, query: bytes) -> tuple[int, Json]:
        if head.method != b"POST":
            return 405, json_document({"error": "orders are given by POST"}, {"Allow": "POST"})
        if not self._may_order(head):
            self._orders.record("router", f"{verb} refused", cause="no valid token", by=peer)
            payload = {"error": "an order needs the router's token"}
            return 401, json_document(payload, {"WWW-Authenticate": "Bearer"})
        by = peer if self._token is None else f"token from {peer}"
        order = _read_order(verb, query, by)
        refusal = order if isinstance(order, Refusal) else self._orders.give(order, self._now())
        if refusal is not None:
            return refusal.status, {"error": refusal.message}
        (event,) = self._events.list_last(1)
        return 200, {"schema": SCHEMA, "event": event.to_json()}

    def _may_order(self, head: RequestHead) -> bool:
        if self._token is None:
            return True
        expected = b"Bearer " + self._token.encode()
        given = [value for name, value in map(_split, head.lines) if name == b"authorization"]
        return len(given) == 1 and hmac.compare_digest(given[0], expected)


def _split(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b":")
    return name.lower(), value.strip()


def _read_order(verb: str, query: bytes, by: str) -> Order | Refusal:
    if verb not in list(Verb):
        return Refusal(HTTPStatus.NOT_FOUND, f"there is no order {verb}")
    given = dict(parse_qsl(query.decode("ascii", "replace"), keep_blank_values=True))
    name, weight = given.get("target", ""), given.get("weight", "0")
    seconds = _read_seconds(given.get("seconds", str(EJECTION_SECONDS)))
    if not name:
        return Refusal(HTTPStatus.BAD_REQUEST, "target= is missing")
    if verb == Verb.WEIGHT and "weight" not in given:
        return Refusal(HTTPStatus.BAD_REQUEST, "weight= is missing")
    if not (weight.isdecimal() and int(weight) <= LARGEST_WEIGHT):
        return Refusal(HTTPStatus.BAD_REQUEST, f"weight= must be 0 to {LARGEST_WEIGHT}")
    if seconds is None:
        return Refusal(HTTPStatus.BAD_REQUEST, f"seconds= must be 0 to {LARGEST_SECONDS:g}")
    return Order(Verb(verb), name, by, weight=int(weight), seconds=seconds)


def _read_seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and 0.0 < seconds <= LARGEST_SECONDS else None
