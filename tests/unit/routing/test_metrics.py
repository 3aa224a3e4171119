import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from deployer.routing.health import State

if TYPE_CHECKING:
    from tests.unit.routing.conftest import Rig

Drive = Callable[[Callable[["Rig"], Awaitable[None]]], None]
Sample = tuple[str, tuple[tuple[str, str], ...]]


async def breaks(_head: bytes, _reader: Any, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n")


async def scrape(rig: "Rig") -> dict[Sample, float]:
    answer = await rig.get("/-/metrics")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"Content-Type: text/plain; version=0.0.4" in head
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


def of(target: str, **labels: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted({"target": target, "release": "1", **labels}.items()))


def test_what_is_counted_can_be_scraped(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        good = await rig.backend()
        await rig.start(good.url)
        for _ in range(3):
            await rig.get("/predict")
        seen = await scrape(rig)
        assert seen["deployer_router_requests_total", ()] == 3
        assert seen["deployer_router_responses_total", of("t0", code="200")] == 3
        assert seen["deployer_router_first_byte_seconds_count", of("t0")] == 3
        assert seen["deployer_router_first_byte_seconds_bucket", of("t0", le="+Inf")] == 3
        assert seen["deployer_router_backend_up", of("t0")] == 1
        assert seen["deployer_router_backend_share", of("t0")] == 1
        assert seen["deployer_router_backend_in_flight", of("t0")] == 0
        assert seen["deployer_router_routes_epoch", ()] == 1
        assert seen["deployer_router_routes_age_seconds", ()] < 10
        assert seen["deployer_router_answers_total", (("code", "200"),)] == 3
        assert seen["deployer_router_request_duration_seconds_count", ()] == 3
        assert seen["deployer_router_retry_budget", ()] == pytest.approx(3.6)  # 3, and 20 % of 3
        assert seen["deployer_router_panic", ()] == 0
        states = {s: seen["deployer_router_backend_state", of("t0", state=s)] for s in State}
        assert states == {State.HEALTHY: 1, State.DEGRADED: 0, State.DOWN: 0, State.UNKNOWN: 0}
        assert seen["process_open_fds", ()] > 0

    drive(story)


def test_failures_and_ejections_show_by_target(drive: Drive) -> None:
    async def story(rig: "Rig") -> None:
        sick, good = await rig.backend(breaks), await rig.backend()
        await rig.start(sick.url, good.url)
        for _ in range(40):
            await rig.get("/predict")
        seen = await scrape(rig)
        assert seen["deployer_router_ejections_total", of("t0")] == 1
        assert seen["deployer_router_backend_failures_total", of("t0")] == 5
        assert seen["deployer_router_responses_total", of("t0", code="500")] == 5
        assert seen["deployer_router_backend_up", of("t0")] == 0
        assert seen["deployer_router_backend_share", of("t1")] == 1

    drive(story)


def test_retries_and_answers_cut_short_show_by_target(drive: Drive) -> None:
    async def cuts(_head: bytes, _reader: Any, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart")
        await writer.drain()
        writer.transport.abort()

    async def story(rig: "Rig") -> None:
        cut = await rig.backend(cuts)
        await rig.start(cut.url, await rig.dead_url())
        for _ in range(6):
            await rig.get("/predict")
        seen = await scrape(rig)
        assert seen["deployer_router_backend_midstream_aborts_total", of("t0")] >= 1
        by_target = [seen["deployer_router_backend_retries_total", of(t)] for t in ("t0", "t1")]
        assert sum(by_target) == seen["deployer_router_retries_total", ()]

    drive(story)


def test_a_client_that_left_counts_as_499_and_panic_shows(drive: Drive) -> None:
    async def hangs(_head: bytes, reader: asyncio.StreamReader, _writer: Any) -> None:
        await reader.read(-1)

    async def story(rig: "Rig") -> None:
        stuck = await rig.backend(hangs)
        await rig.start(stuck.url, fast=True)
        talk = await rig.talk()
        talk.send(b"GET / HTTP/1.1\r\nHost: iris\r\n\r\n")
        await stuck.asked.wait()
        talk.close()
        stuck.kill()

        async def both_show() -> bool:
            seen = await scrape(rig)
            left = seen.get(("deployer_router_answers_total", (("code", "499"),)), 0)
            return bool(left == 1 and seen["deployer_router_panic", ()] == 1)

        await rig.until(both_show)

    drive(story)
