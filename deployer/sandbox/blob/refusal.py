"""How the service says no."""

from http import HTTPStatus
from xml.etree import ElementTree as ET

from deployer.sandbox.loopback import Response

__all__ = ["RefusedError"]


class RefusedError(Exception):
    """An answer other than success: HTTP status, the service's error code, a sentence."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def as_response(self) -> Response:
        """Return the error document; 304 has a code but no body."""
        headers = {"x-ms-error-code": self.code, "Content-Type": "application/xml"}
        if self.status == HTTPStatus.NOT_MODIFIED:
            return Response(304, headers=headers)
        root = ET.Element("Error")
        ET.SubElement(root, "Code").text = self.code
        ET.SubElement(root, "Message").text = self.message
        body = ET.tostring(root, xml_declaration=True, encoding="utf-8")
        return Response(self.status, body, headers)
