"""One connection to a backend: a request's bytes out, a parsed response in."""

import select
from collections.abc import Callable
from typing import Protocol

import httptools

from deployer.routing.address import Address
from deployer.routing.known_head import ResponseMemory
from deployer.routing.messages import HEAD_LIMIT, Field, ResponseHead, read_response_head
from deployer.routing.stream import Stream

__all__ = ["Idler", "Sink", "Switch", "UpstreamConnection"]

_BODILESS = frozenset({204, 304})
_INTERIM = frozenset({100, 102, 103})
_SWITCHING = 101

Switch = Callable[[ResponseHead, bytes], None]


class Sink(Protocol):
    """Who takes the response in; no call comes after ``complete`` or ``on_lost``."""

    def on_response(
        self, head: ResponseHead | None, chunks: list[bytes], *, complete: bool
    ) -> None:
        """Take what one read brought: the head if it was in it, body parts, and whether all is."""
        ...

    def on_lost(self, reason: str) -> None:
        """Learn that the rest of the response will never come, or that it is no HTTP."""
        ...

    def on_writable(self, *, writable: bool) -> None:
        """Stop sending, or go on."""
        ...


class Idler(Protocol):
    """Who keeps idle connections."""

    def discard(self, connection: "UpstreamConnection") -> None:
        """Forget a connection that was closed."""
        ...


