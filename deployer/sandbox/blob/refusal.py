"""How the service says no."""

from collections.abc import Mapping
from http import HTTPStatus
from xml.etree import ElementTree as ET

from deployer.sandbox.faults import Fault, Order
from deployer.sandbox.loopback import Request, Response

__all__ = ["RefusedError", "refuse_as_ordered"]

_ORDERED: Mapping[Fault, tuple[int, str, str]] = {
    Fault.REFUSE: (503, "ServerBusy", "The server is busy."),
    Fault.FORBID: (403, "AuthorizationPermissionMismatch", "Not with this permission."),
    Fault.EXPIRE: (401, "InvalidAuthenticationInfo", "Lifetime validation failed: expired."),
    Fault.ERROR_BODY: (200, "InternalError", "The server encountered an internal error."),
}


class RefusedError(Exception):
    """An answer other than success: HTTP status, the service's error code, a sentence."""

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}

    def as_response(self) -> Response:
        """Return the error document; 304 has a code but no body."""
        headers = {"x-ms-error-code": self.code, "Content-Type": "application/xml", **self.headers}
        if self.status == HTTPStatus.NOT_MODIFIED:
            return Response(304, headers=headers)
        root = ET.Element("Error")
        ET.SubElement(root, "Code").text = self.code
        ET.SubElement(root, "Message").text = self.message
        body = ET.tostring(root, xml_declaration=True, encoding="utf-8")
        return Response(self.status, body, headers)


def refuse_as_ordered(_: Request, order: Order) -> Response:
    """Return what the service says when it is in the state that was ordered."""
    answer = RefusedError(*_ORDERED[order.fault]).as_response()
    if order.fault is not Fault.REFUSE:
        return answer
    later = {"Retry-After": f"{order.seconds:.0f}"}
    return Response(answer.status, answer.body, {**answer.headers, **later})
