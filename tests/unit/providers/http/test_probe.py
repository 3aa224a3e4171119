import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from deployer.errors import TransientError
from deployer.ports import HttpRequest
from deployer.providers.http.probe import BODY_LIMIT_BYTES, HttpProbe
from deployer.providers.local.clock import SystemClock

CLOCK = SystemClock()
PROBE = HttpProbe(CLOCK)


@contextmanager
def server(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """Serve one connection; what the client sent is read first."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1 << 16)
                try:
                    answer(connection)
                except OSError:
                    return  # the client has left

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join(10)


def say(text: str) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(text.encode())


def test_an_answer_comes_back_whatever_its_status() -> None:
    text = "HTTP/1.1 503 Busy\r\nX-Why: load\r\nContent-Length: 4\r\n\r\nbusy"
    with server(say(text)) as url:
        found = PROBE.send(url, HttpRequest("POST", "/a", body=b"x"), timeout_seconds=5)
    assert (found.status, found.body, found.headers["x-why"]) == (503, b"busy", "load")
    assert found.seconds > 0


def test_a_redirect_is_not_followed() -> None:
    text = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n"
    with server(say(text)) as url:
        assert PROBE.send(url, HttpRequest(), timeout_seconds=5).status == 302


def test_at_most_a_mebibyte_is_read() -> None:
    size = BODY_LIMIT_BYTES + 5000
    text = f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n" + "x" * size
    with server(say(text)) as url:
        assert len(PROBE.send(url, HttpRequest(), timeout_seconds=5).body) == BODY_LIMIT_BYTES


def test_a_refused_connection_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(TransientError, match="connect failed"):
        PROBE.send(f"http://127.0.0.1:{port}", HttpRequest(), timeout_seconds=2)


def test_a_server_that_says_nothing_is_given_up_in_time() -> None:
    done = threading.Event()

    def wait(_: socket.socket) -> None:
        done.wait(10)

    with server(wait) as url:
        begun = CLOCK.monotonic()
        with pytest.raises(TransientError, match="first byte failed"):
            PROBE.send(url, HttpRequest(), timeout_seconds=0.3)
        done.set()
    assert CLOCK.monotonic() - begun < 5


def test_a_body_that_trickles_is_given_up_in_time() -> None:
    stop = threading.Event()

    def trickle(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not stop.wait(0.05):
            connection.sendall(b"x")

    with server(trickle) as url:
        with pytest.raises(TransientError, match="body failed"):
            PROBE.send(url, HttpRequest(), timeout_seconds=0.4)
        stop.set()


def test_a_body_that_breaks_off_is_no_answer() -> None:
    with (
        server(say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx")) as url,
        pytest.raises(TransientError, match="body failed"),
    ):
        PROBE.send(url, HttpRequest(), timeout_seconds=5)


def test_a_name_that_does_not_resolve_is_named() -> None:
    with pytest.raises(TransientError, match="resolve failed"):
        PROBE.send("http://no-such-host.invalid", HttpRequest(), timeout_seconds=5)
