"""The HTTP that the stand-in stores share: requests and responses as values, ranges, a server.

A stand-in is a function from `Request` to `Response`; `start_server` serves it on loopback.
"""

import re
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from deployer.sandbox.faults import Fault, Faults, flip_byte

__all__ = [
    "App",
    "Request",
    "Response",
    "RunningServer",
    "cut_range",
    "serve_forever",
    "start_server",
]

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


@dataclass(frozen=True, slots=True)
class Request:
    """One request: the raw path as it was sent, the query decoded, header names in any case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str] | Message
    body: bytes = b""

    @classmethod
    def of(cls, method: str, target: str, headers: Message, body: bytes = b"") -> "Request":
        """Read the request target ``/path?query``."""
        parts = urlsplit(target)
        return cls(method, parts.path, _parse_query(parts.query), headers, body)

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


class RunningServer:
    """A server on loopback, serving from threads of its own until `close`."""

    def __init__(self, app: App, port: int, faults: Faults, path: str = "") -> None:
        self.faults = faults
        self._server = _Server(("127.0.0.1", port), _handler(app, faults))
        self.port = int(self._server.server_address[1])
        self.url = f"http://127.0.0.1:{self.port}{path}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening and cut every open connection, as a cloud that goes away does."""
        self._server.shutdown()
        self._server.server_close()
        self._server.cut_connections()
        self._thread.join()


def start_server(app: App, *, port: int = 0, path: str = "") -> RunningServer:
    """Serve ``app`` on 127.0.0.1; port 0 takes a free one. ``path`` is part of the URL only."""
    return RunningServer(app, port, Faults(), path)


def serve_forever(start: Callable[[], RunningServer], name: str) -> None:
    """Run a stand-in as a process: print one ready line, serve until SIGTERM or SIGINT."""
    stops = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, stops)
    server = start()
    print(f"{name} ready on {server.url}", flush=True)  # noqa: T201 - the ready line
    signal.sigwait(stops)
    server.close()


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

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(address, handler)

    def get_request(self) -> tuple[socket.socket, object]:
        connection, address = super().get_request()
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(
        self, request: socket.socket | tuple[bytes, socket.socket], client_address: object
    ) -> None:
        """Report a fault of ours; a client that hung up is none."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def cut_connections(self) -> None:
        for connection in tuple(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # the client was quicker


def _handler(app: App, faults: Faults) -> type[BaseHTTPRequestHandler]:
    verbs = {f"do_{method}": _Handler.answer for method in _METHODS}
    return type("Handler", (_Handler,), {"app": staticmethod(app), "faults": faults, **verbs})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave in one write
    app: Callable[[Request], Response]
    faults: Faults

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Log nothing."""

    def answer(self) -> None:
        """Answer one request of any method, faults included."""
        request = Request.of(self.command, self.path, self.headers, self._read_body())
        fault = self.faults.draw(request.method, request.path)
        if fault is Fault.REFUSE:
            self._send(Response(503, headers={"Retry-After": "1"}))
            return
        if fault is Fault.CORRUPT_REQUEST:
            request = replace(request, body=flip_byte(request.body))
        response = self.app(request)
        if fault is Fault.LOSE_RESPONSE:
            self.close_connection = True
            return
        if fault is Fault.CORRUPT_RESPONSE:
            response = replace(response, body=flip_byte(response.body))
        self._send(response)

    def _send(self, response: Response) -> None:
        self.send_response(response.status)
        headers = {"Content-Length": str(len(response.body)), **response.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)
        self.wfile.flush()

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return b"".join(self._read_chunks())
        return self._read_exactly(int(self.headers.get("Content-Length") or 0))

    def _read_chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline().split(b";")[0], 16):
            yield self._read_exactly(size)
            self.rfile.readline()
        self.rfile.readline()

    def _read_exactly(self, size: int) -> bytes:
        body = self.rfile.read(size)
        if len(body) < size:
            raise ConnectionError("the client hung up in the middle of its request")
        return body
