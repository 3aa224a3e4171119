"""Heads that a connection has brought before: the same bytes mean the same again.

Whoever keeps a connection mostly sends one head over and over, but for the length of the body. What
the parser and the checks said of it holds for the same bytes, so they need not be asked: bytes are
compared, and what stands in the length's place must be digits. Nothing is parsed here, a head is
only ever learned from what the parser took in, and whatever differs from it in anything else goes
to the parser.

A message is recognised only when one read brings the whole of it and nothing more.
"""

import re
from dataclasses import replace
from http import HTTPStatus
from typing import Generic, TypeVar

from deployer.routing.messages import RequestHead, ResponseHead

__all__ = ["RequestMemory", "ResponseMemory"]

_LESSONS = 4
"""How many heads in a row a connection keeps without seeing one again; then it is left alone."""

_LARGEST = 2048
"""Bytes of a head worth keeping for each connection."""

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]+)(?=\r\n)", re.IGNORECASE)
_DIGITS = 18
"""Of a length that fits into 64 bits whatever they are."""

_Head = TypeVar("_Head", RequestHead, ResponseHead)

_UNUSUAL = frozenset({b"expect", b"transfer-encoding", b"upgrade"})


class _Known:
    """A head's bytes before and after its length; with no length, all of them are before it."""

    __slots__ = ("_after", "_before", "_size", "_start", "_whole", "digits")

    def __init__(self, before: bytes, digits: bytes, after: bytes) -> None:
        self._before = before
        self._start = len(before)
        self._after = after
        self._fit(digits)

    def find_body(self, data: bytes) -> bytes | None:
        """Return the body when ``data`` is one message with this head, `digits` its length."""
        if len(data) == self._size and data.startswith(self._whole):
            return data[len(self._whole) :]
        start, after = self._start, self._after
        if not (self.digits and data.startswith(self._before)):
            return None
        end = data.find(after, start, start + _DIGITS + len(after))
        digits, body = data[start:end], data[end + len(after) :]
        if end < 0 or not digits.isdigit() or len(body) != int(digits):
            return None
        self._fit(digits)
        return body

    def _fit(self, digits: bytes) -> None:
        self.digits = digits
        self._whole = self._before + digits + self._after
        self._size = len(self._whole) + int(digits or b"0")


class _Memory(Generic[_Head]):
    """The head that a connection brought last.

    Attributes:
        fresh: What was read, if it begins with a head that may be learned.
    """

    __slots__ = ("_kept", "_lessons", "fresh")

    def __init__(self) -> None:
        self.fresh = b""
        self._kept: tuple[_Known, _Head] | None = None
        self._lessons = _LESSONS

    def _find(self, data: bytes) -> tuple[_Known, _Head, bytes] | None:
        """Return what is known and the body that came; None when another head came, or more."""
        if self._kept is not None:
            known, head = self._kept
            body = known.find_body(data)
            if body is not None:
                self._lessons = _LESSONS
                return known, head, body
        self.fresh = data if self._lessons else b""
        return None

    def _take(self) -> bytes:
        """Return what was read, to learn from; what was known is forgotten."""
        data, self.fresh = self.fresh, b""
        self._kept, self._lessons = None, self._lessons - 1
        return data

    def _keep(self, known: _Known | None, head: _Head) -> None:
        self._kept = (known, head) if known is not None else None


class RequestMemory(_Memory[RequestHead]):
    """The request's head that a client's connection brought last."""

    __slots__ = ()

    def read(self, data: bytes) -> tuple[RequestHead, bytes] | None:
        """Return head and body when what was read is just one request with the head known.

        Called with what follows the end of another request.
        """
        found = self._find(data)
        if found is None:
            return None
        known, last, body = found
        digits, special = known.digits, last.special
        if digits and special[b"content-length"][0] != digits:
            last.special = special = {**special, b"content-length": [digits]}
        # Nobody changes what is in these, but a head may be given others on its way.
        head = RequestHead(
            last.method, last.target, "1.1", keep_alive=True, lines=last.lines, special=special
        )
        return head, body

    def learn(self, head: RequestHead) -> None:
        """Keep a head, if it is one of the usual, that nothing was found wrong with."""
        data, special = self._take(), head.special
        if not head.keep_alive or not _UNUSUAL.isdisjoint(special):
            return
        line = b"%b %b HTTP/1.1\r\n" % (head.method, head.target)
        fields = head.lines.count(b"\r\n") + sum(map(len, special.values()))
        lengths = special.get(b"content-length", [])
        self._keep(_learn(data, line, fields, lengths), replace(head))


class ResponseMemory(_Memory[ResponseHead]):
    """The response's head that a backend's connection brought last."""

    __slots__ = ()

    def read(self, data: bytes) -> tuple[ResponseHead, bytes] | None:
        """See `RequestMemory.read`; called for a response that may have a body."""
        found = self._find(data)
        if found is None:
            return None
        known, last, body = found
        if last.length != known.digits:
            last = replace(last, length=known.digits)
            self._keep(known, last)
        return last, body

    def learn(self, head: ResponseHead, fields: int) -> None:
        """Keep the head of a response whose connection goes on after a body of its length.

        Args:
            fields: How many it came with.
        """
        data = self._take()
        if head.length is None or head.chunked or head.status < HTTPStatus.OK:
            return
        line = b"HTTP/1.1 %d %b\r\n" % (head.status, head.reason)
        self._keep(_learn(data, line, fields, [head.length]), head)


def _learn(data: bytes, line: bytes, fields: int, lengths: list[bytes]) -> _Known | None:
    raw = data[: data.find(b"\r\n\r\n") + 4]
    # All that it says was taken in, and it says nothing else.
    same = raw.startswith(line) and raw.count(b"\r\n") == fields + 2
    found = [*_LENGTH.finditer(raw)]
    if not same or len(raw) > _LARGEST or [each[1] for each in found] != lengths:
        return None
    if not found:
        return _Known(raw, b"", b"")
    return _Known(raw[: found[0].start(1)], found[0][1], raw[found[0].end(1) :])
