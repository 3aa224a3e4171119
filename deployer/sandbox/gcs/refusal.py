"""How the service says no."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from deployer.sandbox.faults import Fault, Order
from deployer.sandbox.loopback import Request, Response

__all__ = ["RefusedError", "json_response", "read_json", "refuse_as_ordered"]

_ORDERED: Mapping[Fault, tuple[int, str, str]] = {
    Fault.REFUSE: (503, "backendError", "Backend Error"),
    Fault.FORBID: (403, "forbidden", "The caller does not have storage permission for this."),
    Fault.EXPIRE: (401, "authError", "Invalid Credentials"),
    Fault.ERROR_BODY: (200, "backendError", "Backend Error"),
}


class RefusedError(Exception):
    """An answer other than success: HTTP status, machine-readable reason, sentence."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message

    def as_json(self) -> Response:
        """Return the JSON API's error document; 304 has none."""
        if self.status == HTTPStatus.NOT_MODIFIED:
            return Response(304)
        detail = {"message": self.message, "domain": "global", "reason": self.reason}
        error = {"code": self.status, "message": self.message, "errors": [detail]}
        return json_response({"error": error}, self.status)

    def as_xml(self) -> Response:
        """Return the XML API's error document."""
        body = f"<Error><Code>{self.reason}</Code><Message>{self.message}</Message></Error>"
        return Response(self.status, body.encode(), {"Content-Type": "application/xml"})


def json_response(document: object, status: int = 200) -> Response:
    """Return the document as JSON."""
    return Response(status, json.dumps(document).encode(), {"Content-Type": "application/json"})


def read_json(body: bytes) -> dict[str, Any]:
    """Return the JSON object in the body; an empty body is an empty object."""
    try:
        document = json.loads(body or b"{}")
    except ValueError as error:
        raise RefusedError(400, "parseError", "Parse Error") from error
    if not isinstance(document, dict):
        raise RefusedError(400, "parseError", "Expected a JSON object")
    return document


def refuse_as_ordered(request: Request, order: Order) -> Response:
    """Return what the service says when it is in the state that was ordered."""
    refused = RefusedError(*_ORDERED[order.fault])
    xml = "uploadId" in request.query or "uploads" in request.query
    answer = refused.as_xml() if xml else refused.as_json()
    if order.fault is not Fault.REFUSE:
        return answer
    later = {"Retry-After": f"{order.seconds:.0f}"}
    return Response(answer.status, answer.body, {**answer.headers, **later})
