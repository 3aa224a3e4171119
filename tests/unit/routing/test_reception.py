import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from deployer.errors import StateError
from deployer.providers.local.clock import SystemClock
from deployer.release.records import Routes
from deployer.routing.admin_address import parse_admin_address
from deployer.routing.router import Router, RouterOptions

if TYPE_CHECKING:
    from tests.unit.routing.conftest import Rig

Drive = Callable[[Callable[["Rig"], Awaitable[None]]], None]
TOKEN = "t" * 16


def answers(text: bytes) -> Callable[..., Awaitable[None]]:
    async def answer(_head: bytes, _reader: Any, writer: Any) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(text), text))

    return answer


class Pair:
    """A router for two deployments, whose routes a test may change or break."""

    def __init__(self, rig: "Rig", *routes: Routes | Exception, **options: Any) -> None:
        self.read = list(routes)
        rig.router = Router(
            lambda: self._give(0),
            lambda: self._give(1),
            clock=SystemClock(),
            options=RouterOptions(port=0, drain_seconds=1.0, **options),
            rng=random.Random(7),
            tell=rig.told.append,
        )

    def _give(self, number: int) -> Routes:
        found = self.read[number]
        if isinstance(found, Exception):
            raise found
        return found


def name(routes: Routes, text: str) -> Routes:
    return routes.model_copy(update={"name": text})


async def start_pair(rig: "Rig", **options: Any) -> Pair:
    cat = await rig.backend(answers(b"cat"))
    dog = await rig.backend(answers(b"dog"))
    pair = Pair(
        rig,
        name(rig.make_routes([cat.url]), "cat"),
        name(rig.make_routes([dog.url], path="/dog"), "dog"),
        **options,
    )
    await rig.router.start()
    rig._stack.push_async_callback(rig.router.stop)

    async def both() -> bool:
        pages = [await page(rig, f"/-/{each}/status") for each in ("cat", "dog")]
        return all(
            "backends" in one and one["backends"] and one["backends"][0]["state"] == "healthy"
            for one in pages
        )

    await rig.until(both)
    return pair


async def page(rig: "Rig", path: str) -> Any:
    return json.loads((await rig.get(path)).partition(b"\r\n\r\n")[2])


def test_two_deployments_share_an_address_and_nothing_else(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        pair = await start_pair(rig)
        assert (await rig.get("/v2")).endswith(b"cat")
        assert (await rig.get("/dog/v2")).endswith(b"dog")
        absolute = b"GET http://iris/dog/v2 HTTP/1.1\r\nHost: iris\r\nConnection: close\r\n\r\n"
        assert (await rig.ask(absolute)).endswith(b"dog")
        assert (await page(rig, "/-/status"))["deployments"] == ["cat", "dog"]
        rig.backends[0].kill()
        assert (await rig.get("/v2")).startswith(b"HTTP/1.1 5")
        assert (await rig.get("/dog/v2")).endswith(b"dog")
        pair.read[0] = StateError("no majority")
        await rig.router.steerings[0].follower.read_once()
        assert (await page(rig, "/-/cat/status"))["routes"]["error"] == "no majority"
        assert (await page(rig, "/-/dog/status"))["routes"]["error"] is None
        assert "cat routes: not followed (no majority); the last known ones are kept" in rig.told
        metrics = await rig.get("/-/dog/metrics")
        assert b'deployer_router_responses_total{code="200",release="1",target="t0"} 3.0' in metrics

    drive(story)


def test_routes_that_would_take_anothers_requests_are_not_followed(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        pair = await start_pair(rig)
        greedy = name(rig.make_routes([rig.backends[1].url], epoch=2), "dog")
        pair.read[1] = greedy
        await rig.router.steerings[1].follower.read_once()
        error = (await page(rig, "/-/dog/status"))["routes"]["error"]
        assert error == "cat and dog both take any host and /"
        assert (await rig.get("/dog/v2")).endswith(b"dog")

    drive(story)


def test_one_that_was_never_deployed_keeps_no_other_waiting(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        cat = await rig.backend(answers(b"cat"))
        Pair(rig, name(rig.make_routes([cat.url]), "cat"), StateError("never deployed"))
        await rig.router.start()
        rig._stack.push_async_callback(rig.router.stop)

        async def ready() -> bool:
            return (await rig.get("/-/ready")).startswith(b"HTTP/1.1 200 ")

        await rig.until(ready)
        assert (await page(rig, "/-/health"))["status"] == "starting"

    drive(story)


def test_an_order_says_which_deployment_it_is_for(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        await start_pair(rig, admin=parse_admin_address("127.0.0.1:0"), token=TOKEN)
        assert rig.router._admin is not None
        host, port = rig.router._admin._listener.sockets[0].getsockname()[:2]

        async def order(path: str) -> int:
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(
                f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n"
                f"Authorization: Bearer {TOKEN}\r\n\r\n".encode()
            )
            status = int((await reader.read()).split(b" ")[1])
            writer.close()
            return status

        assert await order("/-/orders/weight?target=t0&weight=5") == 404
        assert await order("/-/dog/orders/weight?target=t0&weight=5") == 200
        assert (await page(rig, "/-/dog/status"))["backends"][0]["weight"] == 5
        assert (await page(rig, "/-/cat/status"))["backends"][0]["weight"] == 1

    drive(story)
