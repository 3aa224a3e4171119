"""From a backend's URL to the address that an engine connects to.

Engines are given IP addresses: a name that can't be resolved then never keeps one from starting,
and the same code follows DNS for all of them. While nobody is there to tell an engine, it goes on
with the addresses it has.
"""

import re
import socket
import ssl
from collections.abc import Callable, Sequence

from deployer.errors import StateError
from deployer.release.records import Backend
from deployer.routing.address import parse_address
from deployer.routing.plane import Endpoint

__all__ = ["Lookup", "Resolver", "look_up"]

_AUTHORITY = re.compile(r"[A-Za-z0-9._:\[\]-]+")

Lookup = Callable[[str, int], Sequence[str]]
"""Returns the IP addresses of a host and port, raising `OSError` when there are none."""


def look_up(host: str, port: int) -> Sequence[str]:
    """Ask the system's resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class Resolver:
    """Makes endpoints; keeps an address for as long as it is one of the host's.

    A resolver that fails takes no address away: the last one that was known stays.
    """

    def __init__(self, lookup: Lookup = look_up) -> None:
        self._lookup = lookup
        self._known: dict[tuple[str, int], str] = {}
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # only to spare making real ones

    def make_endpoints(self, backends: Sequence[Backend]) -> tuple[Endpoint, ...]:
        """Return the backends' endpoints, in the same order.

        Raises:
            StateError: A URL is none, or its host is no plain one.
        """
        return tuple(self._make(backend) for backend in backends)

    def _make(self, backend: Backend) -> Endpoint:
        address = parse_address(backend.url, tls=self._context)
        authority = address.authority.decode("ascii")
        if not _AUTHORITY.fullmatch(authority):  # it becomes a word of a configuration file
            raise StateError(f"{backend.url!r} has no plain host and port")
        return Endpoint(
            backend=backend,
            authority=authority,
            host=address.host,
            address=self._resolve(address.host, address.port),
            port=address.port,
            tls=address.tls is not None,
            prefix=address.prefix.decode("ascii"),
        )

    def _resolve(self, host: str, port: int) -> str:
        known = self._known.get((host, port), "")
        try:
            found = self._lookup(host, port)
        except OSError:
            return known
        if found and known not in found:
            self._known[host, port] = found[0]
        return self._known.get((host, port), "")
