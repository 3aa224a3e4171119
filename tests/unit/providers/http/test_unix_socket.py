import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deployer.errors import TransientError
from deployer.ports import HttpRequest
from deployer.providers.http.unix_socket import UnixSocketProbe
from deployer.providers.local.clock import SystemClock

PROBE = UnixSocketProbe(SystemClock())


@contextmanager
def server(path: Path, answer: bytes) -> Iterator[list[bytes]]:
    """Serve one connection; yield what comes to be asked there."""
    asked: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                asked.append(connection.recv(1 << 16))
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield asked
        thread.join(10)


def test_an_answer_comes_back_whatever_its_status(tmp_path: Path) -> None:
    text = b"HTTP/1.1 409 Conflict\r\nX-Why: last\r\nContent-Length: 2\r\n\r\nno"
    with server(tmp_path / "s", text) as asked:
        request = HttpRequest("POST", "/-/orders/drain", {"X-A": "b"})
        found = PROBE.send(str(tmp_path / "s"), request, timeout_seconds=5)
    assert (found.status, found.body, found.headers["x-why"]) == (409, b"no", "last")
    assert asked[0].startswith(b"POST /-/orders/drain HTTP/1.1\r\n")
    assert b"X-A: b\r\n" in asked[0]


def test_a_socket_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TransientError, match="did not answer: No such file or directory"):
        PROBE.send(str(tmp_path / "s"), HttpRequest(), timeout_seconds=5)


def test_what_is_no_http_is_no_answer(tmp_path: Path) -> None:
    with server(tmp_path / "s", b"hello\r\n\r\n"), pytest.raises(TransientError, match="BadStatus"):
        PROBE.send(str(tmp_path / "s"), HttpRequest(), timeout_seconds=5)
