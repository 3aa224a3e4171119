"""Where orders are taken: a Unix socket of one's own, or a port that only this machine reaches."""

import ipaddress
import re
import socket
import stat
from dataclasses import dataclass
from pathlib import Path

from deployer.errors import SetupError, SourceError

__all__ = ["AdminAddress", "bind_admin", "parse_admin_address"]

_PORT = re.compile(r"(\[?[^/]+?\]?):(\d{1,5})")
_LARGEST_PORT = (1 << 16) - 1


@dataclass(frozen=True, slots=True)
class AdminAddress:
    """Either ``path``, or ``host`` and ``port``."""

    path: Path | None = None
    host: str = ""
    port: int = 0

    def __str__(self) -> str:
        return f"{self.host}:{self.port}" if self.path is None else str(self.path)


def parse_admin_address(text: str) -> AdminAddress:
    """Read ``HOST:PORT`` or the path of a socket.

    Raises:
        SourceError: The host is not loopback: orders are never taken from other machines.
    """
    found = _PORT.fullmatch(text)
    if found is None or int(found[2]) > _LARGEST_PORT:
        return AdminAddress(Path(text))
    host = found[1].strip("[]")
    if not _is_loopback(host):
        raise SourceError(
            f"{host} is not loopback; orders are only taken from this machine",
            hint="Give 127.0.0.1:PORT, or the path of a socket.",
        )
    return AdminAddress(host="127.0.0.1" if host == "localhost" else host, port=int(found[2]))


def bind_admin(address: AdminAddress) -> socket.socket:
    """Return a bound socket; one in the file system is for its owner only.

    Raises:
        SetupError: It can't be bound, or somebody listens there.
    """
    try:
        if address.path is not None:
            return _bind_path(address.path)
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        return socket.create_server((address.host, address.port), family=family)
    except OSError as error:
        raise SetupError(
            f"orders can't be taken at {address}: {error.strerror or error}",
            hint="Choose another place with --admin.",
        ) from error


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _bind_path(path: Path) -> socket.socket:
    _remove_stale(path)
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        bound.bind(str(path))
        path.chmod(0o600)  # nobody can connect before it listens, so nobody slips in
    except OSError:
        bound.close()
        raise
    return bound


def _remove_stale(path: Path) -> None:
    """Remove the socket of a router that is gone; leave anything else where it is."""
    if not path.exists() or not stat.S_ISSOCK(path.stat().st_mode):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
        try:
            trial.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
