"""A request as it comes in: its head, what is buffered of its body, whether it is whole."""

from deployer.routing.messages import RequestHead
from deployer.routing.retries import REPLAY_LIMIT

__all__ = ["Request"]


class Request:
    """Body bytes are kept until the first attempt takes them, and for another attempt if asked.

    Attributes:
        head: What was asked.
        ident: The request's id, its own or made here.
        whole: Whether the body has ended.
        taken: Whether a backend was sent any of it.
        received: Bytes of the body so far.
    """

    __slots__ = ("_intact", "_parts", "_repeatable", "head", "ident", "received", "taken", "whole")

    def __init__(self, head: RequestHead, ident: bytes, *, repeatable: bool) -> None:
        self.head = head
        self.ident = ident
        self.whole = False
        self.taken = False
        self.received = 0
        self._parts: list[bytes] = []
        self._repeatable = repeatable
        self._intact = True

    @property
    def may_be_sent(self) -> bool:
        """Whether an attempt may be begun: nothing was sent yet, or all of it can be repeated."""
        return not self.taken or (self._repeatable and self._intact)

    def frame(self, data: bytes) -> bytes:
        """Return body bytes as they go over the wire."""
        return b"%x\r\n%b\r\n" % (len(data), data) if self.head.chunked else data

    def frame_end(self) -> bytes:
        """Return what ends the body on the wire."""
        return b"0\r\n\r\n" if self.head.chunked else b""

    def add(self, data: bytes) -> None:
        """Take in body bytes."""
        self.received += len(data)
        if self.taken and (not self._repeatable or self.received > REPLAY_LIMIT):
            self._intact = False
            self._parts = []
        if self._intact:
            self._parts.append(data)

    def fill(self, body: bytes) -> None:
        """Take in all of the body, and that it has ended, before any of it is taken."""
        self._parts = [body]
        self.received = len(body)
        self.whole = True

    def take(self) -> bytes:
        """Return the body so far, framed, for an attempt that begins now."""
        self.taken = True
        data = b"".join(self._parts)
        if not self._repeatable or self.received > REPLAY_LIMIT:
            self._intact = False
            self._parts = []
        if self.whole and not self.head.chunked:
            return data
        framed = self.frame(data) if data else b""
        return framed + self.frame_end() if self.whole else framed
