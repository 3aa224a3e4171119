"""The listener for orders, from its socket to its end."""

import asyncio
from pathlib import Path

from deployer.routing.admin_address import AdminAddress, bind_admin
from deployer.routing.client import ClientConnection
from deployer.routing.traffic import Traffic
from deployer.routing.way import FindWay

__all__ = ["AdminServer", "open_admin_server"]


class AdminServer:
    """See `open_admin_server`."""

    def __init__(self, server: asyncio.Server, path: Path | None) -> None:
        self._server = server
        self._path = path

    @property
    def where(self) -> str:
        """Where it listens: a path, or ``host:port``."""
        if self._path is not None:
            return str(self._path)
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def close(self) -> None:
        """Stop listening, and take the socket away."""
        self._server.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)


async def open_admin_server(
    address: AdminAddress, traffic: Traffic, find_way: FindWay
) -> AdminServer:
    """Listen at ``address``.

    Raises:
        SetupError: It can't be listened on.
    """
    bound = bind_admin(address)
    loop = asyncio.get_running_loop()
    if address.path is None:
        server = await loop.create_server(lambda: ClientConnection(traffic, find_way), sock=bound)
    else:
        server = await loop.create_unix_server(
            lambda: ClientConnection(traffic, find_way), sock=bound
        )
    return AdminServer(server, address.path)
