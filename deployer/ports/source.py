"""What is sent to a store: bytes in order, cut into chunks that several stores may share."""

from collections.abc import Iterator
from typing import Protocol

__all__ = ["Chunk", "Source"]


class Chunk(Protocol):
    """Consecutive bytes of a source, held in memory until everyone who got them released them."""

    @property
    def number(self) -> int:
        """Its place among the chunks, from 1."""
        ...

    @property
    def offset(self) -> int:
        """Where in the source it begins."""
        ...

    @property
    def body(self) -> bytes | memoryview:
        """The bytes: of memory that is used again after `release`, so copy what is to be kept."""
        ...

    def checksum(self, algorithm: str) -> str:
        """Return the checksum of the body in lower-case hex, computed once for all holders."""
        ...

    def release(self) -> None:
        """Let go of it: once for each time it was handed out."""
        ...


class Source(Protocol):
    """A file, here or in another store, on its way into a store."""

    @property
    def name(self) -> str:
        """What messages call it."""
        ...

    @property
    def size(self) -> int:
        """In bytes."""
        ...

    def chunks(self, length: int) -> Iterator[Chunk]:
        """Yield all bytes in order, in chunks of ``length`` (the last one may be shorter).

        An empty source is one empty chunk. Waits for memory as long as the process's budget is
        used up. May be called again: for another try.

        Raises:
            SourceError: It changed or vanished.
        """
        ...

    def finish(self) -> None:
        """Make sure, before anything is published, that what was read is what it is to be.

        Raises:
            SourceError: The file changed, was replaced or vanished since, or is not the one that
                was scanned.
            IntegrityError: It came from another store, and is not what that store promised.
        """
        ...
