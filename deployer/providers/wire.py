"""A short way over HTTP/1.1: connections that are kept, and as little as possible around a request.

A request costs 0.35 ms of CPU through urllib3, 0.17 through the standard library's client and 0.03
here (16 KiB over loopback); a model of ten thousand files feels that. It knows no redirects, no
proxies, no retries and no login: whatever is not a plain answer is None, and the caller asks the
SDK, which knows what to do.
"""

import re
import select
import socket
import ssl
import weakref
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import BufferedReader
from urllib.parse import urlsplit

from deployer.checksums import Buffer
from deployer.providers.patience import Patience

__all__ = ["Answer", "Wire"]

_JOINED = 64 << 10
"""Bytes up to which head and body go out in one call."""

_MOST = 1 << 20
_LONGEST_LINE = 64 << 10
_LONGEST_HEAD = 256 << 10
_END = b"\r\n\r\n"
_STATUS = re.compile(r"HTTP/1\.1 (\d{3})(?: [^\r\n]*)?(?=\r|$)")
_FIELD = re.compile(r"\r\n([^:\r\n]+):([^\r\n]*)")
_FIRST_FINAL = 200
_NO_BODY = (204, 304)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; the headers' names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Wire:
    """Requests to one server. Safe to use from many threads; each holds a connection meanwhile."""

    def __init__(self, base: str, *, patience: Patience, authority: str | None) -> None:
        """Ask nothing yet.

        Args:
            base: ``http[s]://host[:port]``; what follows is left out.
            patience: How long a connection, and each wait for bytes, may take.
            authority: The file of certificates to trust; the machine's own when None.
        """
        parts = urlsplit(base)
        tls = parts.scheme == "https"
        self._name = parts.hostname or ""
        self._port = parts.port or (443 if tls else 80)
        self._host = parts.netloc
        self._patience = patience
        self._tls = ssl.create_default_context(cafile=authority) if tls else None
        self._idle: list[_Line] = []
        weakref.finalize(self, _close_all, self._idle)

    def ask(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: Sequence[Buffer] = (),
        *,
        most: int = _MOST,
    ) -> Answer | None:
        """Return the answer to one request; None when there is none that can be used.

        Args:
            method: As HTTP calls it.
            target: Path and query, encoded.
            headers: Without ``Host`` and ``Content-Length``.
            body: What is sent, in pieces.
            most: Bytes; an answer that is longer is of no use.
        """
        head = self._head(method, target, headers, sum(map(len, body)))
        try:
            line = self._take()
        except OSError:
            return None
        try:
            line.send(head, body)
            answer, kept = line.read(most)
        except (OSError, ValueError):
            line.close()
            return None
        except BaseException:
            line.close()
            raise
        if kept:
            self._idle.append(line)
        else:
            line.close()
        return answer

    def _head(self, method: str, target: str, headers: Mapping[str, str], length: int) -> bytes:
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self._host}"]
        if length or method != "GET":
            lines.append(f"Content-Length: {length}")
        lines += [f"{name}: {value}" for name, value in headers.items()]
        head = "\r\n".join([*lines, "", ""])
        if not head.count("\r") == head.count("\n") == len(lines) + 1:
            raise ValueError("a header holds a line break")
        return head.encode("latin-1")

    def _take(self) -> "_Line":
        while self._idle:
            try:
                line = self._idle.pop()
            except IndexError:  # another thread took it
                break
            if line.is_usable():
                return line
            line.close()
        return _Line(self._connect(), self._patience.attempt_seconds)

    def _connect(self) -> socket.socket:
        address = (self._name, self._port)
        plain = socket.create_connection(address, self._patience.connect_seconds)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if self._tls is None:
                return plain
            return self._tls.wrap_socket(plain, server_hostname=self._name)
        except BaseException:
            plain.close()
            raise


class _Line:
    """One connection."""

    def __init__(self, connected: socket.socket, seconds: float) -> None:
        connected.settimeout(seconds)
        self._socket = connected
        self._file = BufferedReader(connected.makefile("rb", buffering=0), _JOINED)
        self._readable = select.poll()
        self._readable.register(connected, select.POLLIN)

    def is_usable(self) -> bool:
        """Whether the server has neither closed it nor said anything unasked."""
        return not self._readable.poll(0)

    def send(self, head: bytes, body: Sequence[Buffer]) -> None:
        if len(head) + sum(map(len, body)) <= _JOINED:
            self._socket.sendall(b"".join((head, *body)))
            return
        for piece in (head, *body):
            self._socket.sendall(piece)

    def read(self, most: int) -> tuple[Answer, bool]:
        """Return the answer, and whether another request may follow; a `ValueError` if neither."""
        status, headers = self._read_head()
        while status < _FIRST_FINAL:
            status, headers = self._read_head()
        body = b"" if status in _NO_BODY else self._read_body(headers, most)
        return Answer(status, headers, body), headers.get("connection", "").lower() != "close"

    def close(self) -> None:
        self._file.close()
        self._socket.close()

    def _read_head(self) -> tuple[int, dict[str, str]]:
        lines = self._read_lines().decode("latin-1")
        match = _STATUS.match(lines)
        fields = _FIELD.findall(lines)
        if match is None or len(fields) != lines.count("\n"):
            raise ValueError("not HTTP/1.1")
        return int(match[1]), {name.lower(): value.strip() for name, value in fields}

    def _read_lines(self) -> bytes:
        """Return the lines up to an empty one; they mostly come in one piece."""
        end = self._file.peek().find(_END)
        if end >= 0:
            return self._file.read(end + len(_END))[:end]
        lines = b""
        while not lines.endswith(_END):
            line = self._file.readline(_LONGEST_LINE)
            if not line or len(lines) > _LONGEST_HEAD:
                raise ValueError("a head is cut off, or without end")
            lines += line
        return lines[: -len(_END)]

    def _read_body(self, headers: Mapping[str, str], most: int) -> bytes:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return b"".join(self._read_chunks(most))
        return self._read_exactly(int(headers.get("content-length", "-1")), most)

    def _read_chunks(self, most: int) -> Iterable[bytes]:
        """Yield the chunks (RFC 9112, 7.1); trailers are passed over."""
        while length := int(self._file.readline(_LONGEST_LINE).partition(b";")[0], 16):
            yield self._read_exactly(length, most)
            most -= length
            self._read_exactly(2, 2)
        while (line := self._file.readline(_LONGEST_LINE)) != b"\r\n":
            if not line:
                raise ValueError("cut off")

    def _read_exactly(self, length: int, most: int) -> bytes:
        if not 0 <= length <= most:
            raise ValueError("longer than it may be, or of unknown length")
        body = self._file.read(length)
        if len(body) != length:
            raise ValueError("cut off")
        return body


def _close_all(lines: list[_Line]) -> None:
    for line in lines:
        line.close()
