"""A small file that was scanned: read whole, once, and proven by what the scan knows of it."""

import os
from pathlib import Path

from deployer.transfer.chunk import HeldChunk, Holding
from deployer.transfer.errors import changed, unreadable
from deployer.transfer.marks import SLICE, Marks

__all__ = ["ScannedFile"]


class ScannedFile:
    """A file of one mark, for one reader. Whatever it was before and after, its bytes are proven.

    Nothing is asked of the system beyond its bytes: a model of many files feels that.
    """

    @staticmethod
    def fits(marks: Marks) -> bool:
        """Whether a file with these marks is one."""
        return 0 < marks.size <= SLICE

    def __init__(self, path: Path, marks: Marks, holding: Holding) -> None:
        self._path = path
        self._marks = marks
        self._holding = holding
        self.size = marks.size

    def take(self, number: int, length: int) -> HeldChunk:
        """See `SharedFile.take`. Each chunk of fewer bytes than all costs a reading of all."""
        offset = (number - 1) * length
        count = min(length, self.size - offset)
        self._holding.budget.acquire(count)
        try:
            body = self._read()[offset : offset + count]
        except BaseException:
            self._holding.budget.release(count)
            raise
        known = self._marks.of_part(0, count) if count == self.size else None
        return HeldChunk(number, offset, body, self._holding, known)

    def finish(self) -> None:
        """See `SharedFile.finish`: it was found out when it was read."""

    def close(self) -> None:
        """Do nothing: it is open only while it is read."""

    def _read(self) -> bytes:
        """Return the bytes that were scanned; one more is asked for, to see that it is none."""
        try:
            file = os.open(self._path, os.O_RDONLY)
            try:
                body = os.read(file, self.size + 1)
            finally:
                os.close(file)
        except OSError as error:
            raise unreadable(self._path, error) from error
        if len(body) != self.size or not self._marks.prove(0, body):
            raise changed(self._path, "after it was scanned")
        return body
