"""What becomes of a request whose head is there: it is passed on, or answered here."""

from deployer.routing.downstream import Client, Turn
from deployer.routing.exchange import Exchange
from deployer.routing.local_answer import LocalAnswer, Page
from deployer.routing.messages import Refusal, RequestHead, request_id
from deployer.routing.request import Request
from deployer.routing.retries import is_repeatable
from deployer.routing.way import Way

__all__ = ["make_refusal", "make_turn"]


def make_turn(client: Client, head: RequestHead, way: Way | Page) -> Turn:
    """Return what passes the request on that way, or answers it with that page."""
    if isinstance(way, Way):
        traffic = way.traffic
        ident = request_id(head) or traffic.make_ident()
        repeatable = is_repeatable(head.method, idempotent=traffic.idempotent)
        return Exchange(client, way, Request(head, ident, repeatable=repeatable))
    return LocalAnswer(
        client,
        way,
        version=head.version,
        keep_alive=head.keep_alive,
        bodiless=head.method == b"HEAD",
    )


def make_refusal(client: Client, refusal: Refusal, *, bodiless: bool) -> Turn:
    """Return what answers that a request is not passed on; the connection ends with it."""
    page = (refusal.status, {"error": refusal.message})
    return LocalAnswer(client, lambda: page, version="1.1", keep_alive=False, bodiless=bodiless)
