"""How the service says no."""

from collections.abc import Mapping
from http import HTTPStatus
from xml.etree import ElementTree as ET

from deployer.sandbox.faults import Fault, Order
from deployer.sandbox.loopback import Request, Response

__all__ = ["RefusedError", "refuse_as_ordered"]

_ORDERED: Mapping[Fault, tuple[int, str, str]] = {
    Fault.REFUSE: (503, "SlowDown", "Please reduce your request rate."),
    Fault.FORBID: (403, "AccessDenied", "Access Denied"),
    Fault.EXPIRE: (400, "ExpiredToken", "The provided token has expired."),
    Fault.ERROR_BODY: (200, "InternalError", "We encountered an internal error."),
}


class RefusedError(Exception):
    """An answer other than success: HTTP status, error code, sentence, more to tell by name."""

    def __init__(self, status: int, code: str, message: str, **more: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.more = more

    def as_response(self) -> Response:
        """Return the error document; 304 has none."""
        if self.status == HTTPStatus.NOT_MODIFIED:
            return Response(304)
        root = ET.Element("Error")
        for name, text in {"Code": self.code, "Message": self.message, **self.more}.items():
            ET.SubElement(root, name).text = text
        headers = {"Content-Type": "application/xml"}
        if "Region" in self.more:
            headers["x-amz-bucket-region"] = self.more["Region"]
        return Response(
            self.status, ET.tostring(root, xml_declaration=True, encoding="utf-8"), headers
        )


def refuse_as_ordered(_: Request, order: Order) -> Response:
    """Return what the service says when it is in the state that was ordered."""
    answer = RefusedError(*_ORDERED[order.fault]).as_response()
    if order.fault is not Fault.REFUSE:
        return answer
    later = {"Retry-After": f"{order.seconds:.0f}"}
    return Response(answer.status, answer.body, {**answer.headers, **later})
