"""The router as a whole: routes that change, backends that fail, an orderly end."""

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from deployer.errors import SetupError, StateError
from deployer.providers.local.clock import SystemClock
from deployer.routing.last_known import load_routes, save_routes
from deployer.routing.router import Router, RouterOptions
from deployer.routing.traffic import Timeouts

if TYPE_CHECKING:
    from tests.unit.routing.conftest import Rig

Drive = Callable[[Callable[["Rig"], Awaitable[None]]], None]


async def fails(_head: bytes, _reader: Any, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n")


async def is_busy(_head: bytes, _reader: Any, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 503 Busy\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n")


async def follow(rig: "Rig") -> None:
    await rig.router.steerings[0].follower.read_once()


def test_predictions_that_fail_eject_a_backend_whose_probes_pass(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        bad, good = await rig.backend(fails), await rig.backend()
        await rig.start(bad.url, good.url)
        statuses = [int((await rig.post()).split(b" ")[1]) for _ in range(60)]
        assert statuses.count(500) == 5
        described = (await rig.targets())["backends"][0]
        assert described["state"] == "down"
        assert described["source"] == "passive"
        assert described["reason"] == "5 requests failed in a row: answered 500"
        assert 3.0 < described["ejected_for"] <= 6.0
        assert any("t0/1: degraded -> down" in line for line in rig.told)

    drive(story)


def test_the_last_usable_backend_keeps_its_traffic(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        bad = await rig.backend(fails)
        await rig.start(bad.url)
        statuses = {int((await rig.post()).split(b" ")[1]) for _ in range(10)}
        assert statuses == {500}
        assert (await rig.targets())["backends"][0]["state"] == "degraded"

    drive(story)


def test_a_busy_backend_is_not_ejected_and_its_advice_is_passed_on(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        backends = [await rig.backend(is_busy) for _ in range(2)]
        await rig.start(*[backend.url for backend in backends])
        for _ in range(20):
            assert b"Retry-After: 3\r\n" in await rig.post()
        assert {b["state"] for b in (await rig.targets())["backends"]} == {"degraded"}

    drive(story)


def test_probes_take_a_backend_down_and_bring_it_back(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        backend, other = await rig.backend(), await rig.backend()
        await rig.start(backend.url, other.url, fast=True)

        async def is_in(state: str) -> bool:
            described = (await rig.targets())["backends"][0]
            return bool(described["state"] == state and described["source"] == "active")

        backend.healthy = False
        await rig.until(lambda: is_in("down"))
        backend.healthy = True
        await rig.until(lambda: is_in("healthy"))

    drive(story)


def test_a_new_release_takes_over_and_what_is_under_way_finishes(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        go_on = asyncio.Event()

        async def slow(_head: bytes, _reader: Any, writer: asyncio.StreamWriter) -> None:
            await go_on.wait()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nold")

        old, new = await rig.backend(slow), await rig.backend()
        await rig.start(old.url)
        pending = asyncio.create_task(rig.get())
        await old.asked.wait()
        rig.routes = rig.make_routes([new.url], epoch=2, release=2)
        await follow(rig)
        assert b"X-Deployer-Target: t0/2\r\n" in await rig.get()
        document = await rig.targets()
        assert document["draining"] == [{"backend": "t0/1", "in_flight": 1}]
        go_on.set()
        assert (await pending).endswith(b"old")
        await asyncio.sleep(0.15)
        assert (await rig.targets())["draining"] == []

    drive(story)


def test_a_changed_weight_keeps_the_backend_and_its_health(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        backend = await rig.backend()
        await rig.start(backend.url)
        await rig.get()
        connections = backend.connections
        routes = rig.make_routes([backend.url], epoch=2)
        heavy = routes.backends[0].model_copy(update={"weight": 7})
        rig.routes = routes.model_copy(update={"backends": (heavy,)})
        await follow(rig)
        await rig.get()
        described = (await rig.targets())["backends"][0]
        assert (described["weight"], described["requests"]) == (7, 2)
        assert described["state"] == "healthy"
        assert backend.connections == connections

    drive(story)


def test_old_and_empty_routes_are_not_followed(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        backend = await rig.backend()
        rig.routes = rig.make_routes([backend.url], epoch=5)
        await rig.start()
        for bad in (rig.make_routes(["http://127.0.0.1:1"], epoch=4), rig.make_routes([], epoch=6)):
            rig.routes = bad
            await follow(rig)
            document = await rig.targets()
            assert document["routes"]["epoch"] == 5
            assert document["backends"][0]["url"] == backend.url
            assert document["routes"]["error"]

    drive(story)


def test_the_last_known_routes_are_kept_while_the_state_cannot_be_read(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        backend = await rig.backend()
        await rig.start(backend.url)
        good = rig.routes
        rig.routes = StateError("no majority answers")
        await follow(rig)
        await asyncio.sleep(0.05)
        assert (await rig.get()).startswith(b"HTTP/1.1 200 ")
        described = (await rig.targets())["routes"]
        assert described["error"] == "no majority answers"
        assert described["age"] >= 0.05
        rig.routes = good
        await follow(rig)
        assert (await rig.targets())["routes"]["error"] is None

    drive(story)


def test_routes_with_a_bad_url_are_refused_whole(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        backend = await rig.backend()
        await rig.start(backend.url)
        rig.routes = rig.make_routes([backend.url, "gopher://x"], epoch=2)
        await follow(rig)
        document = await rig.targets()
        assert document["routes"]["epoch"] == 1
        assert "gopher" in document["routes"]["error"]

    drive(story)


def test_a_state_that_hangs_holds_up_nobody(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        backend = await rig.backend()
        await rig.start(backend.url)
        routes, release = rig.make_routes([backend.url]), threading.Event()

        def hangs() -> Any:
            release.wait(10)
            return routes

        rig.router.steerings[0].follower._read = hangs
        reading = asyncio.create_task(follow(rig))
        await asyncio.sleep(0.05)
        assert (await rig.get()).startswith(b"HTTP/1.1 200 ")
        release.set()
        await reading

    drive(story)


def test_who_connects_before_the_routes_were_read_waits_for_them(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        backend, port = await rig.backend(), int((await rig.dead_url()).rpartition(":")[2])
        rig.readable.clear()
        starting = asyncio.create_task(rig.start(backend.url, settle=False, port=port))
        while True:
            with contextlib.suppress(ConnectionError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                break
            await asyncio.sleep(0.01)
        writer.write(b"GET / HTTP/1.1\r\nHost: iris\r\n\r\n")
        answer = asyncio.create_task(reader.readuntil(b"\r\n"))
        await asyncio.sleep(0.05)
        assert not answer.done()
        rig.readable.set()
        assert await answer == b"HTTP/1.1 200 OK\r\n"
        await starting
        writer.close()

    drive(story)


def test_a_router_serves_what_it_can_when_the_first_read_hangs(
    drive: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deployer.routing.router._FIRST_READ_SECONDS", 0.05)

    async def story(rig: "Rig") -> None:
        rig.readable.clear()
        await rig.start((await rig.backend()).url, settle=False)
        assert (await rig.get()).startswith(b"HTTP/1.1 503 ")
        assert (await rig.get("/-/health")).startswith(b"HTTP/1.1 200 ")
        rig.readable.set()
        await rig.until(lambda: answers(rig))

    async def answers(rig: "Rig") -> bool:
        return (await rig.get()).startswith(b"HTTP/1.1 200 ")

    drive(story)


def test_a_router_starts_from_its_snapshot_when_the_state_is_away(
    drive: Drive, tmp_path: Path
) -> None:
    snapshot = tmp_path / "routes.json"

    async def story(rig: "Rig") -> None:
        backend = await rig.backend()
        save_routes(snapshot, rig.make_routes([backend.url], epoch=9))
        rig.routes = StateError("no store answers")
        await rig.start(snapshot=snapshot)
        assert (await rig.get()).startswith(b"HTTP/1.1 200 ")
        described = (await rig.targets())["routes"]
        assert (described["epoch"], described["from_snapshot"]) == (9, True)
        rig.routes = rig.make_routes([backend.url], epoch=10)
        await follow(rig)
        assert load_routes(snapshot).epoch == 10

    drive(story)


def test_a_damaged_snapshot_or_one_that_cannot_be_written_stops_nothing(
    drive: Drive, tmp_path: Path
) -> None:
    (tmp_path / "routes.json").write_text("{")

    async def story(rig: "Rig") -> None:
        backend = await rig.backend()
        rig.routes = StateError("no store answers")
        await rig.start(snapshot=tmp_path / "routes.json", settle=False)
        await follow(rig)
        (tmp_path / "routes.json").unlink()
        (tmp_path / "routes.json").mkdir()
        rig.routes = rig.make_routes([backend.url])
        await follow(rig)
        assert (await rig.get()).startswith(b"HTTP/1.1 200 ")
        assert sum("the snapshot " in line for line in rig.told) >= 2

    drive(story)


def test_stopping_waits_for_what_is_under_way_and_takes_nothing_new(drive: Drive) -> None:
    async def slow(_head: bytes, _reader: Any, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.2)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    async def story(rig: "Rig") -> None:
        backend = await rig.backend(slow)
        await rig.start(backend.url, timeouts=Timeouts(farewell=0.1))
        idle = await rig.talk()
        busy = await rig.talk()
        busy.send(b"GET / HTTP/1.1\r\nHost: iris\r\n\r\n")
        await backend.asked.wait()
        url = rig.router.url
        stopping = asyncio.create_task(rig.router.stop())
        assert await idle.rest() == b""
        answer = await busy.rest()
        assert answer.endswith(b"ok")
        assert b"Connection: close\r\n" in answer
        await stopping
        with pytest.raises(OSError, match="Connect call failed"):
            await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))

    drive(story)


def test_stopping_is_bounded(drive: Drive) -> None:
    async def never(_head: bytes, reader: asyncio.StreamReader, _writer: Any) -> None:
        await reader.read(-1)

    async def story(rig: "Rig") -> None:
        backend = await rig.backend(never)
        await rig.start(backend.url, drain_seconds=0.1)
        talk = await rig.talk()
        talk.send(b"GET / HTTP/1.1\r\nHost: iris\r\n\r\n")
        await backend.asked.wait()
        await asyncio.wait_for(rig.router.stop(), 1.0)
        assert await talk.rest() == b""

    drive(story)


def test_an_address_that_is_taken_is_a_setup_error(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        await rig.start(settle=False)
        port = int(rig.router.url.rpartition(":")[2])
        second = Router(rig.read_routes, clock=SystemClock(), options=RouterOptions(port=port))
        with pytest.raises(SetupError, match="can't be listened on"):
            await second.start()

    drive(story)


def test_waiting_requests_leave_a_backend_that_goes_down(drive: Drive) -> None:
    async def hangs(_head: bytes, reader: asyncio.StreamReader, _writer: Any) -> None:
        await reader.read(-1)

    async def story(rig: "Rig") -> None:
        stuck, good = await rig.backend(), await rig.backend()
        await rig.start(stuck.url, good.url, idempotent=True, fast=True)
        for _ in range(20):
            await rig.get()
        stuck.handler = hangs
        stuck.healthy = False
        answers = await asyncio.gather(*[rig.post() for _ in range(6)])
        assert all(answer.startswith(b"HTTP/1.1 200 ") for answer in answers)
        assert any(b"X-Deployer-Attempts: 2\r\n" in answer for answer in answers)

    drive(story)


def test_a_certificate_nobody_vouches_for_is_a_failed_attempt(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        server = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0, ssl=None)
        port = server.sockets[0].getsockname()[1]
        await rig.start(f"https://127.0.0.1:{port}", settle=False, timeouts=Timeouts(hold=0.2))
        answer = await rig.post()
        assert answer.startswith((b"HTTP/1.1 502 ", b"HTTP/1.1 503 "))
        assert b"connect failed" in answer
        server.close()
        assert ssl.create_default_context().check_hostname

    drive(story)
