"""The side a request comes from, when that is this program: a request in, its answer out."""

import asyncio
import re
from collections.abc import Mapping

import httptools

from deployer.client.answer import Answer, check_answer
from deployer.errors import DeployerError, ProviderError, SourceError
from deployer.routing.messages import RequestHead, check_request, read_request_head
from deployer.routing.request import Request

__all__ = ["Caller", "make_head"]

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A field's name (RFC 9110, 5.6.2)."""

_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_TARGET = re.compile(r"/[\x21-\x7e]*")
_OURS = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "host",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Fields that say how a message is framed, which is not the caller's business."""


def make_head(method: str, path: str, headers: Mapping[str, str], body: bytes) -> RequestHead:
    """Return the head of a request.

    Raises:
        SourceError: A part of it can't go over the wire as it is, or must not.
    """
    if not (_NAME.fullmatch(method) and _TARGET.fullmatch(path)):
        raise SourceError(f"{method} {path!r} is no request", hint="A path begins with a slash.")
    for name, value in headers.items():
        if name.lower() in _OURS or not (_NAME.fullmatch(name) and _VALUE.fullmatch(value)):
            raise SourceError(f"the header {name!r} can't be sent")
    fields = [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]
    fields.append((b"Host", b"client"))
    if body or method not in ("GET", "HEAD"):
        fields.append((b"Content-Length", b"%d" % len(body)))
    target = path.encode("ascii")
    head = read_request_head(method.encode("ascii"), target, "1.1", fields, keep_alive=True)
    refusal = check_request(head)
    if refusal is not None:
        raise SourceError(f"{method} {path}: {refusal.message}")
    return head


class Caller:
    """See `Client` of the routing: takes the response's bytes in and makes an `Answer` of them."""

    peer = b"unknown"
    writable = True

    def __init__(self, request: Request, path: str, loop: asyncio.AbstractEventLoop) -> None:
        self.answer: asyncio.Future[Answer] = loop.create_future()
        self._request = request
        self._path = path
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[str, str] = {}
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> None:
        """See `Client.write`."""
        self._parser.feed_data(data)

    def hold(self, *, held: bool) -> None:
        """See `Client.hold`; the request is here already, whole."""

    def hand_over(self) -> None:
        """See `Client.hand_over`: there is no connection behind it."""

    def cut(self, *, at_once: bool) -> None:
        """See `Client.cut`."""
        del at_once
        self.fail("the answer was cut short", hint="The request was executed, at least in part.")

    def fail(self, reason: str, *, hint: str) -> None:
        """Let the one who waits know that no answer will come."""
        if not self.answer.done():
            self.answer.set_exception(
                ProviderError(
                    f"{self._path}: {reason}", operation="send", resource=self._path, hint=hint
                )
            )

    def end_turn(self, *, keep_alive: bool) -> None:
        """See `Client.end_turn`."""
        del keep_alive
        if self.answer.done():
            return
        status, body = self._parser.get_status_code(), b"".join(self._parts)
        try:
            answer = check_answer(
                status, self._headers, body, path=self._path, sent=self._request.taken
            )
        except DeployerError as error:
            self.answer.set_exception(error)
        else:
            self.answer.set_result(answer)

    def on_header(self, name: bytes, value: bytes) -> None:
        """See `httptools.HTTPProtocol`; a field that comes twice is one list (RFC 9110, 5.3)."""
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        known = self._headers.get(key)
        self._headers[key] = text if known is None else f"{known}, {text}"

    def on_body(self, body: bytes) -> None:
        """See `httptools.HTTPProtocol`."""
        self._parts.append(body)
