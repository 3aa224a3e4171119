"""What becomes of requests while no backend can be reached at all."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from deployer.routing.traffic import Timeouts

if TYPE_CHECKING:
    from tests.unit.routing.conftest import Rig

Drive = Callable[[Callable[["Rig"], Awaitable[None]]], None]
POST = b"POST / HTTP/1.1\r\nHost: iris\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"


def test_requests_wait_for_a_backend_to_be_reached_again(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        dead = await rig.dead_url()
        await rig.start(dead, settle=False)
        waiting = [asyncio.create_task(rig.ask(POST)) for _ in range(20)]
        await rig.until(lambda: _has_queued(rig, 20))
        backend = await rig.backend(port=int(dead.rpartition(":")[2]))
        answers = await asyncio.gather(*waiting)
        assert all(answer.startswith(b"HTTP/1.1 200 ") for answer in answers), answers
        assert len(backend.heads) == 20
        assert await _has_queued(rig, 0)

    drive(story)


def test_what_is_down_gets_no_crowd(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        await rig.start(await rig.dead_url(), settle=False, timeouts=Timeouts(hold=1.0))
        answers = await asyncio.gather(*[rig.ask(POST) for _ in range(30)])
        assert all(answer.startswith((b"HTTP/1.1 503 ", b"HTTP/1.1 502 ")) for answer in answers)
        attempts = sum(b["requests"] for b in (await rig.targets())["backends"])
        assert attempts <= 30 * 3 + 15  # each its three at once, then one of them every 100 ms
        said = [json.loads(answer.partition(b"\r\n\r\n")[2])["attempts"] for answer in answers]
        assert all("connection refused" in attempt for attempts in said for attempt in attempts)

    drive(story)


def test_a_client_that_leaves_waits_no_longer(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        await rig.start(await rig.dead_url(), settle=False)
        talk = await rig.talk()
        talk.send(POST)
        await rig.until(lambda: _has_queued(rig, 1))
        talk.close()
        await rig.until(lambda: _has_queued(rig, 0))
        assert (await rig.targets())["counters"]["abandoned"] == 1

    drive(story)


async def _has_queued(rig: Any, count: int) -> bool:
    return bool((await rig.targets())["queued"] == count)
