"""What is noted of a request on its way: for its log line, and for what the client is told."""

from dataclasses import dataclass, field

from deployer.routing.messages import origin_form
from deployer.routing.request import Request
from deployer.values import Json

__all__ = ["Passage"]


@dataclass(slots=True)
class Passage:
    """Times are the loop's, in seconds.

    Attributes:
        tried: Keys of the backends, in order; one may be there twice.
        failures: What went wrong, in order, in a few words each.
        sent: Bytes of the response's body.
    """

    request: Request
    peer: bytes
    began: float
    first_byte: float | None = None
    tried: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    sent: int = 0

    def to_headers(self, *, panic: bool) -> bytes:
        """Return what a response says of its way: field lines, as RFC 9112 has them."""
        return b"X-Request-Id: %b\r\nX-Deployer-Target: %b\r\nX-Deployer-Attempts: %d\r\n%b" % (
            self.request.ident,
            self.tried[-1].encode() if self.tried else b"",
            len(self.tried),
            b"X-Deployer-Panic: 1\r\n" if panic else b"",
        )

    def explain(self, message: str) -> Json:
        """Return the body of an answer of our own."""
        ident = self.request.ident.decode("ascii")
        return {"error": message, "attempts": self.failures, "request_id": ident}

    def to_line(self, status: int, now: float) -> dict[str, Json]:
        """Return the record for the access log: no query, no headers, no bodies."""
        head, first = self.request.head, self.first_byte
        return {
            "id": self.request.ident.decode("ascii"),
            "client": self.peer.decode("ascii"),
            "method": head.method.decode("ascii"),
            "path": origin_form(head.target).partition(b"?")[0].decode("ascii", "replace"),
            "status": status,
            "backend": self.tried[-1] if self.tried else None,
            "attempts": len(self.tried),
            "failures": self.failures,
            "bytes_in": self.request.received,
            "bytes_out": self.sent,
            "first_byte_ms": None if first is None else round((first - self.began) * 1000, 3),
            "duration_ms": round((now - self.began) * 1000, 3),
        }
