"""A server that says exactly what a test wants, and what `Wire` makes of it."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from deployer.providers.patience import Patience
from deployer.providers.wire import Wire

OK = b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: "e"\r\n\r\nhi'
CHUNKED = b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n"
Serve = Callable[..., "Script"]


class Script:
    """Answers the requests of each connection with the next answers, then closes it."""

    def __init__(self, *connections: list[bytes]) -> None:
        self._left = list(connections)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.asked: list[bytes] = []
        self.accepted = 0
        self.piece_bytes = 1 << 20
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def wire(self) -> Wire:
        return Wire(self.url, patience=Patience(3.0), authority=None)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _run(self) -> None:
        while self._left:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            with line:
                for answer in self._left.pop(0):
                    self.asked.append(self._read(line))
                    with contextlib.suppress(ConnectionError):
                        self._say(line, answer)

    def _say(self, line: socket.socket, answer: bytes) -> None:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(answer), self.piece_bytes):
            line.sendall(answer[at : at + self.piece_bytes])

    def _read(self, line: socket.socket) -> bytes:
        """Read until a dot ends a body, or the client goes away."""
        got = b""
        while (b"\r\n\r\n" not in got or not got.endswith(b".")) and (more := line.recv(1 << 16)):
            got += more
        return got


@pytest.fixture
def serve() -> Iterator[Serve]:
    made: list[Script] = []

    def start(*connections: list[bytes]) -> Script:
        made.append(Script(*connections))
        return made[-1]

    yield start
    for one in made:
        one.close()


def test_an_answer_comes_with_its_status_headers_and_body(serve: Serve) -> None:
    script = serve([OK])
    answer = script.wire().ask("PUT", "/a?b=c", {"x-a": "1"}, (b"one", b"two."))
    assert answer is not None
    assert (answer.status, answer.headers["etag"], answer.body) == (200, '"e"', b"hi")
    (asked,) = script.asked
    assert asked.startswith(b"PUT /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:")
    assert asked.endswith(b"Content-Length: 7\r\nx-a: 1\r\n\r\nonetwo.")


def test_a_connection_is_used_again_until_the_server_closes_it(serve: Serve) -> None:
    script = serve([OK, OK], [OK])
    wire = script.wire()
    answers = [wire.ask("PUT", "/", {}, (b".",)) for _ in range(2)]
    while (third := wire.ask("PUT", "/", {}, (b".",))) is None:  # may be closed a moment later
        pass
    assert [one.body for one in (*answers, third) if one] == [b"hi"] * 3
    assert script.accepted == 2


@pytest.mark.parametrize(
    ("said", "body"),
    [
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, b"hi"),
        (CHUNKED + b"3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nx: y\r\n\r\n", b"abcde"),
        (b"HTTP/1.1 204 None\r\n\r\n", b""),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", b""),
    ],
)
def test_what_servers_may_say_is_understood(serve: Serve, said: bytes, body: bytes) -> None:
    answer = serve([said]).wire().ask("PUT", "/", {}, (b".",))
    assert answer is not None
    assert answer.body == body


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.0 200 OK\r\n\r\nhi",
        b"HTTP/1.1 200 OK\r\n\r\nof unknown length",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut off",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + b"x" * 99,
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno header\r\n\r\n",
        CHUNKED + b"9\r\ncut",
        CHUNKED + b"0\r\nx: a trailer that is cut off",
        b"HTTP/1.1 200 OK\r\nx: a header that is cut",
        b"HTTP/1.1 200 OK\r\nx: " + b"x" * (300 << 10),
        CHUNKED + b"zz\r\n",
    ],
)
def test_whatever_is_no_whole_answer_is_none(serve: Serve, said: bytes) -> None:
    assert serve([said]).wire().ask("PUT", "/", {}, (b".",), most=50) is None


def test_a_server_that_is_away_or_silent_is_none(serve: Serve) -> None:
    gone = Wire("http://127.0.0.1:9", patience=Patience(3.0), authority=None)
    assert gone.ask("GET", "/", {}) is None
    silent = Wire(serve([OK]).url, patience=Patience(0.3), authority=None)
    assert silent.ask("PUT", "/", {}, (b"never the end",)) is None


def test_a_header_that_would_be_two_is_never_sent(serve: Serve) -> None:
    with pytest.raises(ValueError, match="line break"):
        serve([OK]).wire().ask("GET", "/", {"a": "b\r\nc: d"})


def test_an_answer_that_comes_byte_by_byte_is_whole(serve: Serve) -> None:
    script = serve([CHUNKED + b"3\r\nabc\r\n0\r\nx: y\r\n\r\n", OK])
    script.piece_bytes = 1
    wire = script.wire()
    answers = [wire.ask("PUT", "/", {}, (b".",)) for _ in range(2)]
    assert [one.body for one in answers if one] == [b"abc", b"hi"]
    assert answers[1] is not None
    assert answers[1].headers == {"content-length": "2", "etag": '"e"'}
