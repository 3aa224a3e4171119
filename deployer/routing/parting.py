"""Closing a connection at which nothing is under way, without losing a request that came meanwhile.

A request may always be on its way while its connection is closed (RFC 9112, 9.5). What is here
already can be looked for, though: closed with that unread, the kernel answers by a reset.
"""

import asyncio
import contextlib
import select

from deployer.routing.stream import Stream

__all__ = ["end_sending", "has_unread", "part"]


def has_unread(transport: Stream | asyncio.BaseTransport) -> bool:
    """Tell whether something came that was not read yet; an end counts, too."""
    poll = select.poll()
    poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)
    return bool(poll.poll(0))


def end_sending(transport: Stream) -> None:
    """End our side only, and leave the other one to be read.

    Closing while the client still sends would reset the connection, and with it the answer that it
    has not read yet (RFC 9112, 9.6).
    """
    if transport.can_write_eof():
        transport.write_eof()
    else:  # TLS has no half-closed connections here; its own closing waits for the other side
        transport.close()


def part(transport: Stream) -> None:
    """Close, and let the other side know before anything else is done.

    asyncio closes a socket in the loop's next turn, and what is sent until then is reset. That was
    seen to be a second long on a busy machine, and to cost every request of that second.
    """
    if transport.can_write_eof():
        with contextlib.suppress(OSError):  # it is gone already
            transport.write_eof()
    transport.close()
