"""Orders to a router: who may give them, what they do, and that each is recorded."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from deployer.routing.admin_address import AdminAddress

if TYPE_CHECKING:
    from tests.unit.routing.conftest import Rig

Drive = Callable[[Callable[["Rig"], Awaitable[None]]], None]
TOKEN = "a-token-that-nobody-guesses"
PORT = AdminAddress(host="127.0.0.1", port=0)


async def exchange(rig: "Rig", request: str) -> tuple[int, str, Any]:
    """Send to the admin listener; return the status, the head and the JSON."""
    admin = rig.router._admin
    assert admin is not None
    reader, writer = await (
        asyncio.open_unix_connection(admin.where)
        if admin.where.startswith("/")
        else asyncio.open_connection(*admin.where.split(":"))
    )
    writer.write(request.encode())
    head, _, body = (await reader.read(-1)).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    return int(head.split(b" ")[1]), head.decode(), json.loads(body)


async def order(
    rig: "Rig", what: str, *, method: str = "POST", token: str | None = None
) -> tuple[int, Any]:
    line = f"Authorization: Bearer {token}\r\n" if token is not None else ""
    head = f"{method} /-/orders/{what} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{line}\r\n"
    status, _, document = await exchange(rig, head)
    return status, document


async def start_pair(rig: "Rig", admin: AdminAddress, **options: Any) -> None:
    urls = [(await rig.backend()).url for _ in range(2)]
    await rig.start(*urls, admin=admin, token=TOKEN, **options)
    await rig.until(lambda: both_healthy(rig))


async def both_healthy(rig: "Rig") -> bool:
    return [b["state"] for b in (await rig.targets())["backends"]] == ["healthy"] * 2


async def first(rig: "Rig") -> Any:
    return (await rig.targets())["backends"][0]


@pytest.mark.parametrize("token", [None, "", "wrong", TOKEN + "x", TOKEN[:-1]])
def test_an_order_over_a_port_needs_the_token(drive: Drive, token: str | None) -> None:
    async def story(rig: "Rig") -> None:
        await start_pair(rig, PORT)
        status, said = await order(rig, "drain?target=t0", token=token)
        assert (status, said) == (401, {"error": "an order needs the router's token"})
        assert (await first(rig))["weight"] == 1
        event = (await rig.targets())["events"][-1]
        assert (event["change"], event["cause"]) == ("drain refused", "no valid token")
        assert (await order(rig, "drain?target=t0", token=TOKEN))[0] == 200

    drive(story)


def test_a_refusal_says_how_to_ask_and_a_flood_of_them_is_recorded_once(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        await start_pair(rig, PORT)
        before = len((await rig.targets())["events"])
        for _ in range(5):
            request = (
                "POST /-/orders/drain?target=t0 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            )
            status, head, _ = await exchange(rig, request)
            assert status == 401
            assert "WWW-Authenticate: Bearer" in head
        assert len((await rig.targets())["events"]) == before + 1

    drive(story)


def test_a_socket_is_its_owners_and_needs_no_token(drive: Drive, tmp_path: Path) -> None:
    async def story(rig: "Rig") -> None:
        path = tmp_path / "router.sock"
        await start_pair(rig, AdminAddress(path))
        assert path.stat().st_mode & 0o777 == 0o600
        status, said = await order(rig, "drain?target=t0")
        assert status == 200
        assert said["event"]["by"].startswith("user ")
        assert said["event"]["effect"] == "new requests: t0/1 50 -> 0 %, t1/1 50 -> 100 %"
        await rig.router.stop()
        assert not path.exists()

    drive(story)


def test_the_public_listener_takes_no_orders(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        await start_pair(rig, PORT)
        answer = await rig.ask(
            b"POST /-/orders/drain?target=t0 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            b"Authorization: Bearer " + TOKEN.encode() + b"\r\n\r\n"
        )
        assert answer.startswith(b"HTTP/1.1 404 ")
        assert (await first(rig))["weight"] == 1

    drive(story)


def test_the_admin_listener_passes_nothing_on_and_shows_the_pages(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        await start_pair(rig, PORT)
        for path, status in (("/infer", 404), ("/-/status", 200)):
            request = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            assert (await exchange(rig, request))[0] == status
        assert sum(len(backend.heads) for backend in rig.backends) == 0

    drive(story)


@pytest.mark.parametrize(
    ("what", "status", "said"),
    [
        ("drain", 400, "target= must be a name"),
        ("weight?target=t0", 400, "weight= must be"),
        ("weight?target=t0&weight=-1", 400, "weight= must be"),
        ("weight?target=t0&weight=1e9", 400, "weight= must be"),
        ("eject?target=t0&seconds=nan", 400, "seconds= must be"),
        ("eject?target=t0&seconds=0", 400, "seconds= must be"),
        ("eject?target=t0&seconds=x", 400, "seconds= must be"),
        ("explode?target=t0", 404, "no order explode"),
        ("drain?target=t0%0Arouter:%20all%20is%20well", 400, "target= must be a name"),
        (f"drain?target={'t' * 301}", 400, "target= must be a name"),
        ("drain?target=t9", 404, "no backend t9; there are: t0/1, t1/1"),
    ],
)
def test_an_order_that_makes_no_sense_changes_nothing(
    drive: Drive, what: str, status: int, said: str
) -> None:
    async def story(rig: "Rig") -> None:
        await start_pair(rig, PORT)
        answer = await order(rig, what, token=TOKEN)
        assert answer[0] == status
        assert said in answer[1]["error"]
        assert (await order(rig, what, token=TOKEN, method="GET"))[0] == 405
        described = await first(rig)
        assert (described["weight"], described["state"]) == (1, "healthy")

    drive(story)


def test_what_nothing_could_replace_is_not_taken_out(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        await start_pair(rig, PORT)
        assert (await order(rig, "drain?target=t0", token=TOKEN))[0] == 200
        for last in ("drain?target=t1", "eject?target=t1", "weight?target=t1&weight=0"):
            status, said = await order(rig, last, token=TOKEN)
            assert (status, said["error"]) == (409, "nothing usable would be left without t1")

    drive(story)


def test_a_drained_target_stays_so_through_new_routes_until_it_is_restored(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        await start_pair(rig, PORT)
        await order(rig, "drain?target=t0", token=TOKEN)
        urls = [backend.url for backend in rig.backends]
        rig.routes = rig.make_routes(urls, epoch=2, release=2)
        await rig.router.steerings[0].follower.read_once()
        await rig.until(lambda: both_healthy(rig))
        for _ in range(20):
            assert b"X-Deployer-Target: t1/2\r\n" in await rig.get()
        described = await first(rig)
        assert (described["weight"], described["routed_weight"]) == (0, 1)
        status, said = await order(rig, "restore?target=t0/2", token=TOKEN)
        assert (status, said["error"]) == (409, "the order is for all of t0: restore t0")
        assert (await order(rig, "restore?target=t0", token=TOKEN))[0] == 200
        described = await first(rig)
        assert (described["weight"], described["ordered_weight"]) == (1, None)

    drive(story)


def test_an_ejected_target_comes_back_by_itself_with_one_request(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        await start_pair(rig, PORT)
        assert (await order(rig, "eject?target=t0&seconds=0.3", token=TOKEN))[0] == 200
        described = await first(rig)
        assert (described["state"], described["source"]) == ("down", "admin")
        assert "ejected for 0.3 s by order of token from 127.0.0.1" in described["reason"]
        assert b"X-Deployer-Target: t1/1\r\n" in await rig.get()
        await asyncio.sleep(0.3)

        async def returned() -> bool:
            await rig.get()
            return bool((await first(rig))["state"] == "healthy")

        await rig.until(returned)

    drive(story)


def test_an_ejection_can_be_ended_and_a_weight_be_given(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        await start_pair(rig, PORT)
        await order(rig, "eject?target=t0", token=TOKEN)
        assert (await order(rig, "restore?target=t0", token=TOKEN))[0] == 200
        described = await first(rig)
        assert (described["state"], described["ejected_for"]) == ("healthy", None)
        status, said = await order(rig, "weight?target=t1&weight=3", token=TOKEN)
        assert (status, said["event"]["change"]) == (200, "weight 3")
        assert (await rig.targets())["backends"][1]["weight"] == 3

    drive(story)


def test_requests_that_wait_at_an_ejected_target_go_elsewhere(drive: Drive) -> None:
    async def hangs(_head: bytes, reader: asyncio.StreamReader, _writer: Any) -> None:
        await reader.read(-1)

    async def story(rig: "Rig") -> None:
        stuck, good = await rig.backend(hangs), await rig.backend()
        await rig.start(stuck.url, good.url, idempotent=True, admin=PORT, token=TOKEN)
        waiting = [asyncio.create_task(rig.get()) for _ in range(6)]
        await stuck.asked.wait()
        assert (await order(rig, "eject?target=t0", token=TOKEN))[0] == 200
        answers = await asyncio.gather(*waiting)
        assert all(answer.startswith(b"HTTP/1.1 200 ") for answer in answers)

    drive(story)


def test_events_are_read_from_a_number_on(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        await start_pair(rig, PORT)
        body = (await rig.get("/-/events")).partition(b"\r\n\r\n")[2]
        page = json.loads(body)
        assert page["schema"] == "deployer/router-events/v1"
        assert [event["seq"] for event in page["events"]] == [1, 2, 3]
        body = (await rig.get("/-/events?after=2")).partition(b"\r\n\r\n")[2]
        assert json.loads(body)["events"] == page["events"][2:]
        assert (await rig.get("/-/events?after=x")).startswith(b"HTTP/1.1 400 ")

    drive(story)
