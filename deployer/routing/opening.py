"""Opening a stream to an address."""

import asyncio

from deployer.routing.address import Address
from deployer.routing.stream import Receiver
from deployer.routing.tcp_stream import TcpStream
from deployer.routing.tls_stream import TlsStream

__all__ = ["open_stream"]


async def open_stream(
    address: Address, receiver: Receiver, *, race_seconds: float | None = None
) -> None:
    """Connect, and tell the receiver what comes.

    Args:
        race_seconds: After that another address of the same name is tried as well (RFC 8305).

    Raises:
        OSError: It can't be connected.
    """
    loop = asyncio.get_running_loop()
    protocol = asyncio.Protocol() if address.tls is None else TlsStream(receiver)
    transport, _ = await loop.create_connection(
        lambda: protocol,
        address.host,
        address.port,
        ssl=address.tls,
        happy_eyeballs_delay=race_seconds,
    )
    if address.tls is None:
        connection = transport.get_extra_info("socket").dup()
        transport.abort()  # closes asyncio's descriptor, not the connection
        TcpStream(loop, connection, receiver)
