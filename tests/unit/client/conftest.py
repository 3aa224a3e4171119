"""Backends on loopback, each in a thread, that do as they are told."""

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import pytest


class Backend(ThreadingHTTPServer):
    """Answers probes, and every other request as ``mode`` says; ``executed`` are their bodies.

    ``ok``, ``500``, ``503``, ``cut`` (in the middle of its answer), ``close`` (without any), or
    ``wait`` until ``go_on`` is set.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.mode = "ok"
        self.executed: list[bytes] = []
        self.heads: list[dict[str, str]] = []
        self.asked = threading.Event()
        self.go_on = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/v2/health/ready":
            self.say(200, b"")
        else:
            self.execute()

    def do_POST(self) -> None:
        self.execute()

    def do_HEAD(self) -> None:
        self.execute()

    def execute(self) -> None:
        backend = cast("Backend", self.server)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        backend.executed.append(body)
        backend.heads.append({key.lower(): value for key, value in self.headers.items()})
        backend.asked.set()
        match backend.mode:
            case "cut":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\npart")
                self.close_connection = True
            case "close":
                self.close_connection = True
            case "wait":
                backend.go_on.wait(10)
                self.say(200, b"late")
            case mode:
                self.say(200 if mode == "ok" else int(mode), b'{"y": [1]}')

    def say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            with contextlib.suppress(OSError):
                self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Stay quiet."""


@pytest.fixture
def pair() -> Iterator[list[Backend]]:
    """Two backends that are well."""
    with contextlib.ExitStack() as stack:
        backends = [stack.enter_context(Backend()) for _ in range(2)]
        for backend in backends:
            threading.Thread(target=backend.serve_forever, args=(0.01,), daemon=True).start()
            stack.callback(backend.shutdown)
            stack.callback(backend.go_on.set)
        yield backends
