"""Connections at rest that are closed: what came in time is served, what could not is told at once.

The loop does not turn between what a client does and what the router does in answer to it, so these
meet as they do when a busy machine stops the router's process for a moment.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from deployer.routing.parting import has_unread

if TYPE_CHECKING:
    from tests.unit.routing.conftest import Rig, Talk

Drive = Callable[[Callable[["Rig"], Awaitable[None]]], None]
GET = b"GET / HTTP/1.1\r\nHost: iris\r\n\r\n"


async def rest(rig: "Rig") -> "Talk":
    """Return a connection that has had an answer, and is kept."""
    backend = await rig.backend()
    await rig.start(backend.url)
    talk = await rig.talk()
    talk.send(GET)
    assert b"Connection: close" not in await talk.head()
    await talk.until(b"ok")
    return talk


def let_idle_time_pass(rig: "Rig", times: int = 1) -> None:
    traffic = rig.router.traffic
    traffic.expire(traffic.now() + times * (traffic.timeouts.idle + 1.0))


def test_a_request_that_came_before_the_idle_time_was_over_is_served(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        talk = await rest(rig)
        talk.send(GET)
        let_idle_time_pass(rig)
        assert (await talk.head()).startswith(b"HTTP/1.1 200 ")

    drive(story)


def test_a_part_of_a_head_buys_no_time_twice(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        talk = await rest(rig)
        talk.send(GET[:9])
        let_idle_time_pass(rig)
        await asyncio.sleep(0.05)
        talk.send(GET[9:12])
        let_idle_time_pass(rig, 2)
        assert await talk.rest() == b""

    drive(story)


def test_a_client_knows_at_once_that_its_connection_is_closed(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        talk = await rest(rig)
        assert not has_unread(talk.writer.transport)
        let_idle_time_pass(rig)
        assert has_unread(talk.writer.transport)
        assert await talk.rest() == b""

    drive(story)


def test_a_router_that_is_told_to_stop_serves_what_came_before(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        talk = await rest(rig)
        talk.send(GET)
        await rig.router.stop()
        assert b"Connection: close\r\n" in await talk.head()
        assert await talk.rest() == b"ok"

    drive(story)


def test_a_router_that_is_told_to_stop_tells_its_clients_to_come_again(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        talk = await rest(rig)
        stopping = asyncio.create_task(rig.router.stop())
        await asyncio.sleep(0.2)
        talk.send(GET)
        head = await talk.head()
        assert head.startswith(b"HTTP/1.1 200 ")
        assert b"Connection: close\r\n" in head
        await asyncio.wait_for(stopping, 0.5)  # nobody is left who could come within a second

    drive(story)
