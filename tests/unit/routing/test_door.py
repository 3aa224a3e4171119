import asyncio
import json
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from deployer.release.records import Backend, Routes, RouteSettings
from deployer.release.steering import CheckRecord, CorsRecord, GuardRecord, KeyRecord
from deployer.routing import shadow

if TYPE_CHECKING:
    from tests.unit.routing.conftest import Rig

Drive = Callable[[Callable[["Rig"], Awaitable[None]]], None]
KEY = "k-8fK2mQ"
GUARD = GuardRecord(
    keys=(KeyRecord(name="mobile", sha256=sha256(KEY.encode()).hexdigest()),),
    cors=CorsRecord(origins=("https://app.example",)),
)


def says(body: bytes, *fields: str) -> Callable[..., Awaitable[None]]:
    lines = "".join(f"{field}\r\n" for field in fields).encode()

    async def answer(_head: bytes, reader: Any, writer: Any) -> None:
        length = int(_head.lower().partition(b"content-length: ")[2].partition(b"\r")[0] or 0)
        await reader.readexactly(length)
        writer.write(
            b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n%b" % (lines, len(body), body)
        )

    return answer


async def start(rig: "Rig", *backends: Backend, **settings: Any) -> None:
    routes = rig.make_routes([])
    rig.routes = Routes(
        name="iris",
        epoch=1,
        written=routes.written,
        settings=RouteSettings(**settings),
        backends=backends,
    )
    await rig.start()


def backend(target: str, url: str, **more: Any) -> Backend:
    return Backend(**{"target": target, "release": 1, "url": url, "weight": 1, **more})


def test_a_200_with_an_error_in_it_counts_against_its_backend_and_ejects_it(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        wrong = await rig.backend(says(b'{"error": 1}'))
        right = await rig.backend(says(b'{"outputs": 1}'))
        await start(
            rig,
            backend("a", wrong.url),
            backend("b", right.url),
            check=CheckRecord(pointer="/outputs"),
        )
        answers = [await rig.post() for _ in range(30)]
        assert sum(b'"error"' in answer for answer in answers) == 5
        first, second = (await rig.targets())["backends"]
        assert (first["state"], second["failures"]) == ("down", 0)
        assert "the answer has nothing at '/outputs'" in first["reason"]

    drive(story)


def test_a_shadow_gets_copies_and_answers_nobody(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        live, copied = await rig.backend(says(b"live")), await rig.backend(says(b"shadow"))
        await start(
            rig,
            backend("a", live.url),
            backend("b", copied.url, weight=0, shadow=50),
        )
        answers = [await rig.post(b"{%d}" % i) for i in range(20)]
        assert all(answer.endswith(b"live") for answer in answers)

        async def counted() -> bool:
            described = (await rig.targets())["shadow"]
            answered = described.get("b/1", {}).get("answered", 0)
            return bool(8 <= answered == len(copied.heads) <= 12)

        await rig.until(counted)
        metric = b'shadow_copies_total{fate="answered",release="1",target="b"}'
        assert metric in await rig.get("/-/metrics")
        assert all(b"X-Deployer-Shadow: 1\r\n" in head for head in copied.heads)
        assert not any(b"X-Deployer-Shadow" in head for head in live.heads)

    drive(story)


def test_a_shadow_that_hangs_or_is_gone_delays_nobody_and_is_bounded(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        async def hang(*_: Any) -> None:
            await asyncio.sleep(60)

        live, stuck = await rig.backend(says(b"live")), await rig.backend(hang)
        await start(
            rig,
            backend("a", live.url),
            backend("b", stuck.url, weight=0, shadow=100),
            backend("c", await rig.dead_url(), weight=0, shadow=100),
        )
        talk, rounds = await rig.talk(), shadow.COPIES + 10
        for _ in range(rounds):
            talk.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
            await talk.until(b"live")
        seen = (await rig.targets())["shadow"]
        assert rig.router.steerings[0].hall.shadow.under_way["b/1"] == shadow.COPIES
        assert seen["b/1"] == {"full": 10}
        assert seen["c/1"].get("answered", 0) == 0
        too_large = b"x" * (shadow.COPY_BYTES // 8)
        assert (await rig.post(too_large)).endswith(b"live")
        assert (await rig.targets())["shadow"]["b/1"]["large"] == 1

    drive(story)


def test_a_guarded_deployment_lets_keys_in_and_nothing_else(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        served = await rig.backend(says(b"ok", "Access-Control-Allow-Origin: *"))
        await start(rig, backend("a", served.url), guard=GUARD)
        refused = await rig.post(b"{}", "Origin: https://app.example")
        assert refused.startswith(b"HTTP/1.1 401 ")
        assert b"Access-Control-Allow-Origin: https://app.example\r\n" in refused
        assert served.heads == []
        answer = await rig.post(b"{}", f"X-API-Key: {KEY}", "Origin: https://app.example")
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert answer.count(b"Access-Control-Allow-Origin") == 1
        assert KEY.encode() not in served.heads[0]
        assert KEY not in rig.logged()
        assert KEY not in "".join(rig.told)
        described = await rig.targets()
        assert described["turned_away"] == {"no key or token": 1}
        counted = b'deployer_router_turned_away_total{reason="anonymous"} 1.0'
        assert counted in await rig.get("/-/metrics")

    drive(story)


def test_a_path_of_its_own_is_taken_off_and_other_paths_are_404(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        served = await rig.backend(says(b"ok"))
        await start(rig, backend("a", served.url), host="iris", path="/iris", strip=True)
        assert (await rig.get("/iris/v2/x?a=1")).endswith(b"ok")
        assert (await rig.get("/iris")).endswith(b"ok")
        assert [head.split(b" ")[1] for head in served.heads] == [b"/v2/x?a=1", b"/"]
        for path in ("/irises", "/", "/v2"):
            assert (await rig.get(path)).startswith(b"HTTP/1.1 404 ")
        absolute = b"GET http://iris/iris/y HTTP/1.1\r\nHost: cat\r\nConnection: close\r\n\r\n"
        assert (await rig.ask(absolute)).endswith(b"ok")
        elsewhere = await rig.ask(b"GET /iris HTTP/1.1\r\nHost: cat\r\nConnection: close\r\n\r\n")
        assert json.loads(elsewhere.partition(b"\r\n\r\n")[2])["error"].startswith("no deployment")

    drive(story)
