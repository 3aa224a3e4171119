"""The HTTP that the stand-in stores share: requests and responses as values, ranges, a server.

A stand-in is a function from `Request` to `Response`; `start_server` serves it on loopback.
"""

import re
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from email.message import Message
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from deployer.sandbox.certificate import Certificate, make_certificate
from deployer.sandbox.control import CONTROL, answer_control
from deployer.sandbox.faults import ANSWERS, Fault, Faults, Order, flip_byte
from deployer.sandbox.traffic import Exchange, Traffic
from deployer.sandbox.wire import Wire

__all__ = [
    "App",
    "Refuse",
    "Request",
    "Response",
    "RunningServer",
    "cut_range",
    "start_server",
]

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


@dataclass(frozen=True, slots=True)
class Request:
    """One request: the raw path as it was sent, the query decoded, header names in any case.

    ``scheme`` is how it came: ``http`` or ``https``.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str] | Message
    body: bytes = b""
    scheme: str = "http"

    @classmethod
    def of(
        cls, method: str, target: str, headers: Message, body: bytes = b"", scheme: str = "http"
    ) -> "Request":
        """Read the request target ``/path?query``."""
        parts = urlsplit(target)
        return cls(method, parts.path, _parse_query(parts.query), headers, body, scheme)

    def header(self, name: str) -> str | None:
        """Return the header's value, or None."""
        return self.headers.get(name)


@dataclass(frozen=True, slots=True)
class Response:
    """What goes back; ``Content-Length`` is set when it is sent."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


App = Callable[[Request], Response]
Refuse = Callable[[Request, Order], Response]
"""How a service says what `ANSWERS` stand for, in its own words."""


def _refuse_plainly(_: Request, order: Order) -> Response:
    status = {Fault.REFUSE: 503, Fault.FORBID: 403, Fault.EXPIRE: 401}.get(order.fault, 200)
    return Response(status)


class RunningServer:
    """A server on loopback, serving from threads of its own until `close`.

    Attributes:
        url: Where it is, without a slash at the end.
        faults: What it is to do wrong.
        traffic: What it was asked.
        authority: The certificate, in PEM, that clients must trust; empty without TLS.
    """

    def __init__(
        self, app: App, port: int, *, refuse: Refuse, path: str = "", tls: bool = False
    ) -> None:
        self.faults = Faults()
        self.traffic = Traffic()
        certificate = make_certificate() if tls else None
        self.authority = certificate.authority if certificate else b""
        service = _Service(app, refuse, self.faults, self.traffic, threading.Event())
        self._stop = service.stop
        self._server = _Server(("127.0.0.1", port), _handler(service, tls=tls), certificate)
        self.port = int(self._server.server_address[1])
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}{path}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening and cut every open connection, as a cloud that goes away does."""
        self._stop.set()
        self._server.shutdown()
        self._server.server_close()
        self._server.cut_connections()
        self._thread.join()


def start_server(
    app: App,
    *,
    port: int = 0,
    path: str = "",
    refuse: Refuse = _refuse_plainly,
    tls: bool = False,
) -> RunningServer:
    """Serve ``app`` on 127.0.0.1; port 0 takes a free one. ``path`` is part of the URL only."""
    return RunningServer(app, port, refuse=refuse, path=path, tls=tls)


def cut_range(body: bytes, header: str | None) -> tuple[int, bytes, dict[str, str]]:
    """Return status, bytes and ``Content-Range`` for a ``Range`` header (RFC 9110 §14).

    200 and everything without one (or with one we cannot read), 206 and the part, 416 and nothing
    when it starts behind the end.
    """
    match = _RANGE.fullmatch(header or "")
    if match is None or not (match[1] or match[2]):
        return 200, body, {}
    size = len(body)
    start = int(match[1]) if match[1] else max(0, size - int(match[2]))
    end = min(int(match[2]), size - 1) if match[1] and match[2] else size - 1
    if start >= size or start > end:
        return 416, b"", {"Content-Range": f"bytes */{size}"}
    return 206, body[start : end + 1], {"Content-Range": f"bytes {start}-{end}/{size}"}


