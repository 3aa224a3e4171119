"""A stream that asyncio carries: within TLS, or on a loop that is not ours."""

import asyncio
import threading
from typing import Any, cast

from deployer.routing.stream import HIGH_WATER, Receiver

__all__ = ["LoopStream"]

_READ_SIZE = 64 * 1024
_SCRATCH = threading.local()
"""What a loop's sockets are read into: a protocol that lets asyncio allocate gets 256 KiB for each
read, however little comes. All of it is taken out again before the next read."""


class LoopStream(asyncio.BufferedProtocol):
    """See `Stream`, and the protocol that asyncio tells."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._transport: asyncio.Transport | None = None

    # ---- Stream

    def write(self, data: bytes) -> None:
        """See `Stream.write`."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def can_write_eof(self) -> bool:
        """See `Stream.can_write_eof`."""
        return self._transport is not None and self._transport.can_write_eof()

    def write_eof(self) -> None:
        """See `Stream.write_eof`."""
        if self._transport is not None:
            self._transport.write_eof()

    def close(self) -> None:
        """See `Stream.close`."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """See `Stream.abort`."""
        if self._transport is not None:
            self._transport.abort()

    def is_closing(self) -> bool:
        """See `Stream.is_closing`."""
        return self._transport is None or self._transport.is_closing()

    def pause_reading(self) -> None:
        """See `Stream.pause_reading`."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """See `Stream.resume_reading`."""
        if self._transport is not None:
            self._transport.resume_reading()

    def set_protocol(self, protocol: Receiver) -> None:
        """See `Stream.set_protocol`."""
        self._receiver = protocol

    def get_extra_info(self, name: str) -> Any:
        """See `Stream.get_extra_info`."""
        return self._transport.get_extra_info(name) if self._transport is not None else None

    # ---- asyncio.BufferedProtocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.BufferedProtocol`."""
        self._transport = carrier = cast("asyncio.Transport", transport)
        carrier.set_write_buffer_limits(high=HIGH_WATER)
        self._receiver.connection_made(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        """See `asyncio.BufferedProtocol`."""
        del sizehint
        return _scratch()

    def buffer_updated(self, nbytes: int) -> None:
        """See `asyncio.BufferedProtocol`."""
        self._receiver.data_received(bytes(_scratch()[:nbytes]))

    def eof_received(self) -> bool | None:
        """See `asyncio.BufferedProtocol`."""
        return self._receiver.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.BufferedProtocol`."""
        # asyncio's TLS keeps whom it tells: with this, its 256 KiB would wait for the collector.
        self._transport = None
        self._receiver.connection_lost(exc)

    def pause_writing(self) -> None:
        """See `asyncio.BufferedProtocol`."""
        self._receiver.pause_writing()

    def resume_writing(self) -> None:
        """See `asyncio.BufferedProtocol`."""
        self._receiver.resume_writing()


def _scratch() -> memoryview:
    scratch: memoryview | None = getattr(_SCRATCH, "memory", None)
    if scratch is None:
        scratch = _SCRATCH.memory = memoryview(bytearray(_READ_SIZE))
    return scratch
