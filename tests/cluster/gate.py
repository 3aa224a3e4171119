"""A door in front of an API server that lets tokens in for a while only, and can cut watches."""

import contextlib
import http.server
import json
import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import urllib3

from deployer.ports import Clock
from deployer.providers.connection import Connection, Token
from tests.cluster.certificates import Authority
from tests.cluster.rig import ApiServer

__all__ = ["Gate", "open_gate"]

_DROPPED = {"connection", "transfer-encoding", "content-length", "host", "authorization"}
_TOKENS = "/tokens"
_CREDENTIAL = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential"}
_PLUG_IN = f"""
import ssl, sys, urllib.request
trust = ssl.create_default_context(cafile=sys.argv[2])
print(urllib.request.urlopen(sys.argv[1] + "{_TOKENS}", context=trust).read().decode())
"""


class Gate:
    """Gives out tokens that live for ``token_seconds``, and takes no other.

    Attributes:
        given: How many tokens were given out.
        refused: How many requests came with one that was over.
    """

    def __init__(self, server: ApiServer, clock: Clock, token_seconds: float) -> None:
        self.given = self.refused = 0
        self.watches: list[socket.socket] = []
        self.server, self.clock = server, clock
        self.url = self.authority = ""
        self.http = urllib3.PoolManager(
            ssl_context=ssl.create_default_context(cafile=server.authority), retries=False
        )
        self._lives = timedelta(seconds=token_seconds)
        self._ends: dict[str, Any] = {}

    def connection(self, *, honest: bool) -> Connection:
        """Return the way in; who is not honest does not say when its tokens end."""

        def give() -> Token:
            token = self.give_token()
            return Token(token, self._ends[token] if honest else None)

        return Connection(self.url, self.authority, give)

    def give_token(self) -> str:
        """Return a token that is valid from now on."""
        self.given += 1
        token = f"gate-{self.given}"
        self._ends[token] = self.clock.now() + self._lives
        return token

    def write_kubeconfig(self, file: Path) -> Path:
        """Write a kubeconfig whose user is a credential plug-in that does not say when it ends."""
        trust = file.with_suffix(".pem")
        trust.write_text(self.authority)
        command = {"command": sys.executable, "args": ["-c", _PLUG_IN, self.url, str(trust)]}
        version = {"apiVersion": _CREDENTIAL["apiVersion"], "interactiveMode": "Never"}
        server = {"server": self.url, "certificate-authority": str(trust)}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": self.server.context,
            "clusters": [{"name": "gate", "cluster": server}],
            "users": [{"name": "gate", "user": {"exec": command | version}}],
            "contexts": [
                {"name": self.server.context, "context": {"cluster": "gate", "user": "gate"}}
            ],
        }
        file.write_text(json.dumps(document))
        return file

    def cut_watches(self) -> None:
        """End every watch, as a load balancer in between does."""
        while self.watches:
            with contextlib.suppress(OSError):
                self.watches.pop().shutdown(socket.SHUT_RDWR)

    def admits(self, token: str) -> bool:
        """Return whether the token is valid now."""
        valid = token in self._ends and self.clock.now() < self._ends[token]
        self.refused += not valid
        return valid


@contextlib.contextmanager
def open_gate(
    server: ApiServer, folder: Path, clock: Clock, *, token_seconds: float
) -> Iterator[Gate]:
    """Yield a gate on loopback, with TLS and a certificate of its own."""
    gate = Gate(server, clock, token_seconds)
    authority = Authority(folder, "gate", clock)
    certificate, key = authority.issue("gate", ["127.0.0.1"])
    listener = _Listener(("127.0.0.1", 0), _Handler)
    listener.gate = gate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener.socket = context.wrap_socket(listener.socket, server_side=True)
    gate.url = f"https://127.0.0.1:{listener.server_address[1]}"
    gate.authority = authority.certificate.read_text()
    threading.Thread(target=listener.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield gate
    finally:
        gate.cut_watches()
        listener.shutdown()
        listener.server_close()
        gate.http.clear()


class _Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True
    gate: Gate


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Listener

    def do_GET(self) -> None:
        gate = self.server.gate
        if self.path == _TOKENS:
            self._give(json.dumps(_CREDENTIAL | {"status": {"token": gate.give_token()}}).encode())
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not gate.admits(self.headers.get("Authorization", "").removeprefix("Bearer ")):
            self.send_response(401)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        headers = {k: v for k, v in self.headers.items() if k.lower() not in _DROPPED}
        answer = gate.http.request(
            self.command,
            gate.server.url + self.path,
            body=body,
            headers=headers | {"Authorization": f"Bearer {gate.server.token}"},
            preload_content=False,
        )
        try:
            self._pass_on(answer, gate)
        except (OSError, urllib3.exceptions.HTTPError):
            self.close_connection = True
        finally:
            answer.close()

    def _give(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_PATCH = do_POST = do_DELETE = do_GET  # noqa: N815 - the library's names

    def _pass_on(self, answer: urllib3.BaseHTTPResponse, gate: Gate) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in _DROPPED:
                self.send_header(name, value)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if "watch=true" in self.path:
            gate.watches.append(self.connection)
        for chunk in answer.stream(1 << 16, decode_content=False):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_: object) -> None:
        """Say nothing."""
