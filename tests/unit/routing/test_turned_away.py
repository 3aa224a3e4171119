"""Whoever is not passed on has a line in the log and a counter, and leaves no key behind."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from deployer.release.steering import CorsRecord, GuardRecord, KeyRecord, RateRecord

if TYPE_CHECKING:
    from tests.unit.routing.conftest import Rig

Drive = Callable[[Callable[["Rig"], Awaitable[None]]], None]
KEY, WRONG = "a-key-that-nobody-guesses", "a-key-that-nobody-has"
GUARD = GuardRecord(
    keys=(
        KeyRecord(
            name="mobile",
            sha256=sha256(KEY.encode()).hexdigest(),
            rate=RateRecord(per_second=0.01, burst=1),
            paths=("/iris/infer",),
        ),
    ),
    cors=CorsRecord(origins=("https://app.example",), methods=("POST",), headers=("X-API-Key",)),
)
PREFLIGHT = (
    b"OPTIONS /iris/infer HTTP/1.1\r\nHost: iris\r\nOrigin: https://app.example\r\n"
    b"Access-Control-Request-Method: POST\r\nConnection: close\r\n\r\n"
)


async def lines_of(rig: "Rig", count: int) -> list[dict[str, Any]]:
    async def written() -> bool:
        return len(rig.logged().splitlines()) >= count

    await rig.until(written)
    return [json.loads(line) for line in rig.logged().splitlines()]


def test_each_that_is_turned_away_has_a_line_without_its_key(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        served = await rig.backend()
        rig.routes = rig.make_routes([served.url], guard=GUARD, path="/iris")
        await rig.start()
        key, wrong = f"X-API-Key: {KEY}", f"X-API-Key: {WRONG}"
        await rig.get("/iris/infer?secret=1", "X-Request-Id: mine")
        await rig.get("/iris/infer", wrong)
        await rig.get("/iris/other", key)
        await rig.get("/iris/infer", key)
        await rig.get("/iris/infer", key)
        await rig.get("/elsewhere", key)
        await rig.ask(PREFLIGHT)
        lines = await lines_of(rig, 7)
        assert [(line["status"], line["path"], line["backend"]) for line in lines] == [
            (401, "/iris/infer", None),
            (401, "/iris/infer", None),
            (403, "/iris/other", None),
            (200, "/iris/infer", "t0/1"),
            (429, "/iris/infer", None),
            (404, "/elsewhere", None),
            (200, "/iris/infer", None),
        ]
        assert lines[0]["id"] == "mine"
        assert lines[0]["failures"][0].startswith("no key or token")
        assert lines[4]["failures"] == ["too many requests"]
        assert lines[5]["failures"] == ["no deployment takes this host and path"]
        assert lines[6]["method"] == "OPTIONS"
        assert not any(secret in rig.logged() for secret in (KEY, WRONG, "secret"))
        metrics = await rig.get("/-/metrics")
        for reason in (b"anonymous", b"unknown", b"path", b"rate", b"nowhere"):
            assert b'turned_away_total{reason="%b"} 1.0\n' % reason in metrics

    drive(story)


def test_what_is_not_understood_has_a_line_too(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        await rig.start((await rig.backend()).url)
        await rig.ask(b"nonsense\r\n\r\n")
        await rig.ask(b"GET /two HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        await rig.ask(b"GET /large HTTP/1.1\r\nHost: a\r\nX: " + b"x" * (70 << 10) + b"\r\n\r\n")
        lines = await lines_of(rig, 3)
        assert [line["status"] for line in lines] == [400, 400, 431]
        assert [line["method"] for line in lines[:2]] == ["-", "GET"]
        assert lines[1]["path"] == "/two"
        assert all(len(line["failures"]) == 1 and line["id"] for line in lines)
        assert b"deployer_router_refused_total 3.0\n" in await rig.get("/-/metrics")

    drive(story)


def test_who_waited_in_the_queue_in_vain_has_a_line(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        async def hang(_head: bytes, reader: asyncio.StreamReader, _writer: Any) -> None:
            await reader.read(-1)

        served = await rig.backend(hang)
        rig.routes = rig.make_routes([served.url], max_in_flight=1)
        await rig.start()
        first = asyncio.create_task(rig.post())
        await served.asked.wait()
        assert (await rig.post()).startswith(b"HTTP/1.1 503 ")
        (line,) = await lines_of(rig, 1)
        assert (line["status"], line["backend"], line["attempts"]) == (503, None, 0)
        assert line["failures"] == ["every backend was full for 1 s"]
        assert b'answers_total{code="503"} 1.0\n' in await rig.get("/-/metrics")
        first.cancel()

    drive(story)


def test_the_routers_own_pages_have_none(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        await rig.start((await rig.backend()).url)
        await rig.get("/-/status")
        await rig.get()
        (line,) = await lines_of(rig, 1)
        assert line["path"] == "/"

    drive(story)
