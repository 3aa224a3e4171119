"""What clients may send: pipelining, odd framing, attempts to smuggle, and going slow."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest

from deployer.errors import StateError
from deployer.routing.traffic import Timeouts

if TYPE_CHECKING:
    from tests.unit.routing.conftest import Rig

Drive = Callable[[Callable[["Rig"], Awaitable[None]]], None]
HOST = b"Host: iris\r\n"
POST = b"POST / HTTP/1.1\r\n" + HOST

SMUGGLING = {
    "length and chunked": (
        POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "chunked and length": (
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        400,
    ),
    "two lengths": (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        400,
    ),
    "a list of lengths": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2, 2\r\n\r\nab", 400),
    "a signed length": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +2\r\n\r\nab", 400),
    "a negative length": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -2\r\n\r\nab", 400),
    "an empty length": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400),
    "xchunked": (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        501,
    ),
    "gzip, chunked": (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        501,
    ),
    "chunked twice": (
        POST + b"Transfer-Encoding: chunked\r\n" * 2 + b"\r\n0\r\n\r\n",
        400,
    ),
    "chunked in 1.0": (
        b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "a space before the colon": (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
    "a folded line": (b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", 400),
    "a bare line feed": (b"GET / HTTP/1.1\nHost: a\n\n", 400),
    "a NUL": (b"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", 400),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two hosts": (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    "a malformed host": (b"GET / HTTP/1.1\r\nHost: a/b@c\r\n\r\n", 400),
    "HTTP/2.0": (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    "HTTP/0.9": (b"GET /\r\n\r\n", 505),
    "CONNECT": (b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 501),
    "an authority as target": (b"OPTIONS a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "an unknown method": (b"SMUGGLE / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "an unknown expectation": (
        b"POST / HTTP/1.1\r\nHost: a\r\nExpect: magic\r\nContent-Length: 0\r\n\r\n",
        417,
    ),
    "a large head": (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 70_000 + b"\r\n\r\n", 431),
    "an endless line": (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 300_000, 431),
    "many fields": (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: yyyyyyyy\r\n" * 6_000 + b"\r\n", 431),
    "tls": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
}


@pytest.mark.parametrize(("request_bytes", "status"), SMUGGLING.values(), ids=SMUGGLING.keys())
def test_what_could_be_read_in_two_ways_is_refused(
    drive: Drive, request_bytes: bytes, status: int
) -> None:
    async def story(rig: "Rig") -> None:
        backend = await rig.backend()
        await rig.start(backend.url, settle=False)
        answer = await rig.ask(request_bytes)
        assert int(answer.split(b" ")[1]) == status
        assert b"Connection: close\r\n" in answer
        assert answer.count(b"HTTP/1.1 ") == 1
        assert backend.heads == []

    drive(story)


@pytest.mark.parametrize("tail", [b"zz\r\n", b"3\r\nabcd\r\n", b"3\nabc\r\n"])
def test_a_malformed_chunk_ends_the_request(drive: Drive, tail: bytes) -> None:
    async def waits(_head: bytes, reader: asyncio.StreamReader, _writer: Any) -> None:
        await reader.read(-1)

    async def story(rig: "Rig") -> None:
        backend = await rig.backend(waits)
        await rig.start(backend.url)
        talk = await rig.talk()
        talk.send(b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n")
        await backend.asked.wait()
        talk.send(tail)
        assert (await talk.rest()).startswith(b"HTTP/1.1 400 ")
        document = await rig.targets()
        assert document["backends"][0]["in_flight"] == 0
        assert document["backends"][0]["failures"] == 0

    drive(story)


def test_a_request_that_is_malformed_in_one_piece_never_reaches_a_backend(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        backend = await rig.backend()
        await rig.start(backend.url)
        head = b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
        assert (await rig.ask(head + b"2\r\nabc\r\n")).startswith(b"HTTP/1.1 400 ")
        assert backend.heads == []

    drive(story)


def test_pipelined_requests_are_answered_one_after_the_other(drive: Drive) -> None:
    at_once = {"now": 0, "most": 0}

    async def slow(head: bytes, _reader: Any, writer: asyncio.StreamWriter) -> None:
        at_once["now"] += 1
        at_once["most"] = max(at_once.values())
        await asyncio.sleep(0.01)
        at_once["now"] -= 1
        path = head.split(b" ")[1]
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(path), path))

    async def story(rig: "Rig") -> None:
        backend = await rig.backend(slow)
        await rig.start(backend.url)
        talk = await rig.talk()
        talk.send(b"".join(b"GET /%02d HTTP/1.1\r\n%b\r\n" % (n, HOST) for n in range(20)))
        talk.send(b"GET /-/health HTTP/1.1\r\n" + HOST + b"\r\nBROKEN\r\n\r\n")
        for number in range(20):
            await talk.head()
            assert await talk.exactly(3) == b"/%02d" % number
        rest = await talk.rest()
        assert rest.index(b'"status"') < rest.index(b"HTTP/1.1 400 ")
        assert at_once["most"] == 1

    drive(story)


def test_a_thousand_pipelined_local_answers_do_not_overflow(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        await rig.start(settle=False)
        talk = await rig.talk()
        talk.send((b"GET /-/health HTTP/1.1\r\n" + HOST + b"\r\n") * 2000)
        for _ in range(2000):
            assert (await talk.head()).startswith(b"HTTP/1.1 200 ")
            await talk.until(b"}\n")

    drive(story)


def test_what_follows_a_closing_request_is_ignored(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        backend = await rig.backend()
        await rig.start(backend.url)
        closing = b"GET /1 HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
        answer = await rig.ask(closing + b"GET /2 HTTP/1.1\r\n" + HOST + b"\r\n")
        assert answer.count(b"HTTP/1.1 ") == 1
        assert len(backend.heads) == 1

    drive(story)


def test_a_client_that_asks_first_is_told_to_continue(drive: Drive) -> None:
    async def reads(head: bytes, reader: asyncio.StreamReader, writer: Any) -> None:
        assert b"expect" not in head.lower()
        body = await reader.readexactly(4)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n" + body)

    async def story(rig: "Rig") -> None:
        backend = await rig.backend(reads)
        await rig.start(backend.url)
        talk = await rig.talk()
        talk.send(
            b"POST / HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 4\r\n\r\n"
        )
        assert await talk.head() == b"HTTP/1.1 100 Continue\r\n\r\n"
        talk.send(b"body")
        assert (await talk.head()).startswith(b"HTTP/1.1 200 ")
        assert await talk.exactly(4) == b"body"

    drive(story)


@pytest.mark.parametrize("chunked", [True, False])
def test_an_upgrade_is_declined_and_its_body_still_passed_on(drive: Drive, chunked: bool) -> None:
    async def reads(head: bytes, reader: asyncio.StreamReader, writer: Any) -> None:
        assert b"upgrade" not in head.lower()
        body = await reader.readexactly(14 if chunked else 4)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n" + body.strip(b"\r\n0")[-4:])

    async def story(rig: "Rig") -> None:
        backend = await rig.backend(reads)
        await rig.start(backend.url)
        talk = await rig.talk()
        for _ in range(2):
            talk.send(b"POST / HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\nUpgrade: h2c\r\n")
            framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: 4"
            talk.send(framing + b"\r\n\r\n")
            await asyncio.sleep(0.02)
            talk.send(b"4\r\nbody\r\n0\r\n\r\n" if chunked else b"body")
            assert (await talk.head()).startswith(b"HTTP/1.1 200 ")
            assert await talk.exactly(4) == b"body"

    drive(story)


def test_a_websocket_handshake_gets_an_ordinary_answer(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        backend = await rig.backend()
        await rig.start(backend.url)
        answer = await rig.ask(
            b"GET / HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
            b"GET / HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
        )
        assert answer.count(b"HTTP/1.1 200 ") == 2

    drive(story)


@pytest.mark.parametrize("opening", [b"", b"GET / HTTP/1.1\r\nHost: ir"])
def test_a_client_that_says_nothing_is_let_go(
    drive: Drive, short: Timeouts, opening: bytes
) -> None:
    async def story(rig: "Rig") -> None:
        await rig.start(settle=False, timeouts=short)
        talk = await rig.talk()
        talk.send(opening)
        assert await talk.rest() == b""

    drive(story)


def test_the_pages_tell_what_the_router_sees(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        backend = await rig.backend()
        await rig.start(backend.url)
        assert b'"status": "ready"' in await rig.get("/-/health")
        assert b'"status": "ready"' in await rig.get("/-/ready")
        assert (await rig.get("/-/nothing")).startswith(b"HTTP/1.1 404 ")
        head = await rig.ask(b"HEAD /-/health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert head.endswith(b"\r\n\r\n")
        document = await rig.targets()
        assert document["schema"] == "deployer/router-status/v1"
        assert document["routes"]["epoch"] == 1
        assert document["backends"][0]["state"] == "healthy"
        assert document["backends"][0]["share"] == 1.0
        assert backend.heads == []

    drive(story)


def test_before_the_first_routes_it_lives_and_is_not_ready(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        rig.routes = StateError("no store answers")
        await rig.start(settle=False)
        assert (await rig.get("/-/health")).startswith(b"HTTP/1.1 200 ")
        await asyncio.sleep(0.05)
        ready = await rig.get("/-/ready")
        assert ready.startswith(b"HTTP/1.1 503 ")
        assert json.loads(ready.partition(b"\r\n\r\n")[2])["reason"] == "no store answers"

    drive(story)


@pytest.mark.parametrize("opening", [b"0\r\nX: ", b"1;x="], ids=["trailer", "extension"])
def test_framing_without_end_is_refused(drive: Drive, opening: bytes) -> None:
    async def waits(_head: bytes, reader: asyncio.StreamReader, _writer: Any) -> None:
        await reader.read(-1)

    async def story(rig: "Rig") -> None:
        backend = await rig.backend(waits)
        await rig.start(backend.url)
        talk = await rig.talk()
        talk.send(b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n")
        talk.send(opening + b"y" * 200_000)
        assert (await talk.rest()).startswith(b"HTTP/1.1 400 ")

    drive(story)


def test_a_head_in_two_reads_is_measured_to_its_end(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        await rig.start(settle=False)
        for size, status in ((60_000, b"503"), (70_000, b"431")):
            talk = await rig.talk()
            talk.send(b"POST / HTTP/1.1\r\n" + HOST + b"X: " + b"y" * size)
            await asyncio.sleep(0.05)
            talk.send(b"\r\nContent-Length: 50000\r\nConnection: close\r\n\r\n" + b"z" * 50_000)
            assert (await talk.rest()).split(b" ")[1] == status

    drive(story)
