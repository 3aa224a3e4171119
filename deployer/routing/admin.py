"""Orders over HTTP, on a listener of their own that only this machine can reach."""

import hmac
import math
import re
from collections.abc import Callable, Iterator
from http import HTTPStatus
from urllib.parse import parse_qsl

from deployer.routing.admin_orders import (
    EJECTION_SECONDS,
    LARGEST_WEIGHT,
    AdminOrder,
    AdminOrders,
    Verb,
    record_order,
)
from deployer.routing.events import EventLog
from deployer.routing.fields import find_field
from deployer.routing.local_answer import Page
from deployer.routing.messages import Refusal, RequestHead, json_document, origin_form
from deployer.values import Json

__all__ = ["LARGEST_SECONDS", "LONGEST_NAME", "SCHEMA", "AdminDesk"]

_ORDERS = re.compile(rb"/-/(?:(?P<deployment>[^/]+)/)?orders/(?P<verb>.*)", re.DOTALL)
SCHEMA = "deployer/router-order/v1"
LARGEST_SECONDS = 86400.0
"""A day; who needs longer drains."""

LONGEST_NAME = 300
"""Characters; a record of events is read by people, line by line."""


class AdminDesk:
    """Answers on the admin listener: pages for all, orders for those who may give them.

    Args:
        find_orders: Returns what carries out a deployment's orders, by its name; an empty one
            stands for the only one.
        show: Finds any other page.
        now: The router's monotonic time.
        token: What an order must come with; None where the file system says who may connect.
    """

    def __init__(
        self,
        find_orders: Callable[[str], AdminOrders | Refusal],
        events: EventLog,
        *,
        show: Callable[[RequestHead], Page],
        now: Callable[[], float],
        token: str | None,
    ) -> None:
        self._find_orders = find_orders
        self._events = events
        self._show = show
        self._now = now
        self._token = token

    def find_page(self, head: RequestHead, peer: bytes) -> Page:
        """Return the page for a request; nothing is ever passed on from here."""
        path, _, query = origin_form(head.target).partition(b"?")
        asked = _ORDERS.fullmatch(path)
        if asked is None:
            return self._show(head)
        verb = asked["verb"].decode("ascii", "replace")
        deployment = (asked["deployment"] or b"").decode("ascii", "replace")
        return lambda: self._answer(head, peer.decode("ascii"), deployment, verb, query)

    def _answer(
        self, head: RequestHead, peer: str, deployment: str, verb: str, query: bytes
    ) -> tuple[int, Json]:
        if head.method != b"POST":
            return 405, json_document({"error": "orders are given by POST"}, {"Allow": "POST"})
        if not self._may_order(head):
            wanted = verb if verb in list(Verb) else "an order"
            record_order(self._events, "router", f"{wanted} refused", cause=_NO_TOKEN, by=peer)
            payload = {"error": "an order needs the router's token"}
            return 401, json_document(payload, {"WWW-Authenticate": "Bearer"})
        by = peer if self._token is None else f"token from {peer}"
        order = _read_order(verb, query, by)
        orders = self._find_orders(deployment)
        refusal = _give(orders, order, self._now())
        if refusal is not None:
            return refusal.status, {"error": refusal.message}
        (event,) = self._events.list_last(1)
        return 200, {"schema": SCHEMA, "event": event.to_json()}

    def _may_order(self, head: RequestHead) -> bool:
        if self._token is None:
            return True
        expected = b"Bearer " + self._token.encode()
        given = find_field(head, b"authorization")
        return given is not None and hmac.compare_digest(given, expected)


_NO_TOKEN = "no valid token"  # noqa: S105 - the opposite of one


def _give(orders: AdminOrders | Refusal, order: AdminOrder | Refusal, now: float) -> Refusal | None:
    if isinstance(order, Refusal):
        return order
    return orders if isinstance(orders, Refusal) else orders.give(order, now)


def _read_order(verb: str, query: bytes, by: str) -> AdminOrder | Refusal:
    if verb not in list(Verb):
        return Refusal(HTTPStatus.NOT_FOUND, f"there is no order {verb}")
    words = dict(parse_qsl(query.decode("ascii", "replace"), keep_blank_values=True))
    given = {"weight": "" if verb == Verb.WEIGHT else "0", "seconds": f"{EJECTION_SECONDS}"} | words
    fault = next(_find_faults(given), None)
    if fault is not None:
        return Refusal(HTTPStatus.BAD_REQUEST, fault)
    weight, seconds = int(given["weight"]), float(given["seconds"])
    return AdminOrder(Verb(verb), given["target"], by, weight=weight, seconds=seconds)


def _find_faults(given: dict[str, str]) -> Iterator[str]:
    name = given.get("target", "")
    if not name or not name.isprintable() or len(name) > LONGEST_NAME:
        yield "target= must be a name"
    if not (given["weight"].isdecimal() and int(given["weight"]) <= LARGEST_WEIGHT):
        yield f"weight= must be 0 to {LARGEST_WEIGHT}"
    if not _is_time(given["seconds"]):
        yield f"seconds= must be more than 0, and at most {LARGEST_SECONDS:g}"


def _is_time(text: str) -> bool:
    try:
        seconds = float(text)
    except ValueError:
        return False
    return math.isfinite(seconds) and 0.0 < seconds <= LARGEST_SECONDS
