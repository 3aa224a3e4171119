"""One request over the wire: real sockets, backends that misbehave."""

import asyncio
import contextlib
import hashlib
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import pytest

from deployer.routing.client import ClientConnection
from deployer.routing.listener import Listener, bind_all
from deployer.routing.traffic import Timeouts
from deployer.routing.way import Way

if TYPE_CHECKING:
    from tests.unit.routing.conftest import Rig

Drive = Callable[[Callable[["Rig"], Awaitable[None]]], None]
POST = b"POST /infer HTTP/1.1\r\nHost: iris\r\nContent-Length: 2\r\n\r\n{}"


def says(response: bytes) -> Any:
    async def handler(_head: bytes, _reader: Any, writer: asyncio.StreamWriter) -> None:
        writer.write(response)

    return handler


def says_and_closes(response: bytes) -> Any:
    async def handler(_head: bytes, _reader: Any, writer: asyncio.StreamWriter) -> None:
        writer.write(response)
        writer.close()

    return handler


async def resets(_head: bytes, _reader: Any, writer: asyncio.StreamWriter) -> None:
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def never_answers(_head: bytes, reader: asyncio.StreamReader, _writer: Any) -> None:
    await reader.read(-1)


async def reads_and_answers(_head: bytes, reader: asyncio.StreamReader, writer: Any) -> None:
    await reader.readexactly(100_000)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def status_of(response: bytes) -> int:
    return int(response.split(b" ", 2)[1])


def body_of(response: bytes) -> bytes:
    return response.partition(b"\r\n\r\n")[2]


