"""A stream over a socket tells its receiver what one over asyncio's transport does."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from deployer.routing.direct_loop import DirectLoop, make_loop
from deployer.routing.loop_stream import LoopStream
from deployer.routing.stream import HIGH_WATER, Stream
from deployer.routing.tcp_stream import TcpStream

LARGE = bytes(range(256)) * 8192
"""2 MiB: more than the buffers of `_connected` hold."""


class Told:
    """Notes what it is told."""

    def __init__(self, *, stays: bool = False) -> None:
        self.notes: list[str] = []
        self.came = b""
        self.lost: list[Exception | None] = []
        self._stays = stays

    def connection_made(self, transport: Stream) -> None:
        del transport
        self.notes.append("made")

    def data_received(self, data: bytes) -> None:
        self.came += data

    def eof_received(self) -> bool | None:
        self.notes.append("end")
        return self._stays

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.append(exc)

    def pause_writing(self) -> None:
        self.notes.append("pause")

    def resume_writing(self) -> None:
        self.notes.append("resume")


class Careless(Told):
    """Stumbles over what comes."""

    def data_received(self, data: bytes) -> None:
        raise ValueError(f"{len(data)} bytes too many")


Story = Callable[[Stream, socket.socket], Awaitable[None]]
Tell = Callable[[Told, Story], list[dict[str, Any]]]


@pytest.fixture(params=[make_loop, asyncio.new_event_loop], ids=["direct", "asyncio"])
def tell(request: pytest.FixtureRequest) -> Iterator[Tell]:
    """Run a story with a stream and the socket at its other end; return what the loop was told."""
    complaints: list[dict[str, Any]] = []

    def run(told: Told, story: Story) -> list[dict[str, Any]]:
        async def main() -> None:
            loop = asyncio.get_running_loop()
            loop.set_exception_handler(lambda _loop, context: complaints.append(context))
            here, there = _connected()
            with there:
                stream = await carry(here, told)
                try:
                    await story(stream, there)
                finally:
                    if not told.lost:
                        stream.abort()
                    await asyncio.sleep(0)
            assert here.fileno() == -1

        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(main())
        return complaints

    return run  # type: ignore[return-value]


async def carry(connection: socket.socket, told: Told) -> Stream:
    loop = asyncio.get_running_loop()
    if isinstance(loop, DirectLoop):
        return TcpStream(loop, connection, told)
    stream = LoopStream(told)
    await loop.connect_accepted_socket(lambda: stream, connection)
    return stream


def _connected() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        there = socket.create_connection(listener.getsockname())
        here, _ = listener.accept()
    for each in (here, there):
        each.setblocking(False)
        for buffer in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            each.setsockopt(socket.SOL_SOCKET, buffer, 1 << 16)
    return here, there


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.001)


async def read(there: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size and (data := await asyncio.wait_for(_receive(there), 10)):
        found += data
    return found


async def _receive(there: socket.socket) -> bytes:
    return await asyncio.get_running_loop().sock_recv(there, 1 << 16)


def test_what_comes_is_told_and_what_is_written_arrives(tell: Tell) -> None:
    told = Told()

    async def story(stream: Stream, there: socket.socket) -> None:
        there.send(b"hello")
        await until(lambda: told.came)
        stream.write(b"good day")
        assert await read(there, 8) == b"good day"

    tell(told, story)
    assert (told.came, told.notes, told.lost) == (b"hello", ["made"], [None])


def test_what_the_other_side_does_not_take_waits_in_its_order(tell: Tell) -> None:
    told = Told()

    async def story(stream: Stream, there: socket.socket) -> None:
        for at in range(0, len(LARGE), 1 << 18):
            stream.write(LARGE[at : at + (1 << 18)])
        stream.write(b"last")
        assert told.notes == ["made", "pause"]
        assert await read(there, len(LARGE) + 4) == LARGE + b"last"
        await until(lambda: told.notes == ["made", "pause", "resume"])
        stream.write(b"more")
        assert await read(there, 4) == b"more"

    tell(told, story)
    assert len(LARGE) > HIGH_WATER


def test_a_close_and_an_end_wait_for_what_is_not_sent(tell: Tell) -> None:
    async def closes(stream: Stream, there: socket.socket) -> None:
        stream.write(LARGE)
        stream.close()
        assert stream.is_closing()
        assert await read(there, len(LARGE) + 1) == LARGE

    async def ends(stream: Stream, there: socket.socket) -> None:
        stream.write(LARGE)
        stream.write_eof()
        assert await read(there, len(LARGE) + 1) == LARGE
        there.send(b"heard")
        await until(lambda: told.came == b"heard")
        assert not stream.is_closing()

    told = Told()
    tell(Told(), closes)
    tell(told, ends)


def test_an_abort_drops_what_is_not_sent_and_is_told_once(tell: Tell) -> None:
    told = Told()

    async def story(stream: Stream, there: socket.socket) -> None:
        stream.write(LARGE)
        stream.abort()
        stream.write(b"nobody")
        stream.abort()
        assert told.lost == []  # not from within
        await until(lambda: told.lost)
        with contextlib.suppress(ConnectionResetError):
            assert len(await read(there, len(LARGE))) < len(LARGE)

    tell(told, story)
    assert told.lost == [None]


def test_nothing_is_read_during_a_pause(tell: Tell) -> None:
    told = Told()

    async def story(stream: Stream, there: socket.socket) -> None:
        stream.pause_reading()
        there.send(b"later")
        await asyncio.sleep(0.02)
        assert told.came == b""
        stream.resume_reading()
        await until(lambda: told.came == b"later")
        stream.close()
        stream.resume_reading()

    tell(told, story)


@pytest.mark.parametrize("stays", [False, True])
def test_the_other_sides_end_closes_unless_the_receiver_stays(tell: Tell, stays: bool) -> None:
    told = Told(stays=stays)

    async def story(stream: Stream, there: socket.socket) -> None:
        there.shutdown(socket.SHUT_WR)
        await until(lambda: "end" in told.notes)
        assert stream.is_closing() is not stays
        if stays:
            stream.write(b"after")
            assert await read(there, 5) == b"after"

    tell(told, story)
    assert told.notes == ["made", "end"]


def test_a_reset_is_told_with_its_reason(tell: Tell) -> None:
    told = Told()

    async def story(stream: Stream, there: socket.socket) -> None:
        there.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        there.close()
        await until(lambda: told.lost)
        assert stream.is_closing()

    tell(told, story)
    assert [type(each) for each in told.lost] == [ConnectionResetError]


def test_a_write_that_fails_loses_the_stream(tell: Tell) -> None:
    told = Told()

    async def story(stream: Stream, there: socket.socket) -> None:
        stream.pause_reading()
        there.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        there.close()
        stream.write(b"nobody")
        await until(lambda: told.lost)

    tell(told, story)
    assert isinstance(told.lost[0], OSError)


def test_who_stumbles_loses_its_own_stream_only(tell: Tell) -> None:
    careless, other = Careless(), Told()

    async def story(stream: Stream, there: socket.socket) -> None:
        here, far = _connected()
        beside = await carry(here, other)
        with far:
            there.send(b"oops")
            far.send(b"fine")
            await until(lambda: careless.lost and other.came == b"fine")
            assert stream.is_closing()
            assert not beside.is_closing()
            beside.abort()
            await asyncio.sleep(0)

    complaints = tell(careless, story)
    assert [str(each["exception"]) for each in complaints] == ["4 bytes too many"]


def test_another_receiver_is_told_from_then_on(tell: Tell) -> None:
    first, second = Told(), Told()

    async def story(stream: Stream, there: socket.socket) -> None:
        stream.set_protocol(second)
        there.send(b"hello")
        await until(lambda: second.came == b"hello")

    tell(first, story)
    assert (first.came, first.lost, second.lost) == (b"", [], [None])
