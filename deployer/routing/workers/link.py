"""Messages between two processes over a pair of sockets: one JSON document a line."""

import asyncio
import json
import socket
from collections.abc import Callable, Mapping
from typing import Any, cast

__all__ = ["Link", "Message", "open_link"]

Message = Mapping[str, Any]


class Link(asyncio.Protocol):
    """One end; messages arrive whole and in order, until the other process is gone.

    Args:
        on_message: Called with each message.
        on_lost: Called once, when the other end is closed or its process has died.
    """

    def __init__(self, on_message: Callable[[Message], None], on_lost: Callable[[], None]) -> None:
        self._on_message = on_message
        self._on_lost = on_lost
        self._transport: asyncio.WriteTransport | None = None
        self._parts: list[bytes] = []

    def send(self, message: Message) -> None:
        """Send a message; nothing happens when nobody is there to read it."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(json.dumps(message).encode() + b"\n")

    def close(self) -> None:
        """Close this end."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        *ended, rest = data.split(b"\n")
        for line in ended:
            whole = b"".join([*self._parts, line])
            self._parts.clear()
            self._on_message(json.loads(whole))
        if rest:
            self._parts.append(rest)

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        del exc
        self._transport = None
        self._on_lost()


async def open_link(
    end: socket.socket, on_message: Callable[[Message], None], on_lost: Callable[[], None]
) -> Link:
    """Return the link over a connected socket, which is its own from now on."""
    loop = asyncio.get_running_loop()
    _, link = await loop.create_unix_connection(lambda: Link(on_message, on_lost), sock=end)
    return link
