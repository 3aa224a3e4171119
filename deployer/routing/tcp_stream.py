"""A stream over a socket of its own: as much of a transport as a proxy needs, and no more."""

import contextlib
import os
import socket
from typing import Any

from deployer.routing.direct_loop import DirectLoop
from deployer.routing.stream import HIGH_WATER, Receiver

__all__ = ["TcpStream"]

_LOW_WATER = HIGH_WATER // 4

_USUAL = 16 * 1024
"""Bytes asked for by a read. The memory for all of them is taken before it is known how many come:
that of 256 KiB, which asyncio takes, costs more than the read."""

_LARGE = 256 * 1024
"""What the next read asks for when one was filled."""


class TcpStream:
    """See `Stream`. What a receiver raises ends its connection, and is told to the loop.

    Args:
        connection: Connected, not blocking; its own from now on.
    """

    def __init__(self, loop: DirectLoop, connection: socket.socket, receiver: Receiver) -> None:
        self._loop = loop
        self._socket = connection
        self._fd = connection.fileno()
        self._read_size = _USUAL
        self._receiver = receiver
        self._unsent = bytearray()
        self._crowded = False
        self._reading = False
        self._closing = False
        self._lost = False
        self._ended = False
        if connection.family != socket.AF_UNIX:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        receiver.connection_made(self)
        self.resume_reading()

    def write(self, data: bytes) -> None:
        """See `Stream.write`."""
        if self._closing or self._ended:
            return
        if self._unsent:
            self._unsent += data
        elif not self._send_first(data):
            return
        if not self._crowded and len(self._unsent) > HIGH_WATER:
            self._crowded = True
            self._receiver.pause_writing()

    def can_write_eof(self) -> bool:
        """See `Stream.can_write_eof`."""
        return True

    def write_eof(self) -> None:
        """See `Stream.write_eof`."""
        if self._ended or self._lost:
            return
        self._ended = True
        if not self._unsent:
            self._shut_down()

    def close(self) -> None:
        """See `Stream.close`."""
        if self._closing:
            return
        self._closing = True
        self.pause_reading()
        if not self._unsent:
            self._lose(None)

    def abort(self) -> None:
        """See `Stream.abort`."""
        self._lose(None)

    def is_closing(self) -> bool:
        """See `Stream.is_closing`."""
        return self._closing

    def pause_reading(self) -> None:
        """See `Stream.pause_reading`."""
        if self._reading:
            self._reading = False
            self._loop.unwatch(self._fd)

    def resume_reading(self) -> None:
        """See `Stream.resume_reading`."""
        if not (self._reading or self._closing):
            self._reading = True
            self._loop.watch(self._fd, self._read)

    def set_protocol(self, protocol: Receiver) -> None:
        """See `Stream.set_protocol`."""
        self._receiver = protocol

    def get_extra_info(self, name: str) -> Any:
        """See `Stream.get_extra_info`."""
        if name == "socket":
            return self._socket
        if name == "peername":
            with contextlib.suppress(OSError):  # it has left
                return self._socket.getpeername()
        return None

    def _read(self) -> None:
        size = self._read_size
        try:
            data = os.read(self._fd, size)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._lose(error)
            return
        self._read_size = _LARGE if len(data) == size else _USUAL
        try:
            if data:
                self._receiver.data_received(data)
            elif self._receiver.eof_received():
                self.pause_reading()
            else:
                self.close()
        except Exception as error:  # noqa: BLE001 - one connection's fault is not the others'
            self._fail(error)

    def _send_first(self, data: bytes) -> bool:
        """Send what nothing waits before; tell whether some of it has to wait."""
        try:
            sent = os.write(self._fd, data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError as error:
            self._lose(error)
            return False
        if sent == len(data):
            return False
        self._unsent += data[sent:]
        self._loop.add_writer(self._fd, self._send_rest)
        return True

    def _send_rest(self) -> None:
        try:
            sent = os.write(self._fd, self._unsent)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._lose(error)
            return
        del self._unsent[:sent]
        if self._crowded and len(self._unsent) <= _LOW_WATER:
            self._crowded = False
            self._receiver.resume_writing()
        if self._unsent or self._lost:
            return
        self._loop.remove_writer(self._fd)
        if self._ended:
            self._shut_down()
        if self._closing:
            self._lose(None)

    def _shut_down(self) -> None:
        with contextlib.suppress(OSError):  # it is gone already
            self._socket.shutdown(socket.SHUT_WR)

    def _fail(self, error: Exception) -> None:
        context = {"message": "a connection failed", "exception": error, "transport": self}
        self._loop.call_exception_handler(context)
        self._lose(error)

    def _lose(self, error: Exception | None) -> None:
        if self._lost:
            return
        self._closing = self._lost = True
        self.pause_reading()
        if self._unsent:
            self._unsent.clear()
            self._loop.remove_writer(self._fd)
        self._loop.call_soon(self._tell_lost, error)

    def _tell_lost(self, error: Exception | None) -> None:
        try:
            self._receiver.connection_lost(error)
        finally:
            self._socket.close()
