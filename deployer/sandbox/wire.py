"""Bodies on their way through one connection, and what is done to them there on purpose."""

import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from email.message import Message
from io import BufferedIOBase

from deployer.sandbox.faults import Fault, Order
from deployer.sandbox.traffic import Exchange

__all__ = ["CutError", "Wire"]

_PIECE = 64 * 1024
_LINGER_NOT = struct.pack("ii", 1, 0)
_READING = (Fault.RESET_REQUEST, Fault.STALL_REQUEST, Fault.LIMIT)
_WRITING = (Fault.RESET_RESPONSE, Fault.CUT_RESPONSE, Fault.STALL_RESPONSE, Fault.LIMIT)


class CutError(ConnectionError):
    """The connection is no more, as ordered."""


class Wire:
    """One request's bodies, there and back, counted in ``exchange``.

    ``stop`` ends every wait: the server is closing.
    """

    def __init__(
        self,
        connection: socket.socket,
        reader: BufferedIOBase,
        writer: BufferedIOBase,
        stop: threading.Event,
        exchange: Exchange,
    ) -> None:
        self._connection = connection
        self._reader = reader
        self._writer = writer
        self._stop = stop
        self._exchange = exchange

    def read_body(self, headers: Message | Mapping[str, str], order: Order | None) -> bytes:
        """Return the request's body.

        Raises:
            CutError: The order wants it so.
            ConnectionError: The client hung up.
        """
        length = int(headers.get("Content-Length") or 0)
        harmful = order if order is not None and order.fault in _READING else None
        if headers.get("Transfer-Encoding", "").lower() == "chunked":
            pieces = self._read_chunks()
        elif harmful is None:
            return self._read_exactly(length)
        else:
            pieces = self._read_pieces(length, harmful.place(length))
        return b"".join(pieces if harmful is None else self._harm(pieces, length, harmful))

    def write_body(self, body: bytes, order: Order | None) -> None:
        """Send the answer's body; `CutError` as in `read_body`."""
        if order is None or order.fault not in _WRITING:
            self._write(body)
            return
        for piece in self._harm(_split(body, order.place(len(body))), len(body), order):
            self._write(piece)

    def wait(self, seconds: float) -> None:
        """Let time pass; less of it when the server closes."""
        self._stop.wait(seconds)

    def reset(self) -> CutError:
        """Reset the connection (RST, no FIN), and return what to raise."""
        self._writer.flush()
        number = self._connection.detach()
        plain = socket.socket(fileno=number)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        plain.close()
        return CutError("reset as ordered")

    def _write(self, piece: bytes) -> None:
        self._exchange.sent += len(piece)
        self._writer.write(piece)

    def _harm(self, pieces: Iterator[bytes], length: int, order: Order) -> Iterator[bytes]:
        passed = 0
        place = order.place(length)
        if order.fault is not Fault.LIMIT and place <= 0:
            raise self._cut(order)
        for piece in pieces:
            yield piece
            passed += len(piece)
            if order.fault is Fault.LIMIT:
                self.wait(len(piece) / order.rate)
            elif passed >= place:
                raise self._cut(order)

    def _cut(self, order: Order) -> CutError:
        self._writer.flush()
        if order.fault in (Fault.STALL_REQUEST, Fault.STALL_RESPONSE):
            self.wait(order.seconds)
        if order.fault is Fault.CUT_RESPONSE:
            return CutError("closed as ordered")
        return self.reset()

    def _read_pieces(self, length: int, place: int) -> Iterator[bytes]:
        """Read in pieces, one of which ends at ``place``."""
        done = 0
        while done < length:
            end = place if done < place < length else length
            piece = self._read_exactly(min(_PIECE, end - done))
            done += len(piece)
            yield piece

    def _read_chunks(self) -> Iterator[bytes]:
        while size := int(self._reader.readline().split(b";")[0] or b"0", 16):
            yield self._read_exactly(size)
            self._reader.readline()
        while self._reader.readline().strip():
            continue  # trailers of HTTP's own, which no cloud's client sends

    def _read_exactly(self, size: int) -> bytes:
        body = self._reader.read(size)
        self._exchange.received += len(body)
        if len(body) < size:
            raise ConnectionError("the client hung up in the middle of its request")
        return body


def _split(body: bytes, place: int) -> Iterator[bytes]:
    marks = sorted({*range(0, len(body), _PIECE), *([place] if 0 < place < len(body) else [])})
    for start, end in zip(marks, [*marks[1:], len(body)], strict=True):
        yield body[start:end]
