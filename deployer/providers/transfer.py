"""Moving what comes in pieces: files in parts, ranges of an object, pages of a listing."""

from collections.abc import Callable, Iterator
from pathlib import Path

from deployer.errors import IntegrityError, TransientError
from deployer.ports import ObjectInfo, Source, StoredRange
from deployer.transfer import Lanes, Limits, PartUpload, open_source, send_source

__all__ = [
    "CHUNK",
    "RANGE",
    "Page",
    "check_range",
    "read_pages",
    "read_ranges",
    "read_total",
    "send_file",
]

RANGE = 8 << 20
"""Bytes per ranged read of a stream."""

CHUNK = 1 << 20
"""Bytes per chunk handed on: the port's limit."""

Page = tuple[list[ObjectInfo], str | None]
"""The infos of a page and the token of the next one; None at the end."""


def send_file(
    upload: PartUpload,
    source: Path | Source,
    limits: Limits,
    lanes: Lanes,
    progress: Callable[[int], None] | None,
) -> ObjectInfo:
    """Send a source, or a file by its path; see `ObjectStore.put_file`."""
    if not isinstance(source, Path):
        return send_source(upload, source, limits=limits, lanes=lanes, progress=progress)
    with open_source(source, limits.budget) as opened:
        return send_source(upload, opened, limits=limits, lanes=lanes, progress=progress)


def check_range(found: StoredRange, offset: int, length: int, resource: str) -> StoredRange:
    """Return ``found`` when it is as long as was asked for.

    Raises:
        IntegrityError: The object ends before the range does.
        TransientError: The answer broke off.
    """
    if len(found.body) == length:
        return found
    if found.size < offset + length:
        raise IntegrityError(
            f"{resource} has {found.size} bytes, and ends before {offset + length}"
        )
    raise TransientError(
        f"{resource} broke off: {len(found.body)} bytes instead of {length} at {offset}",
        operation="read",
        resource=resource,
    )


def read_total(content_range: str | None, resource: str) -> int:
    """Return the size of the whole object, from an answer's ``Content-Range``.

    Raises:
        TransientError: The answer is no part of an object: an error in disguise, or a server that
            ignores ranges.
    """
    total = (content_range or "").rpartition("/")[2]
    if not total.isdigit():
        raise TransientError(
            f"{resource} was asked for a range, and the answer is none",
            operation="read",
            resource=resource,
        )
    return int(total)


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
