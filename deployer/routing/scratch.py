"""The memory that sockets are read into.

A protocol that lets asyncio allocate gets 256 KiB for each read, however little comes; beyond the
allocator's threshold that takes ten times as long as the read itself. So all connections of one
event loop read into one buffer, and what comes is parsed before the next read.
"""

from typing import TypeAlias

__all__ = ["READ_SIZE", "Scratch", "make_scratch"]

Scratch: TypeAlias = memoryview

READ_SIZE = 64 * 1024
"""Bytes that one read can bring."""


def make_scratch() -> Scratch:
    """Return a buffer for the connections of one event loop; never for those of two."""
    return memoryview(bytearray(READ_SIZE))
