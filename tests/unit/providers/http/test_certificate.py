import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme

from deployer.errors import TransientError
from deployer.ports import HttpRequest
from deployer.providers.http.probe import HttpProbe
from deployer.providers.local.clock import SystemClock

PROBE = HttpProbe(SystemClock())
NOW = SystemClock().now().replace(microsecond=0)


class Ok(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """Return an authority that this process believes in."""
    authority = trustme.CA()
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(file)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    return authority


@contextmanager
def tls_server(authority: trustme.CA, ends: datetime) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(
        "localhost", not_before=datetime(2020, 1, 1, tzinfo=UTC), not_after=ends
    ).configure_cert(context)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Ok)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"https://localhost:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def test_an_answer_over_tls_says_until_when_its_certificate_holds(authority: trustme.CA) -> None:
    ends = NOW + timedelta(days=9)
    with tls_server(authority, ends) as url:
        answer = PROBE.send(url, HttpRequest(), timeout_seconds=5)
    assert answer.status == 200
    assert answer.certificate is not None
    assert answer.certificate.ends == ends
    assert answer.certificate.begins == datetime(2020, 1, 1, tzinfo=UTC)


def test_a_certificate_that_has_expired_is_no_answer_and_is_named(authority: trustme.CA) -> None:
    with (
        tls_server(authority, NOW - timedelta(days=1)) as url,
        pytest.raises(TransientError, match=r"TLS failed .*certificate has expired"),
    ):
        PROBE.send(url, HttpRequest(), timeout_seconds=5)
