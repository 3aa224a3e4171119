"""Uploading a source to one store: in one request, or in parts that a later try goes on with."""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from typing import Protocol

from deployer.checksums import combine_crcs
from deployer.errors import DeployerError, NotFoundError, ProviderError, SourceError, TransientError
from deployer.ports import Chunk, ObjectInfo, Source
from deployer.transfer.lanes import Lanes
from deployer.transfer.limits import Limits

__all__ = ["LOOKED_INTO", "PartUpload", "SentPart", "send_source"]

LOOKED_INTO = 4
"""Unfinished uploads of one key whose parts are listed: what was killed is among the newest."""

_ATTEMPTS = 3
_CRCS = ("crc32", "crc32c", "crc64nvme")


@dataclass(frozen=True, slots=True)
class SentPart:
    """A part that a store holds: its number from 1, what it is called there, and its checksums."""

    number: int
    size: int
    tag: str
    checksums: Mapping[str, str] = field(default_factory=dict)

    def is_of(self, chunk: Chunk) -> bool:
        """Whether a checksum proves that it has the chunk's bytes."""
        if self.size != len(chunk.body) or not self.checksums:
            return False
        return all(chunk.checksum(name) == value for name, value in self.checksums.items())


class PartUpload(Protocol):
    """One object on its way into one store: the few calls in which the clouds differ.

    Each is retried by the adapter. ``algorithm`` is what the store checks bytes with.
    """

    @property
    def algorithm(self) -> str:
        """A name of `deployer.checksums`; a CRC is put together for the whole, others are not."""
        ...

    def put_whole(self, chunk: Chunk) -> ObjectInfo:
        """Write a small source in one request, and prove it."""
        ...

    def find_parts(self) -> Mapping[int, SentPart] | None:
        """Go on with an upload of this key that was begun before; None when there is none.

        One without parts counts only where it is known to be of the same bytes. Of one with parts
        the caller finds that out: somebody may be sending other bytes there.
        """
        ...

    def begin(self) -> None:
        """Begin a new upload, beside those of the same key."""
        ...

    def send_part(self, chunk: Chunk) -> SentPart:
        """Send a part with a checksum that the store checks.

        Raises:
            NotFoundError: The upload is gone: somebody else completed or aborted it.
        """
        ...

    def commit(self, parts: Sequence[SentPart], size: int, checksum: str) -> ObjectInfo:
        """Publish all at once, and prove it; ``checksum`` is the whole's, empty if no CRC.

        Raises:
            NotFoundError: The upload is gone, or a part of it was replaced; the key holds nothing
                or other bytes.
            AlreadyExistsError: The key was to be free, and holds other bytes.
        """
        ...

    def abort(self) -> None:
        """Drop the parts: they are of no use to a later try."""
        ...


def send_source(
    upload: PartUpload,
    source: Source,
    *,
    limits: Limits,
    lanes: Lanes,
    progress: Callable[[int], None] | None = None,
) -> ObjectInfo:
    """Send all of ``source``; see `ObjectStore.put_file` for what is promised.

    An upload that is found is gone on with only while each part that is there proves to be of this
    source; else, and when it was taken away, all is sent anew in an upload of its own. Two who send
    different bytes to one name at once may begin alike and meet in one upload for a while: then the
    parts that one replaced under the other show when it is committed, and it, too, is sent anew.

    After a failure that another try may mend, the parts that were sent stay, and a note on the
    error says so; after one that makes them useless they are dropped.
    """
    tell = progress or (lambda _count: None)
    if source.size <= limits.part_bytes:
        return _send_whole(upload, source, tell)
    there, attempts = upload.find_parts(), 0
    while True:
        attempts += 1
        try:
            return _Attempt(upload, source, limits, lanes, tell).run(there)
        except _NotOursError:
            there = None
        except NotFoundError as error:
            if attempts == _ATTEMPTS:
                raise _never_ends(source, error) from error
            there = None


def _send_whole(upload: PartUpload, source: Source, tell: Callable[[int], None]) -> ObjectInfo:
    (chunk,) = source.chunks(max(1, source.size))
    try:
        source.finish()
        info = upload.put_whole(chunk)
    finally:
        chunk.release()
    tell(info.size)
    return info


def _never_ends(source: Source, error: ProviderError) -> TransientError:
    return TransientError(
        f"the upload of {source.name} was taken away {_ATTEMPTS} times, by somebody who uploads "
        "to the same name or clears up",
        operation=error.operation,
        resource=error.resource,
    )


class _NotOursError(Exception):
    """What was found is an upload of other bytes, or not known to be of these."""


class _Attempt:
    """One way through the source, part by part."""

    def __init__(
        self,
        upload: PartUpload,
        source: Source,
        limits: Limits,
        lanes: Lanes,
        tell: Callable[[int], None],
    ) -> None:
        self._upload = upload
        self._source = source
        self._length = limits.part_length(source.size)
        self._lanes = lanes
        self._tell = tell
        self._there: Mapping[int, SentPart] = {}
        self._parts: list[Future[_Done]] = []
        self._failed = threading.Event()

    def run(self, there: Mapping[int, SentPart] | None) -> ObjectInfo:
        """Go on with the upload that has the parts ``there``; begin one when it is None."""
        if there is None:
            self._upload.begin()
        self._there = there or {}
        try:
            done = self._send_all()
            self._source.finish()
            whole = _checksum_of_whole(self._upload.algorithm, done)
            return self._upload.commit([one.part for one in done], self._source.size, whole)
        except SourceError as error:
            self._abort(error)
            raise
        except NotFoundError:
            raise
        except (DeployerError, KeyboardInterrupt) as error:
            self._note(error)
            raise
        finally:
            wait(self._parts)

    def _send_all(self) -> "list[_Done]":
        for chunk in self._source.chunks(self._length):
            self._parts.append(self._start(chunk))
            if self._failed.is_set():
                break
        return [part.result() for part in self._parts]

    def _start(self, chunk: Chunk) -> "Future[_Done]":
        """Begin to send a chunk that is not there; compare one that is before any later is sent."""
        there = self._there.get(chunk.number)
        if there is not None and not there.is_of(chunk):
            chunk.release()
            raise _NotOursError
        return self._lanes.start(lambda: self._ensure(chunk, there))

    def _ensure(self, chunk: Chunk, there: SentPart | None) -> "_Done":
        try:
            part = there or self._upload.send_part(chunk)
            self._tell(part.size)
            return _Done(part, chunk.checksum(self._upload.algorithm))
        except BaseException:
            self._failed.set()
            raise
        finally:
            chunk.release()

    def _abort(self, error: BaseException) -> None:
        wait(self._parts)
        try:
            self._upload.abort()
        except ProviderError as failed:
            error.add_note(f"Parts of {self._source.name} were left behind: {failed.message}")

    def _note(self, error: BaseException) -> None:
        sent = sum(part.done() and part.exception() is None for part in self._parts)
        if sent:
            error.add_note(
                f"{sent} parts of {self._source.name} are in the store, invisible; the next try "
                "goes on with them."
            )


@dataclass(frozen=True, slots=True)
class _Done:
    part: SentPart
    checksum: str


def _checksum_of_whole(algorithm: str, done: Sequence[_Done]) -> str:
    if algorithm not in _CRCS:
        return ""
    return combine_crcs(algorithm, ((one.checksum, one.part.size) for one in done))
