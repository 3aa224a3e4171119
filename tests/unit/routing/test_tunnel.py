"""WebSockets through the router: real sockets, and bytes that only look like frames."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest

from deployer.routing.traffic import Timeouts

if TYPE_CHECKING:
    from tests.unit.routing.conftest import Rig, Talk

Drive = Callable[[Callable[["Rig"], Awaitable[None]]], None]
HANDSHAKE = (
    b"GET /chat HTTP/1.1\r\nHost: iris\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
POST = b"POST / HTTP/1.1\r\nHost: iris\r\nContent-Length: 0\r\n\r\n"
SWITCHED = (
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)


async def echoes(head: bytes, reader: asyncio.StreamReader, writer: Any) -> None:
    assert b"\r\nUpgrade: websocket\r\n" in head
    writer.write(SWITCHED + b"hello")
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


async def open_tunnel(rig: "Rig", handshake: bytes = HANDSHAKE) -> "Talk":
    talk = await rig.talk()
    talk.send(handshake)
    head = await talk.head()
    assert head.startswith(b"HTTP/1.1 101 ")
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in head
    assert b"X-Deployer-Target: t0/1\r\n" in head
    assert await talk.exactly(5) == b"hello"
    return talk


async def in_flight(rig: "Rig") -> int:
    return int((await rig.targets())["backends"][0]["in_flight"])


def test_a_tunnel_passes_bytes_both_ways_and_is_counted_until_its_end(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        backend = await rig.backend(echoes)
        await rig.start(backend.url)
        talk = await open_tunnel(rig, HANDSHAKE + b"early")
        assert await talk.exactly(5) == b"early"
        part = bytes(range(256)) * 256
        for _ in range(16):
            talk.send(part)
            assert await talk.exactly(len(part)) == part
        assert await in_flight(rig) == 1
        talk.close()

        async def ended() -> bool:
            return await in_flight(rig) == 0

        await rig.until(ended)
        document = await rig.targets()
        assert document["backends"][0]["failures"] == document["counters"]["cut_short"] == 0
        await asyncio.sleep(0.25)
        assert '"status":101' in rig.logged()

    drive(story)


def test_a_tunnel_is_read_as_fast_as_the_other_side_takes_it(drive: Drive) -> None:
    progress = {"sent": 0}
    total = 64 << 20

    async def pours(_head: bytes, _reader: Any, writer: asyncio.StreamWriter) -> None:
        writer.write(SWITCHED + b"hello")
        while progress["sent"] < total:
            writer.write(b"x" * 65536)
            await writer.drain()
            progress["sent"] += 65536

    async def story(rig: "Rig") -> None:
        backend = await rig.backend(pours)
        await rig.start(backend.url)
        talk = await open_tunnel(rig)
        stalled = -1
        while stalled != progress["sent"]:
            stalled = progress["sent"]
            await asyncio.sleep(0.3)
        assert stalled < total / 2
        left = total
        while left:
            left -= len(await talk.reader.read(1 << 20))

    drive(story)


def test_a_tunnel_in_which_nobody_speaks_is_closed(drive: Drive, short: Timeouts) -> None:
    async def story(rig: "Rig") -> None:
        backend = await rig.backend(echoes)
        await rig.start(backend.url, timeouts=short)
        talk = await open_tunnel(rig)
        assert await talk.rest() == b""
        assert await in_flight(rig) == 0

    drive(story)


def test_a_backend_that_breaks_a_tunnel_off_has_failed(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        backend = await rig.backend(echoes)
        await rig.start(backend.url)
        talk = await open_tunnel(rig)
        raw = backend.writers[-1].get_extra_info("socket")
        raw.setsockopt(1, 13, b"\x01\0\0\0\0\0\0\0")  # SO_LINGER 0: a reset
        backend.writers[-1].transport.abort()
        assert await talk.rest() == b""
        document = await rig.targets()
        assert document["backends"][0]["cut_short"] == document["backends"][0]["failures"] == 1

    drive(story)


def test_a_stop_waits_for_tunnels_and_no_longer_than_it_may(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        backend = await rig.backend(echoes)
        await rig.start(backend.url, drain_seconds=0.5)
        talk = await open_tunnel(rig)
        stopping = asyncio.create_task(rig.router.stop())
        await asyncio.sleep(0.1)
        talk.send(b"still")
        assert await talk.exactly(5) == b"still"
        await stopping
        assert await talk.rest() == b""

    drive(story)


@pytest.mark.parametrize(
    "answer",
    [SWITCHED.replace(b"Upgrade: websocket\r\n", b""), SWITCHED],
    ids=["unnamed", "not asked for"],
)
def test_a_switch_that_nobody_asked_for_is_a_bad_answer(drive: Drive, answer: bytes) -> None:
    async def switches(_head: bytes, _reader: Any, writer: asyncio.StreamWriter) -> None:
        writer.write(answer + b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nsmuggle")

    async def story(rig: "Rig") -> None:
        backend = await rig.backend(switches)
        await rig.start(backend.url)
        talk = await rig.talk()
        talk.send(POST if answer is SWITCHED else HANDSHAKE)
        assert (await talk.head()).startswith(b"HTTP/1.1 502 ")
        talk.send(b"GET /-/health HTTP/1.1\r\nHost: iris\r\nConnection: close\r\n\r\n")
        assert b"smuggle" not in await talk.rest()

    drive(story)
