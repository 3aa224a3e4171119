"""Where a backend listens, taken from its URL once."""

import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from deployer.errors import StateError

__all__ = ["Address", "parse_address"]


@dataclass(frozen=True, slots=True)
class Address:
    """A host and port to connect to, and what goes into a request sent there.

    Attributes:
        authority: The value of ``Host``.
        prefix: The URL's path without its last slash; put before every request's path.
        tls: Set for https: verifies the chain and the host name by the system's trust.
    """

    host: str
    port: int
    authority: bytes
    prefix: bytes
    tls: ssl.SSLContext | None = None


def parse_address(url: str, *, tls: ssl.SSLContext | None = None) -> Address:
    """Return the address of an http or https URL.

    Args:
        tls: The context to use for https instead of the default one.

    Raises:
        StateError: It is no such URL.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
        netloc = parts.netloc.encode("ascii")
        path = parts.path.rstrip("/").encode("ascii")
    except ValueError as error:
        raise StateError(f"{url!r} is not a backend's URL: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or b"@" in netloc:
        raise StateError(
            f"{url!r} is not a backend's URL", hint="Write http://host:port or https://host."
        )
    secure = parts.scheme == "https"
    return Address(
        parts.hostname,
        port or (443 if secure else 80),
        netloc,
        path,
        (tls or ssl.create_default_context()) if secure else None,
    )
