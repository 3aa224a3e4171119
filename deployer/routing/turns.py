"""What becomes of a request whose head is there: it is passed on, or answered here."""

from deployer.routing.downstream import Client, Turn
from deployer.routing.exchange import Exchange
from deployer.routing.local_answer import LocalAnswer, Page
from deployer.routing.messages import Refusal, RequestHead, request_id
from deployer.routing.request import Request
from deployer.routing.retries import is_repeatable
from deployer.routing.traffic import Traffic
from deployer.routing.turned_away import TurnedAway
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


def make_refusal(
    client: Client, traffic: Traffic, refusal: Refusal, head: RequestHead | None
) -> Turn:
    """Return what answers that a request is not passed on; the connection ends with it.

    Args:
        head: None when it was not understood.
    """
    answer = (refusal.status, {"error": refusal.message})
    page = TurnedAway(traffic, lambda: answer, head=head, peer=client.peer)
    bodiless = head is not None and head.method == b"HEAD"
    return LocalAnswer(client, page, version="1.1", keep_alive=False, bodiless=bodiless)
