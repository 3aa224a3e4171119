"""The stores over plain HTTP behind a forward proxy: every request goes to it, in absolute form."""

import http.client
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from deployer.artifact import (
    Artifact,
    pull_artifact,
    push_artifact,
    scan_artifact,
    verify_artifact,
)
from deployer.errors import SetupError
from deployer.ports import ObjectStore
from deployer.sandbox.faults import Fault
from tests.faults.stores import LIMITS, open_store
from tests.serving import serving

HOST = "models.test"
"""No name of this machine's (RFC 6761): who asks for it himself gets nowhere."""

OWN = {"connection", "proxy-connection", "keep-alive", "expect", "transfer-encoding"}
"""Headers that are between two neighbours (RFC 9110, section 7.6.1)."""

each_cloud = pytest.mark.parametrize("cloud", ["s3", "gcs", "blob"])


class ForwardProxy(ThreadingHTTPServer):
    """Sends what it is asked for in absolute form (RFC 9112, section 3.2.2) to one server."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Forwarded)
        self.port = 0
        self.asked: list[str] = []
        self.refuses = False

    def is_strange(self, url: str) -> bool:
        """Whether somebody else of this process asks: the proxy is everybody's setting.

        Questions to slow targets are left behind on threads of their own, those of other tests,
        too; these ask for loopback, which no store of a test here is at.
        """
        return urlsplit(url).hostname == "127.0.0.1"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Forwarded(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ForwardProxy

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Log nothing."""

    def forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.server.is_strange(self.path):
            self.send_error(502)
            return
        self.server.asked.append(self.path)
        if self.server.refuses:
            self.send_error(407)
            return
        there = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=10)
        parts = urlsplit(self.path)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        there.putrequest(self.command, target, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in OWN:
                there.putheader(name, value)
        there.endheaders(body)
        self.hand_back(there.getresponse())
        there.close()

    def hand_back(self, answer: http.client.HTTPResponse) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in OWN:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.read())

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = forward  # noqa: N815 - the base's names


@pytest.fixture
def proxy() -> Iterator[ForwardProxy]:
    proxy = ForwardProxy()
    with serving(proxy):
        yield proxy


@pytest.fixture
def behind(place: Any, proxy: ForwardProxy, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    """The store of the test's cloud, to be reached through the proxy alone."""
    for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    proxy.port = place.server.port
    place.server.traffic.clear()
    endpoint = f"http://{HOST}{urlsplit(place.server.url).path}"
    return open_store(place.cloud.connect, place.cloud.url, endpoint, 4.0)


@each_cloud
def test_behind_a_forward_proxy_it_is_the_same(
    place: Any, behind: ObjectStore, models: Artifact, proxy: ForwardProxy, tmp_path: Path
) -> None:
    push_artifact(models, behind)
    with pytest.raises(urllib.error.HTTPError, match="502"):
        urllib.request.build_opener().open("http://127.0.0.1:9/left-behind-by-another-test")
    pull_artifact(behind, models.digest, tmp_path / "to", limits=LIMITS)
    assert scan_artifact(tmp_path / "to").digest == models.digest
    assert verify_artifact(behind, models.digest, deep=True).good
    assert {urlsplit(url)[:2] for url in proxy.asked} == {("http", HOST)}
    assert len(proxy.asked) == len(place.server.traffic.seen())


@each_cloud
def test_trouble_behind_a_forward_proxy_is_survived(
    place: Any, behind: ObjectStore, models: Artifact
) -> None:
    for fault, method in ((Fault.CORRUPT_REQUEST, "PUT"), (Fault.REFUSE, "GET")):
        place.server.faults.order(fault, method=method, part="weights", seconds=0)
    push_artifact(models, behind)
    assert verify_artifact(behind, models.digest, deep=True).good


@each_cloud
def test_a_forward_proxy_that_refuses_is_named(
    behind: ObjectStore, models: Artifact, proxy: ForwardProxy
) -> None:
    proxy.refuses = True
    with pytest.raises(SetupError, match="the proxy asks for a login") as caught:
        push_artifact(models, behind)
    assert "HTTP_PROXY" in str(caught.value.hint)
