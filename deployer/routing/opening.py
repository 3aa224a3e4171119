"""Opening a stream to an address."""

import asyncio
from typing import Any

from deployer.routing.address import Address
from deployer.routing.direct_loop import DirectLoop
from deployer.routing.loop_stream import LoopStream
from deployer.routing.stream import Receiver
from deployer.routing.tcp_stream import TcpStream

__all__ = ["open_stream"]


async def open_stream(
    address: Address, receiver: Receiver, *, race_seconds: float | None = None
) -> None:
    """Connect, and tell the receiver what comes.

    Args:
        race_seconds: After that another address of the same name is tried as well (RFC 8305), on
            loops that can.

    Raises:
        OSError: It can't be connected.
    """
    loop = asyncio.get_running_loop()
    direct = loop if isinstance(loop, DirectLoop) and address.tls is None else None
    options: dict[str, Any] = {}
    if isinstance(loop, asyncio.BaseEventLoop):  # uvloop does not know the word
        options["happy_eyeballs_delay"] = race_seconds
    transport, _ = await loop.create_connection(
        asyncio.Protocol if direct is not None else lambda: LoopStream(receiver),
        address.host,
        address.port,
        ssl=address.tls,
        **options,
    )
    if direct is not None:
        try:
            connection = transport.get_extra_info("socket").dup()
        finally:
            transport.abort()  # closes asyncio's descriptor, not the copy's connection
        TcpStream(direct, connection, receiver)
