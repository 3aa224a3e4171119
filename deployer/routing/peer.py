"""Who is at the other end of a connection."""

import socket
import struct

from deployer.routing.stream import Stream

__all__ = ["describe_peer"]

_CREDENTIALS = struct.Struct("3i")
"""pid, uid, gid: Linux's ``struct ucred``, as the kernel vouches for them (unix(7))."""


def describe_peer(transport: Stream) -> bytes:
    """Return the peer's address; for a Unix socket on Linux, the user and process."""
    name = transport.get_extra_info("peername")
    if name:
        return str(name[0]).encode("ascii", "replace")
    found = transport.get_extra_info("socket")
    if found is None or found.family != socket.AF_UNIX or not hasattr(socket, "SO_PEERCRED"):
        return b"unknown"
    raw = found.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _ = _CREDENTIALS.unpack(raw)
    return b"user %d (process %d)" % (uid, pid)
