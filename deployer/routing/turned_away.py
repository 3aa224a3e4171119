"""A request that is answered here instead of being passed on, and has its line in the log.

It is no part of ``answers``: a flood of refusals would hide that predictions fail. It is counted by
its reason (`DoorCounts`), or as refused where it was not understood.
"""

import json
from http import HTTPStatus

from deployer.routing.local_answer import Page
from deployer.routing.messages import Document, RequestHead, request_id
from deployer.routing.passage import Passage
from deployer.routing.request import Request
from deployer.routing.traffic import Traffic
from deployer.values import Json

__all__ = ["TurnedAway"]

_NOT_UNDERSTOOD = RequestHead(b"-", b"", "1.1", keep_alive=False, lines=b"", special={})


class TurnedAway:
    """A `Page` that writes a line when it is made: the same as any request's, without a backend.

    Args:
        head: None when it was not understood.
    """

    def __init__(
        self, traffic: Traffic, page: Page, *, head: RequestHead | None, peer: bytes
    ) -> None:
        self._traffic = traffic
        self._page = page
        head = head or _NOT_UNDERSTOOD
        request = Request(head, request_id(head) or traffic.make_ident(), repeatable=False)
        self._passage = Passage(request, peer, began=traffic.now(), fields={})

    def __call__(self) -> tuple[int, Json]:
        """Return the status and the body."""
        status, payload = self._page()
        if self._traffic.log is not None:
            if status >= HTTPStatus.BAD_REQUEST:
                self._passage.failures.append(_reason_of(payload))
            now = self._traffic.now()
            self._traffic.log(self._passage.to_line(status, now), now)
        return status, payload


def _reason_of(payload: Json | Document) -> str:
    said = json.loads(payload.body) if isinstance(payload, Document) else payload
    return str(said["error"])
