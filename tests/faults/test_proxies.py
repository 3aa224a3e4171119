"""The stores behind a proxy, over TLS, with an authority of their own: as in many companies."""

import base64
import json
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, Self

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from deployer.artifact import Artifact, pull_artifact, push_artifact, scan_artifact
from deployer.errors import DeployerError, SetupError
from deployer.providers.gcp.connect import connect_store as connect_gcs
from deployer.providers.local.clock import SystemClock
from deployer.sandbox.faults import Fault
from deployer.sandbox.loopback import Request, Response, RunningServer, start_server
from tests.faults.stores import LIMITS, open_store
from tests.serving import serving

NOWHERE = "https://localhost:1"
each_cloud = pytest.mark.parametrize("cloud", ["s3", "gcs", "blob"])


class Proxy(socketserver.ThreadingTCPServer):
    """Opens tunnels (RFC 9110, CONNECT), all of them to one server; keeps what it was asked for."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Tunnel)
        self.port = 0
        self.asked: list[str] = []
        self.refuses = False

    def tunnels(self) -> set[str]:
        """Return where to; google-auth looks for policies behind our back, too."""
        return {line.split()[1] for line in self.asked}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Tunnel(socketserver.StreamRequestHandler):
    server: Proxy

    def handle(self) -> None:
        line = self.rfile.readline().decode()
        while self.rfile.readline() not in {b"\r\n", b""}:
            pass
        self.server.asked.append(line.strip())
        if self.server.refuses:
            self.wfile.write(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", self.server.port)) as there:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=pump, args=(there, self.connection), daemon=True)
            back.start()
            pump(self.connection, there)
            back.join()


def pump(one: socket.socket, other: socket.socket) -> None:
    try:
        while data := one.recv(1 << 16):
            other.sendall(data)
        other.shutdown(socket.SHUT_WR)
    except OSError:
        return


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    proxy = Proxy()
    with serving(proxy):
        yield proxy


def hand_out_tokens(request: Request) -> Response:
    """Answer as Google's token endpoint does: only to who says what time it is."""
    assertion = request.body.decode().partition("assertion=")[2]
    claims = assertion.split(".")[1]
    issued = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["iat"]
    if abs(issued - SystemClock().now().timestamp()) > 300:
        why = "Invalid JWT: Token must be a short-lived token and in a reasonable timeframe."
        body = {"error": "invalid_grant", "error_description": why}
        return Response(400, json.dumps(body).encode(), {"Content-Type": "application/json"})
    body = {"access_token": "t", "expires_in": "3600", "token_type": "Bearer"}
    return Response(200, json.dumps(body).encode(), {"Content-Type": "application/json"})


@pytest.fixture
def google_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningServer]:
    """A service account's key, and the server that takes it."""
    server = start_server(hand_out_tokens)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    account = {
        "type": "service_account",
        "project_id": "t",
        "private_key_id": "1",
        "private_key": key.decode(),
        "client_email": "models@t.iam.gserviceaccount.com",
        "token_uri": f"{server.url}/token",
    }
    (tmp_path / "login.json").write_text(json.dumps(account))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "login.json"))
    yield server
    server.close()


@pytest.fixture
def place(
    start_place: Callable[..., Any],
    cloud: str,
    google_login: RunningServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Any:
    """A store over TLS whose authority is trusted by the vendors' own settings."""
    del google_login
    for name in ("HTTP_PROXY", "http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    place = start_place(cloud, tls=True)
    (tmp_path / "ca.pem").write_bytes(place.server.authority)
    for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(name, str(tmp_path / "ca.pem"))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")  # nothing gets out of this machine
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
    place.cloud.make_bucket(place.server.url)
    return place


def open_at(place: Any, origin: str, seconds: float = 6.0) -> Any:
    path = place.server.url.partition("://")[2].partition("/")[2]
    endpoint = f"{origin}/{path}".rstrip("/")
    return open_store(place.cloud.connect, place.cloud.url, endpoint, seconds)


@each_cloud
def test_behind_a_proxy_it_is_the_same(
    place: Any, model: Artifact, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    proxy.port = place.server.port
    store = open_at(place, NOWHERE)
    push_artifact(model, store)
    pull_artifact(store, model.digest, tmp_path / "to", limits=LIMITS)
    assert scan_artifact(tmp_path / "to").digest == model.digest
    assert "localhost:1" in proxy.tunnels()


@each_cloud
def test_what_is_excepted_from_the_proxy_goes_straight(
    place: Any, model: Artifact, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
    straight = f"localhost:{place.server.port}"
    push_artifact(model, open_at(place, f"https://{straight}"))
    assert straight not in proxy.tunnels()


@each_cloud
def test_a_proxy_that_refuses_is_named(
    place: Any, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    proxy.refuses = True
    with pytest.raises(DeployerError, match=r"(?i)proxy"):
        open_at(place, NOWHERE, 1.0).put("k", b"body")


@each_cloud
def test_an_authority_nobody_trusts_is_named_at_once(
    place: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name)
    store = open_at(place, f"https://localhost:{place.server.port}")
    with pytest.raises(SetupError, match=r"(?i)certificate") as caught:
        store.put("k", b"body")
    assert "CA_BUNDLE" in str(caught.value.hint)


class HourAhead(datetime):
    """What google-auth takes for the time."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return cls.fromtimestamp(SystemClock().now().timestamp() + 3600, tz)


def test_a_clock_that_google_does_not_believe_is_named(
    google_login: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    del google_login
    monkeypatch.setattr("google.auth._helpers.datetime.datetime", HourAhead)
    store = connect_gcs("gs://models", clock=SystemClock(), endpoint="https://localhost:1")
    with pytest.raises(SetupError) as caught:
        store.head("k")
    assert "clock" in str(caught.value.hint)


@pytest.mark.parametrize("cloud", ["s3", "gcs"])
def test_a_login_that_ran_out_meanwhile_is_renewed_once(place: Any, model: Artifact) -> None:
    place.server.faults.order(Fault.EXPIRE, method="PUT", part="weights", times=2)
    push_artifact(model, open_at(place, f"https://localhost:{place.server.port}"))