def test_a_request_reaches_the_backend_without_hop_by_hop_fields(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        backend = await rig.backend()
        await rig.start(backend.url + "/base/")
        answer = await rig.get(
            "/x?q=1", "Connection: x-drop", "X-Drop: 1", "X-Keep: 1", "X-Empty:", "TE: trailers",
            "X-Forwarded-For: 10.0.0.1", "X-Forwarded-Proto: https", "X-Request-Id: abc",
        )  # fmt: skip
        head = backend.heads[0].lower()
        assert head.startswith(b"get /base/x?q=1 http/1.1\r\nhost: 127.0.0.1:")
        assert b"x-keep: 1\r\n" in head
        assert b"x-empty: \r\n" in head
        assert b"x-forwarded-for: 10.0.0.1, 127.0.0.1\r\n" in head
        assert b"x-forwarded-proto: http\r\n" in head
        assert b"x-forwarded-host: iris\r\n" in head
        assert b"x-request-id: abc\r\n" in head
        assert b"x-drop" not in head
        assert b"te:" not in head
        assert b"X-Request-Id: abc\r\n" in answer
        assert b"X-Deployer-Target: t0/1\r\n" in answer
        assert b"X-Deployer-Attempts: 1\r\n" in answer

    drive(story)


def test_an_absolute_target_becomes_a_path(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        backend = await rig.backend()
        await rig.start(backend.url)
        await rig.get("http://other/deep?x")
        assert backend.heads[0].startswith(b"GET /deep?x HTTP/1.1\r\n")

    drive(story)


def test_head_and_bodiless_answers_keep_the_connection_in_step(drive: Drive) -> None:
    async def handler(head: bytes, _reader: Any, writer: asyncio.StreamWriter) -> None:
        if head.startswith(b"HEAD"):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        elif b"/304" in head:
            writer.write(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n")
        elif b"/204" in head:
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    async def story(rig: "Rig") -> None:
        backend = await rig.backend(handler)
        await rig.start(backend.url)
        before = backend.connections
        talk = await rig.talk()
        for method, path in (("HEAD", "/"), ("GET", "/304"), ("GET", "/204"), ("GET", "/")):
            talk.send(f"{method} {path} HTTP/1.1\r\nHost: iris\r\n\r\n".encode())
            head = await talk.head()
            assert b"chunked" not in head.lower()
        assert await talk.exactly(2) == b"ok"
        assert backend.connections == before + 1

    drive(story)


def test_interim_answers_and_trailers_are_swallowed(drive: Drive) -> None:
    response = (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"2\r\nhi\r\n0\r\nX-Trailer: evil\r\n\r\n"
    )

    async def story(rig: "Rig") -> None:
        backend = await rig.backend(says(response))
        await rig.start(backend.url)
        talk = await rig.talk()
        for _ in range(2):
            talk.send(b"GET / HTTP/1.1\r\nHost: iris\r\n\r\n")
            head = await talk.head()
            assert head.startswith(b"HTTP/1.1 200 OK\r\n")
            assert b"evil" not in head
            assert await talk.until(b"0\r\n\r\n") == b"2\r\nhi\r\n0\r\n\r\n"

    drive(story)


@pytest.mark.parametrize("chunked", [True, False])
def test_a_large_body_arrives_unchanged_in_both_directions(drive: Drive, chunked: bool) -> None:
    part = bytes(range(256)) * 1024
    count = 24

    async def echo_digest(head: bytes, reader: asyncio.StreamReader, writer: Any) -> None:
        seen = hashlib.sha256()
        if b"chunked" in head:
            while size := int(await reader.readuntil(b"\r\n"), 16):
                seen.update((await reader.readexactly(size + 2))[:-2])
            await reader.readexactly(2)
        else:
            for _ in range(count):
                seen.update(await reader.readexactly(len(part)))
        size = len(part) * count
        writer.write(b"HTTP/1.1 200 OK\r\nX-Digest: %b\r\n" % seen.hexdigest().encode())
        writer.write(b"Content-Length: %d\r\n\r\n" % size)
        for _ in range(count):
            writer.write(part)
            await writer.drain()

    async def story(rig: "Rig") -> None:
        backend = await rig.backend(echo_digest)
        await rig.start(backend.url)
        talk = await rig.talk()
        framing = (
            "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(part) * count}"
        )
        talk.send(f"POST / HTTP/1.1\r\nHost: iris\r\n{framing}\r\n\r\n".encode())
        for _ in range(count):
            talk.send(b"%x\r\n%b\r\n" % (len(part), part) if chunked else part)
            await talk.writer.drain()
        if chunked:
            talk.send(b"0\r\n\r\n")
        head = await talk.head()
        expected = hashlib.sha256(part * count).hexdigest().encode()
        assert expected in head
        body = await talk.exactly(len(part) * count)
        assert hashlib.sha256(body).hexdigest().encode() == expected

    drive(story)


def test_a_slow_reader_slows_the_backend_instead_of_filling_memory(drive: Drive) -> None:
    part = b"x" * 65536
    total = 64 << 20
    progress = {"sent": 0}

    async def pours(_head: bytes, _reader: Any, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
        while progress["sent"] < total:
            writer.write(part)
            await writer.drain()
            progress["sent"] += len(part)

    async def story(rig: "Rig") -> None:
        backend = await rig.backend(pours)
        await rig.start(backend.url)
        talk = await rig.talk()
        talk.send(b"GET / HTTP/1.1\r\nHost: iris\r\n\r\n")
        await talk.head()
        stalled = -1
        while stalled != progress["sent"]:
            stalled = progress["sent"]
            await asyncio.sleep(0.3)
        assert stalled < total / 2  # what sockets hold on the way, nothing of the router's
        left = total
        while left:
            left -= len(await talk.reader.read(1 << 20))

    drive(story)


@pytest.mark.parametrize(
    "broken",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n",
    ],
    ids=["length", "chunked"],
)
def test_a_truncated_answer_is_seen_to_be_truncated(drive: Drive, broken: bytes) -> None:
    async def story(rig: "Rig") -> None:
        backend = await rig.backend(says_and_closes(broken))
        await rig.start(backend.url, idempotent=True)
        answer = await rig.ask(POST)
        assert status_of(answer) == 200
        assert not answer.endswith(b"0\r\n\r\n")
        assert len(body_of(answer)) < 20
        assert len(backend.heads) == 1
        document = await rig.targets()
        assert document["counters"]["cut_short"] == 1
        assert document["backends"][0]["cut_short"] == 1
        assert document["backends"][0]["failures"] == 1

    drive(story)


def test_an_answer_that_ends_with_its_connection_is_complete(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        backend = await rig.backend(says_and_closes(b"HTTP/1.1 200 OK\r\n\r\nall"))
        await rig.start(backend.url)
        assert body_of(await rig.get()) == b"3\r\nall\r\n0\r\n\r\n"
        old = await rig.ask(b"GET / HTTP/1.0\r\n\r\n")
        assert body_of(old) == b"all"
        assert b"Transfer-Encoding" not in old

    drive(story)


def test_an_old_client_may_keep_its_connection(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        backend = await rig.backend()
        await rig.start(backend.url)
        talk = await rig.talk()
        for _ in range(2):
            talk.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            assert b"Connection: keep-alive" in await talk.head()
            assert await talk.exactly(2) == b"ok"

    drive(story)


@pytest.mark.parametrize("failing", [says_and_closes(b""), resets], ids=["closes", "resets"])
def test_a_prediction_that_was_sent_is_not_sent_again(drive: Drive, failing: Any) -> None:
    async def story(rig: "Rig") -> None:
        backends = [await rig.backend(failing) for _ in range(3)]
        await rig.start(*[backend.url for backend in backends])
        answer = await rig.post()
        assert status_of(answer) == 502
        assert sum(len(backend.heads) for backend in backends) == 1
        assert len(json.loads(body_of(answer))["attempts"]) == 1

    drive(story)


@pytest.mark.parametrize("failing", [says_and_closes(b""), resets], ids=["closes", "resets"])
@pytest.mark.parametrize("idempotent", [True, False])
def test_what_may_be_repeated_is_tried_elsewhere(
    drive: Drive, failing: Any, idempotent: bool
) -> None:
    async def story(rig: "Rig") -> None:
        bad, good = await rig.backend(), await rig.backend()
        await rig.start(bad.url, good.url, idempotent=idempotent)
        for _ in range(20):
            await rig.get()
        bad.handler = failing
        answers = [await (rig.post() if idempotent else rig.get()) for _ in range(12)]
        assert {status_of(answer) for answer in answers} == {200}
        assert all(b"X-Deployer-Target: t1/1\r\n" in answer for answer in answers)
        assert any(b"X-Deployer-Attempts: 2\r\n" in answer for answer in answers)

    drive(story)


def test_a_refused_connection_is_retried_for_any_method(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        backends = [await rig.backend(reads_and_answers) for _ in range(2)]
        await rig.start(*[backend.url for backend in backends])
        backends[0].kill()
        for _ in range(8):
            assert status_of(await rig.post(b"x" * 100_000)) == 200
        assert len(backends[1].heads) == 8
        assert 1 <= (await rig.targets())["counters"]["retries"] <= 5

    drive(story)


def test_nothing_usable_is_a_503_that_names_the_attempts(drive: Drive, short: Timeouts) -> None:
    async def story(rig: "Rig") -> None:
        urls = [await rig.dead_url() for _ in range(2)]
        await rig.start(*urls, settle=False, fast=True, timeouts=short)

        async def down() -> bool:
            return all(b["state"] == "down" for b in (await rig.targets())["backends"])

        await rig.until(down)
        answer = await rig.post()
        assert status_of(answer) == 503
        assert b"Retry-After: 1\r\n" in answer
        attempts = json.loads(body_of(answer))["attempts"]
        assert {attempt.partition(":")[0] for attempt in attempts} == {"t0/1", "t1/1"}
        assert all("connection refused" in attempt for attempt in attempts)
        assert (await rig.targets())["panic"] is True

    drive(story)


def test_no_routes_is_a_503(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        await rig.start(settle=False)
        assert status_of(await rig.post()) == 503

    drive(story)


def test_a_backend_that_does_not_answer_in_time_is_a_504(drive: Drive, short: Timeouts) -> None:
    async def story(rig: "Rig") -> None:
        backends = [await rig.backend(never_answers) for _ in range(2)]
        await rig.start(*[backend.url for backend in backends], timeouts=short)
        answer = await rig.post()
        assert status_of(answer) == 504
        assert sum(len(backend.heads) for backend in backends) == 1

    drive(story)


def test_a_stall_in_the_middle_cuts_the_client_off(drive: Drive, short: Timeouts) -> None:
    async def stalls(_head: bytes, reader: asyncio.StreamReader, writer: Any) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart")
        await reader.read(-1)

    async def story(rig: "Rig") -> None:
        backend = await rig.backend(stalls)
        await rig.start(backend.url, timeouts=short)
        assert body_of(await rig.get()) == b"part"

    drive(story)


def test_each_event_of_a_stream_is_passed_on_at_once(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        seen = asyncio.Event()

        async def streams(_head: bytes, _reader: Any, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n")
            writer.write(b"Transfer-Encoding: chunked\r\n\r\n")
            for number in range(50):
                event = b"data: %d\n\n" % number
                writer.write(b"%x\r\n%b\r\n" % (len(event), event))
                await seen.wait()
                seen.clear()
            writer.write(b"0\r\n\r\n")

        backend = await rig.backend(streams)
        await rig.start(backend.url)
        talk = await rig.talk()
        talk.send(b"GET / HTTP/1.1\r\nHost: iris\r\n\r\n")
        await talk.head()
        for number in range(50):
            assert b"data: %d\n" % number in await talk.until(b"\n\n\r\n")
            seen.set()
        assert await talk.exactly(5) == b"0\r\n\r\n"

    drive(story)


@pytest.mark.parametrize("answered", [True, False])
def test_a_client_that_leaves_stops_the_backend(drive: Drive, answered: bool) -> None:
    async def story(rig: "Rig") -> None:
        left = asyncio.Event()

        async def works(_head: bytes, reader: asyncio.StreamReader, writer: Any) -> None:
            if answered:
                writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n")
            with contextlib.suppress(ConnectionError):
                await reader.read(-1)
            left.set()

        backend = await rig.backend(works)
        await rig.start(backend.url)
        talk = await rig.talk()
        talk.send(b"GET / HTTP/1.1\r\nHost: iris\r\n\r\n")
        if answered:
            await talk.head()
        await backend.asked.wait()
        talk.close()
        await asyncio.wait_for(left.wait(), 0.5)
        document = await rig.targets()
        assert document["backends"][0]["in_flight"] == 0
        assert document["backends"][0]["failures"] == 0
        assert document["counters"]["abandoned"] == 1

    drive(story)


def test_a_connection_that_the_backend_closed_is_not_used_again(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        backend = await rig.backend(
            says_and_closes(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        )
        await rig.start(backend.url)
        for _ in range(20):
            assert status_of(await rig.post()) == 200
        assert (await rig.targets())["counters"]["retries"] == 0

    drive(story)


def test_a_second_answer_is_never_given_to_the_next_request(drive: Drive) -> None:
    async def says_twice(head: bytes, _reader: Any, writer: asyncio.StreamWriter) -> None:
        path = head.split(b" ")[1]
        one = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(path), path)
        writer.write(one + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")

    async def story(rig: "Rig") -> None:
        backend = await rig.backend(says_twice)
        await rig.start(backend.url)
        for path in ("/one", "/two", "/three"):
            assert body_of(await rig.get(path)) == path.encode()

    drive(story)


@pytest.mark.parametrize(
    "response",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        b"HTTP/1.1 199 Odd\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 400_000,
    ],
    ids=["ssh", "two lengths", "length and chunked", "101", "199", "large head", "endless head"],
)
def test_an_answer_that_is_no_http_is_a_502(drive: Drive, response: bytes) -> None:
    async def story(rig: "Rig") -> None:
        backend = await rig.backend(says(response))
        await rig.start(backend.url)
        assert status_of(await rig.post()) == 502
        assert len(backend.heads) == 1

    drive(story)


def test_an_answer_before_the_end_of_the_upload_reaches_the_client(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        backend = await rig.backend(
            says(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig")
        )
        await rig.start(backend.url)
        talk = await rig.talk()
        talk.send(b"POST / HTTP/1.1\r\nHost: iris\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1000)
        answer = await talk.rest()
        assert status_of(answer) == 413
        assert b"Connection: close\r\n" in answer
        assert body_of(answer) == b"big"
        assert (await rig.targets())["backends"][0]["in_flight"] == 0

    drive(story)


def test_a_client_that_stalls_its_upload_is_told_so(drive: Drive, short: Timeouts) -> None:
    async def story(rig: "Rig") -> None:
        backend = await rig.backend(never_answers)
        await rig.start(backend.url, timeouts=short)
        answer = await rig.ask(b"POST / HTTP/1.1\r\nHost: iris\r\nContent-Length: 10\r\n\r\nhalf")
        assert status_of(answer) == 408
        assert (await rig.targets())["backends"][0]["failures"] == 0

    drive(story)


def test_the_log_has_a_line_per_request_without_its_query(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        backend = await rig.backend()
        await rig.start(backend.url)
        await rig.get("/predict?token=hidden", "Authorization: Bearer hidden")
        await asyncio.sleep(0.25)
        (line,) = rig.logged().splitlines()
        record = json.loads(line)
        assert record["path"] == "/predict"
        assert record["status"] == 200
        assert record["backend"] == "t0/1"
        assert record["bytes_out"] == 2
        assert "hidden" not in line

    drive(story)


async def answers_later(_head: bytes, _reader: Any, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(0.3)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


def test_a_request_waits_for_a_slot_and_gets_it(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        backend = await rig.backend(answers_later)
        rig.routes = rig.make_routes([backend.url], max_in_flight=1)
        await rig.start()
        answers = await asyncio.gather(rig.get("/1"), rig.get("/2"), rig.get("/3"))
        assert [status_of(answer) for answer in answers] == [200, 200, 200]
        assert (await rig.targets())["backends"][0]["in_flight"] == 0

    drive(story)


def test_a_request_that_waits_in_vain_is_told_to_come_again(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        backend = await rig.backend(never_answers)
        rig.routes = rig.make_routes([backend.url], max_in_flight=1)
        await rig.start()
        holder = await rig.talk()
        holder.send(POST)
        await asyncio.wait_for(backend.asked.wait(), 10)
        answer = await rig.get("/2")
        assert status_of(answer) == 503
        assert b"Retry-After: 1\r\n" in answer
        assert json.loads(body_of(answer))["attempts"] == ["every backend was full for 1 s"]
        assert len(backend.heads) == 1
        assert (await rig.targets())["panic"] is False

    drive(story)


def test_a_client_that_leaves_the_queue_frees_its_place(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        backend = await rig.backend(answers_later)
        rig.routes = rig.make_routes([backend.url], max_in_flight=1)
        await rig.start()
        first, gone = asyncio.create_task(rig.get("/1")), await rig.talk()
        await asyncio.wait_for(backend.asked.wait(), 10)
        gone.send(POST)
        await asyncio.sleep(0.05)
        gone.close()
        assert [status_of(answer) for answer in [await first, await rig.get("/2")]] == [200, 200]
        assert [head.split(b" ")[1] for head in backend.heads] == [b"/1", b"/2"]

    drive(story)


class Notes:
    """An onlooker that writes down what it sees, and finds fault with answers that say so."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def on_body(self, data: bytes) -> None:
        self.seen.append(bytes(data))

    def on_body_end(self) -> None:
        self.seen.append("whole")

    def on_answer(self, status: int, chunks: Any) -> None:
        self.seen.append((status, b"".join(chunks)))

    def find_fault(self) -> str:
        return "said error" if (200, b"error") in self.seen else ""

    def on_end(self) -> None:
        self.seen.append("end")


@pytest.mark.parametrize("body", [b"fine!", b"error"])
def test_an_onlooker_sees_a_request_pass_and_may_find_fault(drive: Drive, body: bytes) -> None:
    async def story(rig: "Rig") -> None:
        backend = await rig.backend(says(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + body))
        await rig.start(backend.url)
        notes, traffic = Notes(), rig.router.traffic
        way = Way(traffic, traffic.fleet, notes)
        server = Listener(
            await bind_all("127.0.0.1", 0),
            lambda: ClientConnection(traffic, lambda _head, _peer: way),
            tell=print,
        )
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(POST)
        await reader.readuntil(body)
        writer.close()
        server.close()
        assert notes.seen == [b"{}", "whole", (200, body), "end"]
        failures = (await rig.targets())["backends"][0]["failures"]
        assert failures == (body == b"error")

    drive(story)


def test_an_answers_trailer_without_end_cuts_it_short(drive: Drive) -> None:
    endless = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX: "

    async def story(rig: "Rig") -> None:
        backend = await rig.backend(says(endless + b"y" * 200_000))
        await rig.start(backend.url)
        assert not (await rig.post()).endswith(b"0\r\n\r\n")
        assert (await rig.targets())["counters"]["cut_short"] == 1

    drive(story)


def test_a_router_that_can_open_no_more_files_sheds_and_blames_nobody(
    drive: Drive, no_more_files: Callable[[], AbstractContextManager[None]]
) -> None:
    async def story(rig: "Rig") -> None:
        backend = await rig.backend()
        await rig.start(backend.url, fast=True)
        talk = await rig.talk()
        with no_more_files():
            for _ in range(6):
                talk.send(POST)
                head = await talk.head()
                assert head.startswith(b"HTTP/1.1 503 ")
                length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
                assert b"Too many open files" in await talk.exactly(length)
            await asyncio.sleep(1.3)  # a probe is due
        assert (await rig.targets())["backends"][0]["failures"] == 0
        assert (await rig.targets())["backends"][0]["state"] == "healthy"
        talk.send(POST)
        assert (await talk.head()).startswith(b"HTTP/1.1 200 ")

    drive(story)


def test_messages_alike_on_one_connection_keep_their_bodies_apart(drive: Drive) -> None:
    async def echo(head: bytes, reader: asyncio.StreamReader, writer: Any) -> None:
        body = await reader.readexactly(int(head.partition(b"Content-Length: ")[2].split()[0]))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    def post(body: bytes) -> bytes:
        head = b"POST /infer HTTP/1.1\r\nHost: iris\r\nContent-Length: %d\r\n\r\n" % len(body)
        return head + body

    async def story(rig: "Rig") -> None:
        backend = await rig.backend(echo)
        await rig.start(backend.url)
        before, talk = backend.connections, await rig.talk()

        async def answered(body: bytes) -> bool:
            head = await talk.head()
            return head.startswith(b"HTTP/1.1 200 ") and await talk.exactly(len(body)) == body

        for body in (b"ab", b"ab", b"cdefg", b"", b"x" * 200_000, b"ab"):
            talk.send(post(body))
            assert await answered(body)
        talk.send(post(b"one") + post(b"three"))
        assert await answered(b"one")
        assert await answered(b"three")
        talk.send(post(b"late")[:-2])
        await asyncio.sleep(0.02)
        talk.send(b"te")
        assert await answered(b"late")
        assert backend.connections == before + 1
        talk.send(post(b"ab").replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n"))
        assert (await talk.rest()).startswith(b"HTTP/1.1 400 ")

    drive(story)


def test_an_answer_like_the_last_one_that_breaks_off_is_cut_off(drive: Drive) -> None:
    async def handler(head: bytes, reader: asyncio.StreamReader, writer: Any) -> None:
        await reader.readexactly(2)
        body = b"o" if b"/short" in head else b"ok"
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + body)
        if body == b"o":
            writer.close()

    async def story(rig: "Rig") -> None:
        backend = await rig.backend(handler)
        await rig.start(backend.url)
        talk = await rig.talk()
        for _ in range(3):
            talk.send(POST)
            await talk.head()
            assert await talk.exactly(2) == b"ok"
        talk.send(POST.replace(b"/infer", b"/short"))
        assert body_of(await talk.rest()) == b"o"
        assert rig.router.traffic.counters.cut_short == 1

    drive(story)
