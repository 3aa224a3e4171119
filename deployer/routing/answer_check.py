"""Whether an answer is what it claims to be: 200 with an error in it is a failure, too.

Pure. What can't be judged is not held against anybody: an answer that is longer than what is looked
at has no JSON to point into. An answer that is found wrong has been passed on already, as it came:
holding it back would delay every stream. It counts against its backend like any other failure.
"""

import json
import re
import zlib
from collections.abc import Sequence

from jsonpointer import JsonPointer, JsonPointerException

from deployer.errors import StateError
from deployer.release.steering import CheckRecord

__all__ = ["AnswerCheck", "AnswerWatch"]

_GZIP = b"\x1f\x8b"
_SUCCESS = range(200, 300)


class AnswerCheck:
    """The rules, ready for use.

    A regular expression is searched for in the bytes that are looked at, and takes the time it
    takes: one that backtracks without end is its author's.

    Raises:
        StateError: A pattern or the pointer is none.
    """

    def __init__(self, record: CheckRecord) -> None:
        self.limit = record.first_bytes
        self._statuses = record.status
        try:
            self._pointer = None if record.pointer is None else JsonPointer(record.pointer)
            self._pattern = _compile(record.pattern)
            self._absent = _compile(record.absent)
        except (JsonPointerException, re.error) as error:
            raise StateError(
                f"the routes' check of answers can't be used: {error}",
                hint="Mend routing.check in the spec, and deploy.",
            ) from error

    def find_fault(self, status: int, body: bytes, *, whole: bool) -> str:
        """Return what is wrong with an answer in a few words, never with its content; or nothing.

        Args:
            whole: Whether ``body`` is all of it.
        """
        if status not in _SUCCESS:
            return ""
        if self._statuses and status not in self._statuses:
            return f"answered {status}, which is not right here"
        if body.startswith(_GZIP):
            body, whole = self._unpack(body, whole=whole)
        if self._pattern is not None and not self._pattern.search(body):
            return "the answer lacks what it must match"
        if self._absent is not None and self._absent.search(body):
            return "the answer matches what it must not"
        return self._find_gap(body) if whole and self._pointer is not None else ""

    def _find_gap(self, body: bytes) -> str:
        try:
            self._resolve(json.loads(body))
        except ValueError:
            return "the answer is not JSON"
        except JsonPointerException:
            return f"the answer has nothing at {self._pointer.path!r}" if self._pointer else ""
        return ""

    def _resolve(self, document: object) -> None:
        if self._pointer is not None:
            self._pointer.resolve(document)

    def _unpack(self, body: bytes, *, whole: bool) -> tuple[bytes, bool]:
        unpacker = zlib.decompressobj(wbits=31)
        try:
            unpacked = unpacker.decompress(body, self.limit)
        except zlib.error:
            return body, whole
        return (unpacked, whole and unpacker.eof) if unpacked else (body, whole)


class AnswerWatch:
    """Keeps the beginning of one answer, and judges it when it is whole."""

    def __init__(self, check: AnswerCheck) -> None:
        self._check = check
        self._status = 0
        self._parts: list[bytes] = []
        self._kept = 0
        self._seen = 0

    def see(self, status: int, chunks: Sequence[bytes]) -> None:
        """Take in what came of an answer."""
        self._status = status
        for chunk in chunks:
            self._seen += len(chunk)
            room = self._check.limit - self._kept
            if room > 0:
                self._parts.append(bytes(chunk[:room]))
                self._kept += len(self._parts[-1])

    def find_fault(self) -> str:
        """Return what is wrong with the answer, now that it is whole; or nothing."""
        whole = self._seen == self._kept
        return self._check.find_fault(self._status, b"".join(self._parts), whole=whole)


def _compile(pattern: str | None) -> re.Pattern[bytes] | None:
    return None if pattern is None else re.compile(pattern.encode())
