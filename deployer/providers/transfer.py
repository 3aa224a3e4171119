"""Reading what comes in pieces: ranges of an object, pages of a listing."""

from collections.abc import Callable, Iterator

from deployer.errors import TransientError
from deployer.ports import ObjectInfo

__all__ = ["CHUNK", "PART", "RANGE", "Page", "read_pages", "read_ranges"]

PART = 16 << 20
"""Bytes per part of an upload, and the largest file that is sent in one request."""

RANGE = 8 << 20
"""Bytes per ranged read: what a connection that breaks off costs at most."""

CHUNK = 1 << 20
"""Bytes per chunk handed on: the port's limit."""

Page = tuple[list[ObjectInfo], str | None]
"""The infos of a page and the token of the next one; None at the end."""


def read_ranges(size: int, fetch: Callable[[int, int], bytes], *, resource: str) -> Iterator[bytes]:
    """Yield ``size`` bytes in chunks, from calls ``fetch(offset, length)``.

    Raises:
        TransientError: A call returned another number of bytes than it was asked for.
    """
    for offset in range(0, size, RANGE):
        length = min(RANGE, size - offset)
        part = memoryview(fetch(offset, length))
        if len(part) != length:
            raise TransientError(
                f"{resource} broke off: {len(part)} bytes instead of {length} at {offset}",
                operation="stream",
                resource=resource,
            )
        for at in range(0, len(part), CHUNK):
            yield bytes(part[at : at + CHUNK])


def read_pages(fetch: Callable[[str | None], Page]) -> Iterator[ObjectInfo]:
    """Yield the infos of all pages, from calls ``fetch(token)``; None asks for the first."""
    infos, token = fetch(None)
    yield from infos
    while token:
        infos, token = fetch(token)
        yield from infos
