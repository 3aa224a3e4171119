"""A connection's bytes as the plane sees them: over TCP, or within TLS."""

from typing import Any, Protocol

__all__ = ["HIGH_WATER", "Receiver", "Stream"]

HIGH_WATER = 64 * 1024
"""Bytes waiting in a stream from which on its other side is not read any more."""


class Stream(Protocol):
    """What of `asyncio.Transport` is needed here; each method means what it means there."""

    def write(self, data: bytes) -> None:
        """Send, now or as soon as the other side takes more; nothing, once it is closing."""
        ...

    def can_write_eof(self) -> bool:
        """Tell whether our side alone can be ended."""
        ...

    def write_eof(self) -> None:
        """End our side once everything is sent."""
        ...

    def close(self) -> None:
        """Close once everything is sent."""
        ...

    def abort(self) -> None:
        """Close, whatever is not sent yet."""
        ...

    def is_closing(self) -> bool:
        """Tell whether it is closed, or about to be."""
        ...

    def pause_reading(self) -> None:
        """Read no more."""
        ...

    def resume_reading(self) -> None:
        """Go on reading."""
        ...

    def set_protocol(self, protocol: "Receiver", /) -> None:
        """Tell somebody else from now on."""
        ...

    def get_extra_info(self, name: str) -> Any:
        """Return the ``socket``, the ``peername`` or the ``sslcontext``; None without one."""
        ...


class Receiver(Protocol):
    """Who is told what comes: `asyncio.Protocol`, by a `Stream`."""

    def connection_made(self, transport: Stream, /) -> None:
        """Begin."""
        ...

    def data_received(self, data: bytes, /) -> None:
        """Take in what one read brought."""
        ...

    def eof_received(self) -> bool | None:
        """Learn that the other side has ended; the stream is closed unless this is true."""
        ...

    def connection_lost(self, exc: Exception | None, /) -> None:
        """Learn that the stream is closed, and why if nobody here closed it."""
        ...

    def pause_writing(self) -> None:
        """Learn that more than `HIGH_WATER` waits to be sent."""
        ...

    def resume_writing(self) -> None:
        """Learn that most of it is sent."""
        ...
