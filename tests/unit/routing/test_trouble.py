"""Bad input and trouble at the router's edges, one by one."""

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from deployer.release.steering import (
    CheckRecord,
    GuardRecord,
    KeyRecord,
    RateRecord,
    RegionRecord,
    TokensRecord,
)
from deployer.routing.traffic import Timeouts

if TYPE_CHECKING:
    from tests.unit.routing.conftest import Rig

Drive = Callable[[Callable[["Rig"], Awaitable[None]]], None]
HEAD = b"POST / HTTP/1.1\r\nHost: iris\r\n"
SPOILT: dict[str, dict[str, Any]] = {
    "a pattern": {"check": CheckRecord(pattern="(")},
    "a pointer": {"check": CheckRecord(pointer="x")},
    "a key": {"guard": GuardRecord(keys=(KeyRecord(name="x", sha256="zz"),))},
    "a public key": {
        "guard": GuardRecord(tokens=TokensRecord(keys=[{"kty": "?"}], algorithm="ES256"))
    },
    "no public keys": {
        "guard": GuardRecord(tokens=TokensRecord(keys={"keys": [1]}, algorithm="ES256"))
    },
    "a rate": {"guard": GuardRecord(rate=RateRecord(per_second=0, burst=1))},
    "a key's rate": {
        "guard": GuardRecord(
            keys=(
                KeyRecord(
                    name="x",
                    sha256=sha256(b"x").hexdigest(),
                    rate=RateRecord(per_second=1, burst=0),
                ),
            )
        )
    },
    "a limit": {"max_in_flight": 0},
    "a policy": {"policy": "nope"},
    "a probe's path": {"health_path": "/a\r\nX: y"},
    "a path": {"path": "iris"},
    "a field": {"sticky": "a b"},
    "a region's field": {"region": RegionRecord(header="a\nb")},
}


@pytest.mark.parametrize("spoilt", SPOILT)
def test_routes_that_can_not_be_meant_leave_the_last_good_ones(drive: Drive, spoilt: str) -> None:
    async def story(rig: "Rig") -> None:
        backend = await rig.backend()
        await rig.start(backend.url)
        follower = rig.router.steerings[0].follower
        await follower.read_once()
        rig.routes = rig.make_routes([backend.url], epoch=2, **SPOILT[spoilt])
        await follower.read_once()
        assert follower.error
        seen = await rig.targets()
        assert (seen["routes"]["epoch"], seen["policy"]) == (1, "weighted")
        assert seen["routes"]["error"] == follower.error
        assert (await rig.post()).startswith(b"HTTP/1.1 200 ")
        assert any("not followed" in line and "kept" in line for line in rig.told)
        rig.routes = rig.make_routes([backend.url], epoch=3)
        await follower.read_once()
        assert (await rig.targets())["routes"]["error"] is None

    drive(story)


