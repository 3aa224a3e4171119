"""The listener for orders, from its socket to its end."""

from collections.abc import Callable
from pathlib import Path

from deployer.routing.admin_address import AdminAddress, bind_admin
from deployer.routing.client import ClientConnection
from deployer.routing.listener import BACKLOG, Listener
from deployer.routing.traffic import Traffic
from deployer.routing.way import FindWay

__all__ = ["AdminServer", "open_admin_server"]


class AdminServer:
    """See `open_admin_server`."""

    def __init__(self, listener: Listener, path: Path | None) -> None:
        self._listener = listener
        self._path = path

    @property
    def where(self) -> str:
        """Where it listens: a path, or ``host:port``."""
        if self._path is not None:
            return str(self._path)
        host, port = self._listener.sockets[0].getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def close(self) -> None:
        """Stop listening, and take the socket away."""
        self._listener.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)


def open_admin_server(
    address: AdminAddress, traffic: Traffic, find_way: FindWay, *, tell: Callable[[str], object]
) -> AdminServer:
    """Listen at ``address``.

    Args:
        tell: See `Listener`.

    Raises:
        SetupError: It can't be listened on.
    """
    bound = bind_admin(address)
    bound.listen(BACKLOG)
    listener = Listener([bound], lambda: ClientConnection(traffic, find_way), tell=tell)
    return AdminServer(listener, address.path)
