"""A loopback server with TLS and a certificate of its own, that answers as a test tells it to."""

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from deployer.providers.local.clock import SystemClock


@dataclass(frozen=True)
class Asked:
    """A request that came in."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def token(self) -> str:
        return self.headers.get("authorization", "").removeprefix("Bearer ")


@dataclass(frozen=True)
class Say:
    """What to answer: JSON, or a stream of chunks."""

    document: Any = None
    status: int = 200
    chunks: Iterable[bytes] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class TlsServer:
    """Where it listens, the certificate to trust, and what it was asked."""

    url: str
    certificate: Path
    answer: Callable[[Asked], Say] = lambda _asked: Say({}, 404)
    asked: list[Asked] = field(default_factory=list)

    @property
    def authority(self) -> str:
        return self.certificate.read_text()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate of 127.0.0.1; its key lies beside it."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = SystemClock().now()
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder / "cert.pem"


@pytest.fixture
def make_tls_server(certificate: Path) -> Iterator[Callable[[], TlsServer]]:
    """Return what starts servers; they end with the test."""
    running: list[ThreadingHTTPServer] = []

    def start() -> TlsServer:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, certificate.with_name("key.pem"))
        server.socket = context.wrap_socket(server.socket, server_side=True)
        made = TlsServer(f"https://127.0.0.1:{server.server_address[1]}", certificate)
        server.made = made  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        running.append(server)
        return made

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


@pytest.fixture
def tls_server(make_tls_server: Callable[[], TlsServer]) -> TlsServer:
    """One server that has not been told what to answer."""
    return make_tls_server()


@pytest.fixture(scope="session")
def say() -> type[Say]:
    """The class of answers."""
    return Say


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        made: TlsServer = self.server.made  # type: ignore[attr-defined]
        parts = urlsplit(self.path)
        size = int(self.headers.get("Content-Length") or 0)
        asked = Asked(
            self.command,
            parts.path,
            dict(parse_qsl(parts.query)),
            {name.lower(): value for name, value in self.headers.items()},
            self.rfile.read(size),
        )
        made.asked.append(asked)
        said = made.answer(asked)
        body = b"" if said.chunks is not None else json.dumps(said.document).encode()
        self.send_response(said.status)
        self.send_header("Content-Type", "application/json")
        for name, value in said.headers.items():
            self.send_header(name, value)
        if said.chunks is None:
            self.send_header("Content-Length", str(len(body)))
        else:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self._write(body, said.chunks)

    do_POST = do_PATCH = do_DELETE = do_PUT = do_GET  # noqa: N815 - the library's names

    def _write(self, body: bytes, chunks: Iterable[bytes] | None) -> None:
        try:
            if chunks is None:
                self.wfile.write(body)
                return
            for chunk in chunks:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            self.wfile.write(b"0\r\n\r\n")
        except OSError:  # whoever asked has left
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Pages:
    """Serves recorded pages in turn, and remembers what was asked."""

    def __init__(self, pages: tuple[Any, ...]) -> None:
        self.asked: list[str] = []
        waiting, asked = list(pages), self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                page = waiting.pop(0)
                body = page if isinstance(page, str) else json.dumps(page)
                self.send_response(page if isinstance(page, int) else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/prices"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def serve_pages() -> Iterator[Callable[..., Pages]]:
    """Return a maker of a server of recorded pages: documents, texts, or a status alone."""
    made: list[Pages] = []

    def serve(*pages: Any) -> Pages:
        made.append(Pages(pages))
        return made[-1]

    yield serve
    for one in made:
        one.server.shutdown()
        one.server.server_close()


@pytest.fixture
def unused_port() -> int:
    """Return a port of this machine where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port
