"""A loop that calls back at once is asyncio's in everything else."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator

import pytest

from deployer.routing.direct_loop import DirectLoop, make_loop


@pytest.fixture
def run() -> Iterator[Callable[[Awaitable[None]], None]]:
    with asyncio.Runner(loop_factory=make_loop) as runner:
        yield lambda story: runner.run(asyncio.wait_for(story, 10))


@contextlib.contextmanager
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    here, there = socket.socketpair()
    here.setblocking(False)
    with here, there:
        yield here, there


def running() -> DirectLoop:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, DirectLoop)
    return loop


def _greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"hello")
    writer.close()


def test_a_callback_comes_without_a_turn_of_the_loop_between(
    run: Callable[[Awaitable[None]], None],
) -> None:
    async def story() -> None:
        loop = running()
        called: list[str] = []
        with pair() as (here, there):
            loop.watch(here.fileno(), lambda: called.append(here.recv(9).decode()))
            there.send(b"now")
            loop.call_soon(called.append, "turn 1")
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            loop.unwatch(here.fileno())
            there.send(b"nobody")
            await asyncio.sleep(0.01)
        assert called == ["now", "turn 1"]

    run(story())


def test_who_closes_another_in_the_same_turn_keeps_it_from_being_called(
    run: Callable[[Awaitable[None]], None],
) -> None:
    async def story() -> None:
        loop = running()
        with pair() as (one, to_one), pair() as (two, to_two):
            called: list[int] = []

            def end_both() -> None:
                called.append(1)
                for each in (one, two):
                    loop.unwatch(each.fileno())

            for each in (one, two):
                loop.watch(each.fileno(), end_both)
            to_one.send(b"x")
            to_two.send(b"x")
            await asyncio.sleep(0.01)
            loop.unwatch(one.fileno())
            assert len(called) == 1

    run(story())


def test_what_asyncio_does_goes_on_beside(run: Callable[[Awaitable[None]], None]) -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        heard = asyncio.Event()
        loop.add_signal_handler(signal.SIGUSR1, heard.set)
        os.kill(os.getpid(), signal.SIGUSR1)
        await heard.wait()
        child = await asyncio.create_subprocess_exec("true")
        assert await child.wait() == 0
        server = await asyncio.start_server(_greet, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        assert await reader.readexactly(5) == b"hello"
        writer.close()
        await writer.wait_closed()
        server.close()
        assert await asyncio.to_thread(lambda: 7) == 7

    run(story())


def test_a_timer_is_not_late_or_early_for_what_is_watched(
    run: Callable[[Awaitable[None]], None],
) -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await asyncio.sleep(0.02)
        assert loop.time() - began >= 0.02

    run(story())


def test_where_there_is_no_epoll_it_is_asyncios_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("select.epoll")
    with contextlib.closing(make_loop()) as loop:
        assert type(loop) is asyncio.SelectorEventLoop