def reset(writer: asyncio.StreamWriter) -> None:
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def test_a_client_that_resets_in_the_middle_of_its_body_blames_nobody(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        left = asyncio.Event()

        async def reads(_head: bytes, reader: asyncio.StreamReader, _writer: Any) -> None:
            with contextlib.suppress(ConnectionError):
                await reader.read(-1)
            left.set()

        backend = await rig.backend(reads)
        await rig.start(backend.url)
        talk = await rig.talk()
        talk.send(HEAD + b"Content-Length: 100000\r\n\r\n" + b"x" * 70_000)
        await backend.asked.wait()
        began = asyncio.get_running_loop().time()
        reset(talk.writer)
        await asyncio.wait_for(left.wait(), 5)
        assert asyncio.get_running_loop().time() - began < 1.0  # 0.1 s on an idle machine
        seen = await rig.targets()
        assert [(b["failures"], b["in_flight"]) for b in seen["backends"]] == [(0, 0)]
        assert seen["counters"]["abandoned"] == 1

    drive(story)


def test_a_backend_that_resets_in_the_middle_of_a_request_is_blamed(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        async def resets(_head: bytes, reader: asyncio.StreamReader, writer: Any) -> None:
            await reader.read(1000)
            reset(writer)

        backend = await rig.backend(resets)
        await rig.start(backend.url)
        answer = await rig.post(b"x" * 500_000)
        assert answer.startswith(b"HTTP/1.1 502 ")
        assert len(backend.heads) == 1
        assert (await rig.targets())["backends"][0]["failures"] == 1

    drive(story)


def test_a_backend_that_resets_in_the_middle_of_its_answer_leaves_it_unended(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        async def resets(_head: bytes, _reader: Any, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n")
            await writer.drain()
            await asyncio.sleep(0.05)
            reset(writer)

        backend = await rig.backend(resets)
        await rig.start(backend.url, idempotent=True)
        answer = await rig.post()
        assert b"ok" in answer
        assert not answer.endswith(b"0\r\n\r\n")
        assert len(backend.heads) == 1
        assert (await rig.targets())["backends"][0]["cut_short"] == 1

    drive(story)


def test_a_body_without_end_goes_no_faster_than_its_backend(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        async def stalls(_head: bytes, _reader: Any, _writer: Any) -> None:
            await asyncio.sleep(60)

        backend = await rig.backend(stalls)
        await rig.start(backend.url, timeouts=Timeouts(idle=0.5))
        talk = await rig.talk()
        talk.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        part, sent = b"%x\r\n%b\r\n" % (1 << 16, b"x" * (1 << 16)), 0
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(0.4):
                while sent < 64 << 20:
                    talk.send(part)
                    sent += len(part)
                    await talk.writer.drain()
        assert sent < 64 << 20  # what the kernel's buffers take, and a little of ours
        assert (await talk.rest()).startswith((b"HTTP/1.1 408 ", b"HTTP/1.1 504 "))

    drive(story)


@pytest.mark.parametrize("status", [b"400 Bad Request", b"426 Upgrade Required", b"403 Forbidden"])
def test_an_upgrade_that_the_backend_refuses_is_an_answer_like_any(
    drive: Drive, status: bytes
) -> None:
    async def story(rig: "Rig") -> None:
        async def refuses(head: bytes, _reader: Any, writer: asyncio.StreamWriter) -> None:
            assert b"upgrade: websocket" in head.lower() or b"/next" in head
            writer.write(b"HTTP/1.1 %b\r\nContent-Length: 2\r\n\r\nno" % status)

        backend = await rig.backend(refuses)
        await rig.start(backend.url)
        talk = await rig.talk()
        talk.send(
            b"GET /chat HTTP/1.1\r\nHost: iris\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        assert (await talk.until(b"no")).startswith(b"HTTP/1.1 %b\r\n" % status)
        talk.send(b"GET /next HTTP/1.1\r\nHost: iris\r\n\r\n")
        assert (await talk.until(b"no")).startswith(b"HTTP/1.1 %b\r\n" % status)
        seen = (await rig.targets())["backends"][0]
        assert (seen["failures"], seen["in_flight"]) == (0, 0)

    drive(story)


@pytest.mark.parametrize("declared", [5, 1])
def test_a_backend_that_lies_about_its_length_garbles_no_other_answer(
    drive: Drive, declared: int
) -> None:
    async def story(rig: "Rig") -> None:
        async def lies(head: bytes, _reader: Any, writer: asyncio.StreamWriter) -> None:
            length = declared if b"/lie" in head else 3
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\nyes" % length)
            if length > 3:
                writer.close()

        await rig.start((await rig.backend(lies)).url)
        told = await rig.get("/lie")
        assert told.partition(b"\r\n\r\n")[2] == (b"yes" if declared > 3 else b"y")
        assert (await rig.get("/")).endswith(b"\r\n\r\nyes")

    drive(story)


def test_the_status_says_that_routes_are_not_followed(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        backend = await rig.backend()
        await rig.start(backend.url)
        rig.routes = rig.make_routes([backend.url], epoch=2, max_in_flight=0)
        await rig.router.steerings[0].follower.read_once()
        page = json.loads((await rig.get("/-/health")).partition(b"\r\n\r\n")[2])
        assert page["status"] in ("ready", "degraded")
        events = json.loads((await rig.get("/-/events")).partition(b"\r\n\r\n")[2])["events"]
        assert events[-1]["change"] == "not followed"
        assert "0 requests at a backend are none" in events[-1]["cause"]

    drive(story)
