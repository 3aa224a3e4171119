"""A web server on loopback that keeps what is posted to it."""

import http.server
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pytest

from tests.serving import serving

__all__ = ["Post", "Receiver", "receiver"]


@dataclass
class Post:
    """What a server was sent."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Receiver:
    """A web server that takes what is posted, or answers as it is told."""

    url: str = ""
    status: int = 204
    headers: Mapping[str, str] = field(default_factory=dict)
    posts: list[Post] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    it = Receiver()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            it.posts.append(Post(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(it.status)
            for key, value in {"content-length": "0", **it.headers}.items():
                self.send_header(key, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with serving(server):
        it.url = f"http://127.0.0.1:{server.server_address[1]}/services/T0/x-secret-path?k=v"
        yield it
