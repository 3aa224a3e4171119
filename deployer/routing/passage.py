"""What is noted of a request on its way: for its log line, and for what the client is told."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from http import HTTPStatus

from deployer.routing.cors import drop_origins, encode_fields
from deployer.routing.messages import (
    ResponseHead,
    encode_response,
    local_response,
    origin_form,
)
from deployer.routing.request import Request

__all__ = ["UNSERVED", "Passage"]

UNSERVED = {
    502: "the backend did not answer",
    503: "no backend can take this request",
    504: "the backend did not answer in time",
}
"""What a client is told that gets no answer of a backend."""

_LINE = (
    b'"id":"%b",%b,"status":%d,"backend":%b,"attempts":%d,"failures":%b,'
    b'"bytes_in":%d,"bytes_out":%d,"first_byte_ms":%b,"duration_ms":%.3f}\n'
)


class Passage:
    """Times are the loop's, in seconds.

    Attributes:
        tried: Keys of the backends, in order; one may be there twice.
        failures: What went wrong, in order, in a few words each.
        sent: Bytes of the response's body.
        fields: What the answer says to browsers.
    """

    __slots__ = ("began", "failures", "fields", "first_byte", "peer", "request", "sent", "tried")

    def __init__(
        self, request: Request, peer: bytes, began: float, fields: Mapping[str, str]
    ) -> None:
        self.fields = fields
        self.request = request
        self.peer = peer
        self.began = began
        self.first_byte: float | None = None
        self.tried: list[str] = []
        self.failures: list[str] = []
        self.sent = 0

    def encode_answer(
        self, head: ResponseHead, *, keep_alive: bool, panic: bool
    ) -> tuple[bytes, bool, bool]:
        """See `encode_response`; the answer says of its way here, too."""
        if self.fields:
            lines = drop_origins(head.lines) + encode_fields(self.fields)
            head = replace(head, lines=lines)  # that of another answer may be the same one
        extra = self.to_headers(panic=panic)
        return encode_response(head, self.request.head, keep_alive=keep_alive, extra=extra)

    def to_headers(self, *, panic: bool) -> bytes:
        """Return what a response says of its way: field lines, as RFC 9112 has them."""
        return b"X-Request-Id: %b\r\nX-Deployer-Target: %b\r\nX-Deployer-Attempts: %d\r\n%b" % (
            self.request.ident,
            self.tried[-1].encode() if self.tried else b"",
            len(self.tried),
            b"X-Deployer-Panic: 1\r\n" if panic else b"",
        )

    def to_refusal(self, status: int, message: str, *, keep_alive: bool) -> bytes:
        """Return a whole answer of our own, which names every attempt."""
        head, ident = self.request.head, self.request.ident.decode("ascii")
        extra = {**self.fields, "X-Request-Id": ident, "X-Deployer-Attempts": str(len(self.tried))}
        if status == HTTPStatus.SERVICE_UNAVAILABLE:  # RFC 9110, 15.6.4
            extra["Retry-After"] = "1"
        return local_response(
            status,
            {"error": message, "attempts": self._list_failures(), "request_id": ident},
            version=head.version,
            keep_alive=keep_alive,
            bodiless=head.method == b"HEAD",
            extra=extra,
        )

    def to_line(self, status: int, now: float) -> bytes:
        """Return a line of the access log but its time: no query, no headers, no bodies.

        Written by hand: `json.dumps` of a dictionary takes four times as long.
        """
        request, first, began, tried = self.request, self.first_byte, self.began, self.tried
        return _LINE % (
            request.ident,
            _describe_ask(self.peer, request.head.method, request.head.target),
            status,
            _quote(tried[-1]) if tried else b"null",
            len(tried),
            json.dumps(self._list_failures()).encode() if self.failures else b"[]",
            request.received,
            self.sent,
            b"null" if first is None else b"%.3f" % ((first - began) * 1e3),
            (now - began) * 1e3,
        )

    def _list_failures(self) -> list[str]:
        """Return what went wrong, each once: who waits for a backend may fail many times alike."""
        counts = Counter(self.failures)
        return [why if n == 1 else f"{why} ({n} times)" for why, n in counts.items()]


@lru_cache(maxsize=64)
def _describe_ask(peer: bytes, method: bytes, target: bytes) -> bytes:
    path = origin_form(target).partition(b"?")[0].decode("ascii", "replace")
    return b'"client":"%b","method":"%b","path":%b' % (peer, method, json.dumps(path).encode())


@lru_cache(maxsize=64)
def _quote(text: str) -> bytes:
    return json.dumps(text).encode()