def _parse_query(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split("&") if part)
    return {unquote(name): unquote(value) for name, _, value in pairs}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(
        self,
        address: tuple[str, int],
        handler: type[BaseHTTPRequestHandler],
        certificate: Certificate | None,
    ) -> None:
        self._open: set[socket.socket] = set()
        self._certificate = certificate
        super().__init__(address, handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection; the TLS handshake is left to its own thread."""
        connection, address = super().get_request()
        if self._certificate is not None:
            connection = self._certificate.context.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(
        self, request: socket.socket | tuple[bytes, socket.socket], client_address: object
    ) -> None:
        """Report a fault of ours; a client that hung up, or does not trust us, is none."""
        if not isinstance(sys.exception(), ConnectionError | ssl.SSLError):
            super().handle_error(request, client_address)

    def cut_connections(self) -> None:
        for connection in tuple(self._open):
            try:
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
            except OSError:
                continue  # the client was quicker


@dataclass(frozen=True, slots=True)
class _Service:
    app: App
    refuse: Refuse
    faults: Faults
    traffic: Traffic
    stop: threading.Event

    def answer(self, request: Request, order: Order | None) -> Response:
        """Let the app answer, or say in its stead what was ordered."""
        if order is None:
            return self.app(request)
        if order.fault in ANSWERS:
            return self.refuse(request, order)
        if order.fault is Fault.CORRUPT_REQUEST:
            request = replace(request, body=flip_byte(request.body, order.at))
        response = self.app(request)
        if order.fault is Fault.HIDE and response.status == HTTPStatus.NOT_FOUND:
            return self.refuse(request, replace(order, fault=Fault.FORBID))
        if order.fault is Fault.CORRUPT_RESPONSE:
            response = replace(response, body=flip_byte(response.body, order.at))
        return response


def _handler(service: _Service, *, tls: bool) -> type[BaseHTTPRequestHandler]:
    verbs = {f"do_{method}": _Handler.answer for method in _METHODS}
    scheme = "https" if tls else "http"
    return type("Handler", (_Handler,), {"service": service, "scheme": scheme, **verbs})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave in one write
    service: _Service
    scheme: str

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Log nothing."""

    def handle_expect_100(self) -> bool:
        """Ask for the body at once: what is buffered here would be waited for there."""
        self.send_response_only(100)
        self.end_headers()
        self.wfile.flush()
        return True

    def answer(self) -> None:
        """Answer one request of any method, faults included."""
        if self.path.startswith(CONTROL):
            self._answer_control()
            return
        order = self.service.faults.draw(self.command, self.path)
        fault = order.fault if order else ""
        exchange = self.service.traffic.begin(self.command, self.path, fault)
        wire = self._wire(exchange)
        body = wire.read_body(self.headers, order)
        request = Request.of(self.command, self.path, self.headers, body, self.scheme)
        response = self.service.answer(request, order)
        if order is not None and order.fault is Fault.LOSE_RESPONSE:
            self.close_connection = True
            return
        if order is not None and order.fault is Fault.DELAY:
            wire.wait(order.seconds)
        exchange.status = response.status
        self._send(wire, response, order)

    def _wire(self, exchange: Exchange) -> Wire:
        return Wire(self.connection, self.rfile, self.wfile, self.service.stop, exchange)

    def _answer_control(self) -> None:
        wire = self._wire(Exchange(self.command, self.path))
        body = wire.read_body(self.headers, None)
        faults, traffic = self.service.faults, self.service.traffic
        status, document = answer_control(self.command, self.path, body, faults, traffic)
        self._send(wire, Response(status, document, {"Content-Type": "application/json"}), None)

    def _send(self, wire: Wire, response: Response, order: Order | None) -> None:
        self.send_response(response.status)
        headers = {"Content-Length": str(len(response.body)), **response.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            wire.write_body(response.body, order)
        self.wfile.flush()