class UpstreamConnection:
    """A connection that serves one request at a time, kept open between them.

    The sink is told at the end of each read, never from within the parser: so a response can't be
    handed to the next request on this connection by bytes that came too many.
    """

    def __init__(self, idler: Idler, address: Address) -> None:
        self.address = address
        self._idler = idler
        self._transport: Stream | None = None
        self._look: Callable[[int], object] = lambda _timeout: True
        self._paused = False
        self._sink: Sink | None = None
        self._switch: Switch | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._memory = ResponseMemory()
        self.idle_since = 0.0
        self._bodiless = False
        self._reason = b""
        self._fields: list[Field] = []
        self._unparsed = 0
        self._head: ResponseHead | None = None
        self._head_seen = False
        self._ends_at_close = False
        self._chunks: list[bytes] = []
        self._interim = False
        self._complete = False
        self._excess = False
        self._persistent = False

    def begin(
        self, sink: Sink, data: bytes, *, bodiless: bool, switch: Switch | None = None
    ) -> None:
        """Take the connection for one request.

        Args:
            data: What is there of the request, to be sent at once.
            bodiless: Whether it is a HEAD.
            switch: Called when the backend changes to the protocol that was asked for, with its
                answer's head and the first bytes after it; then nothing else is called.
        """
        # What else a response leaves behind is as it was: only what may `rest` comes back.
        self._sink = sink
        self._switch = switch
        self._bodiless = bodiless
        self._head_seen = self._complete = False
        self._unparsed = 0
        if self._parser is None:
            self._parser = httptools.HttpResponseParser(self)
        self.send(data)

    def send(self, data: bytes) -> None:
        """Send bytes of the request."""
        if self._transport is not None:
            self._transport.write(data)

    def pause_reading(self) -> None:
        """Stop taking in the response."""
        if self._transport is not None and not self._transport.is_closing():
            self._paused = True
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Go on taking it in."""
        if self._paused and self._transport is not None and not self._transport.is_closing():
            self._paused = False
            self._transport.resume_reading()

    def abort(self) -> None:
        """Close at once; the sink hears nothing any more."""
        self._sink = None
        if self._transport is not None:
            self._transport.abort()

    def hand_over(self) -> Stream | None:
        """Give the connection away; None when it is lost already."""
        transport, self._transport = self._transport, None
        self._sink = None
        return transport

    def rest(self, now: float) -> bool:
        """Become idle; False if it can't: the response did not end cleanly, or it is closing."""
        transport = self._transport
        if self._excess or not (self._complete and self._persistent):
            return False
        if transport is None or transport.is_closing():
            return False
        self._sink = None
        self.idle_since = now
        if self._paused:
            self.resume_reading()
        return True

    def is_fresh(self) -> bool:
        """Tell whether nothing came while it was idle: an end that is not read yet counts."""
        transport = self._transport
        return transport is not None and not transport.is_closing() and not self._look(0)

    # ---- Receiver

    def connection_made(self, transport: Stream) -> None:
        """See `Receiver`."""
        self._transport = transport
        poll = select.poll()
        poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN | select.POLLPRI)
        self._look = poll.poll

    def data_received(self, data: bytes) -> None:
        """See `Receiver`."""
        sink, parser = self._sink, self._parser
        if sink is None or parser is None:
            self.abort()
            return
        if not (self._unparsed or self._head_seen or self._bodiless):
            known = self._memory.read(data)
            if known is not None:
                self._pass_on(sink, *known)
                return
        self._unparsed += len(data)
        try:
            parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._change_over(data[upgrade.args[0] :])
            return
        except httptools.HttpParserError as error:
            if not self._complete:
                self._lose(f"answered what is not HTTP: {_cut(error)}")
                return
            self._excess = True
        self._memory.fresh = b""
        if self._unparsed > HEAD_LIMIT:
            self._lose("answered with a head of more than 64 KiB")
        elif self._head is not None or self._chunks or self._complete:
            self._tell(sink)

    def eof_received(self) -> bool | None:
        """See `Receiver`."""
        until_close = self._head_seen and self._ends_at_close
        if self._sink is not None and until_close and not self._complete:
            self._complete = True
            self._tell(self._sink)
        elif self._sink is not None:
            self._lose(self._how_closed())
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """See `Receiver`."""
        self._transport = None
        if self._sink is None:
            self._idler.discard(self)
        else:
            self._lose(self._how_closed() if exc is None else f"broke off: {_cut(exc)}")

    def pause_writing(self) -> None:
        """See `Receiver`."""
        if self._sink is not None:
            self._sink.on_writable(writable=False)

    def resume_writing(self) -> None:
        """See `Receiver`."""
        if self._sink is not None:
            self._sink.on_writable(writable=True)

    # ---- httptools

    def on_message_begin(self) -> None:
        """See `httptools.HTTPProtocol`."""
        if self._complete:
            self._excess = True
        self._interim = False
        self._reason = b""
        self._fields = []

    def on_status(self, status: bytes) -> None:
        """See `httptools.HTTPProtocol`."""
        self._reason += status

    def on_header(self, name: bytes, value: bytes) -> None:
        """See `httptools.HTTPProtocol`. A trailer comes here too, and is dropped."""
        if not self._head_seen:
            self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        """See `httptools.HTTPProtocol`."""
        parser = self._parser
        if self._complete or parser is None:
            return
        status = parser.get_status_code()
        if status in _INTERIM:
            self._interim = True
            return
        if status < 200 and not (status == _SWITCHING and self._switch):  # noqa: PLR2004
            raise ValueError(f"status {status} was not asked for")
        self._head = head = read_response_head(status, self._reason, self._fields)
        self._head_seen = True
        bodiless = self._bodiless or status in _BODILESS
        framed = bodiless or head.chunked or head.length is not None
        self._ends_at_close = ends_at_close = not framed
        self._persistent = not ends_at_close and parser.should_keep_alive()
        if bodiless:
            self._complete = True
            self._parser = None  # it would wait for the body that a HEAD only announces
        elif self._memory.fresh and self._persistent:
            self._memory.learn(head, len(self._fields))

    def on_body(self, body: bytes) -> None:
        """See `httptools.HTTPProtocol`."""
        self._unparsed = 0
        if self._complete:
            self._excess = True
        else:
            self._chunks.append(body)

    def on_message_complete(self) -> None:
        """See `httptools.HTTPProtocol`."""
        self._unparsed = 0
        if not self._interim:
            self._complete = True

    # ----

    def _pass_on(self, sink: Sink, head: ResponseHead, body: bytes) -> None:
        self._head_seen = self._complete = self._persistent = True
        self._sink = None
        sink.on_response(head, [body] if body else [], complete=True)

    def _change_over(self, first: bytes) -> None:
        head, switch = self._head, self._switch
        if head is None or switch is None or head.status != _SWITCHING:
            self._lose("changed the protocol, which nobody asked for")
        else:
            switch(head, first)

    def _tell(self, sink: Sink) -> None:
        head, self._head = self._head, None
        chunks, self._chunks = self._chunks, []
        if head is not None and head.status == _SWITCHING:
            self._lose("changed the protocol without saying to which")
            return
        if self._complete:
            self._sink = None
        sink.on_response(head, chunks, complete=self._complete)

    def _lose(self, reason: str) -> None:
        sink, self._sink = self._sink, None
        if self._transport is not None:
            self._transport.abort()
        if sink is not None:
            sink.on_lost(reason)

    def _how_closed(self) -> str:
        if self._head_seen:
            return "closed in the middle of its answer"
        return "closed without an answer"


def _cut(error: BaseException) -> str:
    cause = error.__context__ or error
    return (str(cause) or type(cause).__name__)[:120]
