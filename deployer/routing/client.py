"""One client's connection: requests in, one after the other; responses out, in their order."""

import math
from collections import deque

import httptools

from deployer.routing.downstream import Turn
from deployer.routing.known_head import RequestMemory
from deployer.routing.messages import (
    HEAD_LIMIT,
    Field,
    Refusal,
    RequestHead,
    check_request,
    read_request_head,
)
from deployer.routing.parting import end_sending, has_unread, part
from deployer.routing.peer import describe_peer
from deployer.routing.stream import Stream
from deployer.routing.traffic import Traffic
from deployer.routing.turns import make_refusal, make_turn
from deployer.routing.way import FindWay

__all__ = ["ClientConnection"]

_TOO_LARGE = Refusal(431, "the request's head is larger than 64 KiB")
_MALFORMED = "the request is not valid HTTP/1.1"
_STOPS = (httptools.HttpParserError, httptools.HttpParserUpgrade)


class ClientConnection:
    """See `Client`. Pipelined requests wait, and nothing more is read while they do.

    Turns begin at the end of a read, so that a small body leaves together with its head.

    Args:
        find_way: Tells what is answered here from what is passed on, and how.
    """

    def __init__(self, traffic: Traffic, find_way: FindWay) -> None:
        self.peer = b"unknown"
        self.scheme = b"http"
        self.writable = True
        self.deadline = math.inf
        self._traffic = traffic
        self._find_way = find_way
        self._transport: Stream | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._incoming: Turn | None = None
        self._current: Turn | None = None
        self._waiting: deque[Turn] = deque()
        self._advancing = False
        self._held = False
        self._paused = False
        self._deaf = False
        self._unparsed = 0
        self._memory = RequestMemory()
        self._target = b""
        self._fields: list[Field] = []
        self._upgrading = False
        self._opens_tunnel = False
        self._resuming = False
        self._switching = False
        self._early = b""

    # ---- Client

    def write(self, data: bytes) -> None:
        """See `Client.write`."""
        if self._transport is not None:
            self._transport.write(data)

    def hold(self, *, held: bool) -> None:
        """See `Client.hold`."""
        self._held = held
        self._pace()

    def cut(self, *, at_once: bool) -> None:
        """See `Client.cut`."""
        self._stop_listening()
        if self._transport is None:
            return
        if at_once:
            self._transport.abort()
        else:
            self._transport.close()
            self.deadline = self._traffic.now() + self._traffic.timeouts.idle

    def end_turn(self, *, keep_alive: bool) -> None:
        """See `Client.end_turn`."""
        turn, self._current = self._current, None
        self._held = False
        if keep_alive:
            traffic = self._traffic
            self.deadline = traffic.now() + traffic.timeouts.idle
            if self._switching:
                self._resume_parsing()
            if self._waiting or self._paused:
                self._advance()
            return
        self._stop_listening()
        if turn is not None and turn.whole:
            self._close()
        else:
            self._linger()

    def hand_over(self) -> tuple[Stream, bytes] | None:
        """See `Client.hand_over`."""
        transport, self._transport = self._transport, None
        self._current = None
        self._traffic.clients.discard(self)
        self._stop_listening()
        if transport is None or transport.is_closing():
            return None
        return transport, self._early

    # ---- Timed

    def expire(self, now: float) -> None:
        """See `Timed.expire`: it was idle for too long, or would not go."""
        transport = self._transport
        if self._deaf or transport is None:
            self._close(at_once=True)
        elif self._unparsed == 0 and has_unread(transport):
            self.deadline = now + self._traffic.timeouts.idle  # it came before its time was over
        else:
            self._stop_listening()
            part(transport)
            self.deadline = now + self._traffic.timeouts.idle

    def take_leave(self) -> None:
        """See `Connected.take_leave`."""
        if self._current is None:
            self.deadline = min(self.deadline, self._next_deadline())

    def abort(self) -> None:
        """See `Connected.abort`."""
        self._close(at_once=True)

    # ---- Receiver

    def connection_made(self, transport: Stream) -> None:
        """See `Receiver`."""
        self._transport = transport
        self.peer = describe_peer(transport)
        if transport.get_extra_info("sslcontext") is not None:
            self.scheme = b"https"
        self._traffic.clients.add(self)
        self.deadline = self._next_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `Receiver`."""
        del exc
        self._transport = None
        self._traffic.clients.discard(self)
        self._stop_listening()
        current, self._current = self._current, None
        if current is not None:
            current.lose_client()

    def data_received(self, data: bytes) -> None:
        """See `Receiver`."""
        if self._deaf:
            return
        if self._unparsed == 0 and self._incoming is None:
            known = self._memory.read(data)
            if known is not None:
                self._take_in(*known)
                return
        self._unparsed += len(data)
        try:
            self._parser.feed_data(data)
        except _STOPS as error:
            self._stop_parsing(error, data)
        if self._unparsed > HEAD_LIMIT:
            self._refuse_overlong()
        self._memory.fresh = b""
        if self._waiting or self._paused:
            self._advance()

    def eof_received(self) -> bool | None:
        """See `Receiver`."""
        return False

    def pause_writing(self) -> None:
        """See `Receiver`."""
        self.writable = False
        if self._current is not None:
            self._current.on_client_writable(writable=False)

    def resume_writing(self) -> None:
        """See `Receiver`."""
        self.writable = True
        if self._current is not None:
            self._current.on_client_writable(writable=True)

    # ---- httptools

    def on_url(self, url: bytes) -> None:
        """See `httptools.HTTPProtocol`."""
        if not self._resuming:
            self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """See `httptools.HTTPProtocol`. A trailer comes here too, and is dropped."""
        if self._incoming is None:
            self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        """See `httptools.HTTPProtocol`."""
        if self._resuming or self._deaf:
            return
        parser = self._parser
        head = read_request_head(
            parser.get_method(),
            self._target,
            parser.get_http_version(),
            self._fields,
            keep_alive=parser.should_keep_alive(),
        )
        if parser.should_upgrade():
            self._upgrading, self._opens_tunnel = True, head.opens_tunnel
        # One read brings no more than a head may have; only one in several is worth counting.
        large = self._unparsed > HEAD_LIMIT and self._is_too_large()
        refusal = _TOO_LARGE if large else check_request(head)
        if refusal is not None:
            self._refuse(refusal, head)
            return
        if self._memory.fresh:
            self._memory.learn(head)
        self._incoming = turn = make_turn(self, head, self._find_way(head, self.peer))
        self._waiting.append(turn)

    def on_body(self, body: bytes) -> None:
        """See `httptools.HTTPProtocol`."""
        self._unparsed = 0
        if self._incoming is not None:
            self._incoming.feed(body)

    def on_message_complete(self) -> None:
        """See `httptools.HTTPProtocol`."""
        if self._upgrading:
            return
        self._unparsed = 0
        self._target = b""
        self._fields = []
        turn, self._incoming = self._incoming, None
        if turn is not None:
            turn.finish_request()

    # ----

    def _take_in(self, head: RequestHead, body: bytes) -> None:
        turn = make_turn(self, head, self._find_way(head, self.peer))
        turn.take_whole(body)
        if self._current is None and not self._waiting:
            self.deadline = math.inf
            self._current = turn
            turn.start()
        else:
            self._waiting.append(turn)
            self._pace()

    def _stop_parsing(self, error: Exception, data: bytes) -> None:
        if not isinstance(error, httptools.HttpParserUpgrade):
            self._refuse_rest()
        elif not self._deaf:
            rest = data[error.args[0] :]
            if self._incoming is not None and self._opens_tunnel:
                self._await_switch(rest)
            else:
                self._decline_upgrade(rest)

    def _await_switch(self, early: bytes) -> None:
        # What follows is the tunnel's, or the next request when there will be none: nobody knows
        # before the answer, so nothing more is read until then.
        self._switching, self._early = True, early
        self._parser = httptools.HttpRequestParser(self)
        self._upgrading = False
        self.on_message_complete()

    def _resume_parsing(self) -> None:
        early, self._early = self._early, b""
        self._switching = False
        self._unparsed = len(early)
        try:
            self._parser.feed_data(early)
        except _STOPS as error:
            self._stop_parsing(error, early)

    def _is_too_large(self) -> bool:
        size = sum(len(name) + len(value) + 4 for name, value in self._fields)
        return size + len(self._target) > HEAD_LIMIT

    def _refuse_overlong(self) -> None:
        """Refuse what would be a head without end, or a trailer or a chunk's size without end."""
        if self._incoming is None:
            self._refuse(_TOO_LARGE)
        else:
            self._refuse_rest()

    def _decline_upgrade(self, rest: bytes) -> None:
        # The parser hands the connection over after the head of a request that asks for another
        # protocol. It is answered in HTTP/1.1, as RFC 9110, 7.8 allows, so its body is still to be
        # read: by another parser, which is told how it is framed.
        self._parser = httptools.HttpRequestParser(self)
        self._upgrading = False
        self._resuming = True
        self._parser.feed_data(self._framing_only())
        self._resuming = False
        if not rest:
            return
        try:
            self._parser.feed_data(rest)
        except _STOPS as error:
            self._stop_parsing(error, rest)

    def _framing_only(self) -> bytes:
        framing = (b"content-length", b"transfer-encoding")
        lines = [b"%b: %b\r\n" % field for field in self._fields if field[0].lower() in framing]
        return b"POST / HTTP/1.1\r\n" + b"".join(lines) + b"\r\n"

    def _refuse(self, refusal: Refusal, head: RequestHead | None = None) -> None:
        if self._deaf:
            return
        self._stop_listening()
        self._traffic.counters.refused += 1
        self._waiting.append(make_refusal(self, self._traffic, refusal, head))

    def _refuse_rest(self) -> None:
        turn, self._incoming = self._incoming, None
        if turn is None:
            self._refuse(Refusal(400, _MALFORMED))
        elif turn is self._current:
            self._stop_listening()
            turn.refuse(400, _MALFORMED)
        else:
            self._waiting.remove(turn)
            self._refuse(Refusal(400, _MALFORMED))

    def _advance(self) -> None:
        if self._advancing:
            return
        self._advancing = True
        while self._current is None and self._waiting:
            self.deadline = math.inf
            self._current = turn = self._waiting.popleft()
            turn.start()
        self._advancing = False
        self._pace()

    def _pace(self) -> None:
        pause = self._held or self._switching or bool(self._waiting)
        if pause is self._paused:
            return
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        self._paused = pause
        if pause:
            transport.pause_reading()
        else:
            transport.resume_reading()

    def _next_deadline(self) -> float:
        traffic = self._traffic
        timeouts = traffic.timeouts
        return traffic.now() + (timeouts.farewell if traffic.closing else timeouts.idle)

    def _stop_listening(self) -> None:
        self._deaf = True
        self._incoming = None

    def _linger(self) -> None:
        transport = self._transport
        if transport is not None and not transport.is_closing():
            self.deadline = self._traffic.now() + self._traffic.timeouts.linger
            end_sending(transport)
            self._pace()

    def _close(self, *, at_once: bool = False) -> None:
        self._stop_listening()
        self._waiting.clear()
        if self._transport is not None:
            if at_once:
                self._transport.abort()
            else:
                self._transport.close()
                self.deadline = self._traffic.now() + self._traffic.timeouts.idle
